"""What single files say of the project as a whole; and no file of anybody's can make it fail."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.index.detect import facts_of, says_something

CASES = [
    ("package.json", '{"name": "ui", "main": "x.js", "dependencies": {"react": "^18"}, "devDependencies": {"jest": "1"}, "scripts": {"test": "jest"}, "bin": {"ui": "cli.js"}}',
     {("dependency", "react", "^18"), ("dependency", "jest", "1"), ("framework", "React", "package.json"), ("test", "Jest", "package.json"), ("command", "npm run test", "jest"), ("module", "ui", "x.js"), ("entry", "ui", "cli.js")}),
    ("pyproject.toml", '[project]\ndependencies = ["Django >=5 ; python_version > \'3\'"]\nscripts = {go = "a:b"}\n[dependency-groups]\ndev = ["pytest>=8"]\n[tool.ruff]\n[tool.poetry.dependencies]\nflask = "1"\n',
     {("dependency", "Django", ">=5"), ("framework", "Django", "pyproject.toml"), ("entry", "go", "a:b"), ("dependency", "pytest", ">=8"), ("test", "pytest", "pyproject.toml"), ("lint", "ruff", "pyproject.toml"), ("dependency", "flask", "1"), ("framework", "Flask", "pyproject.toml")}),
    ("requirements-dev.txt", "# x\n-r other.txt\nflask[async]==2.0  # why\nmypy\n", {("dependency", "flask", "==2.0"), ("framework", "Flask", "requirements-dev.txt"), ("dependency", "mypy", ""), ("lint", "mypy", "requirements-dev.txt")}),
    ("setup.cfg", "[options]\ninstall_requires =\n  celery>=5\n[flake8]\n[tool:pytest]\n[options.entry_points]\nconsole_scripts =\n  run = a:b\n",
     {("dependency", "celery", ">=5"), ("framework", "Celery", "setup.cfg"), ("lint", "flake8", "setup.cfg"), ("entry", "run", "a:b"), ("test", "pytest", "setup.cfg")}),
    ("go.mod", "module example.com/m\nrequire (\n\tgithub.com/gin-gonic/gin v1.9.0\n)\n", {("module", "example.com/m", ""), ("dependency", "github.com/gin-gonic/gin", "v1.9.0"), ("framework", "Gin", "go.mod"), ("command", "go test ./...", "go.mod")}),
    ("Cargo.toml", '[package]\nname = "c"\n[dependencies]\ntokio = { version = "1" }\nserde = "2"\n', {("module", "c", ""), ("dependency", "tokio", "1"), ("dependency", "serde", "2"), ("framework", "Tokio", "Cargo.toml"), ("command", "cargo test", "Cargo.toml")}),
    ("pom.xml", "<dependency><groupId>g</groupId><artifactId>junit</artifactId><version>4</version></dependency>", {("dependency", "junit", "4"), ("test", "JUnit", "pom.xml"), ("command", "mvn test", "pom.xml")}),
    ("build.gradle.kts", 'implementation("g:art:1.2")', {("dependency", "art", "1.2")}),
    ("Gemfile", 'gem "rails", "~> 7"\n', {("dependency", "rails", "~> 7"), ("framework", "Rails", "Gemfile")}),
    ("composer.json", '{"require": {"laravel/framework": "10"}, "scripts": {"test": "phpunit", "all": ["@test", "@lint"]}}', {("command", "composer test", "phpunit"), ("command", "composer all", "@test, @lint"), ("dependency", "laravel/framework", "10"), ("framework", "Laravel", "composer.json")}),
    ("a.csproj", '<PackageReference Include="X" Version="3" />', {("dependency", "X", "3")}),
    ("tsconfig.json", '{// c\n "compilerOptions": {"strict": true, "baseUrl": ".", "paths": {"@/*": ["src/*"],}}}', {("lint", "TypeScript", "strict"), ("paths", "*", "./*"), ("paths", "@/*", "./src/*")}),
    ("Makefile", "test: build ## all tests\nX := 1\n.PHONY: test\n", {("command", "make test", "all tests")}),
    (".eslintrc.json", "{}", {("lint", "ESLint", ".eslintrc.json")}),
    ("manage.py", "", {("framework", "Django", "manage.py"), ("entry", "manage.py", "manage.py")}),
    ("deep/er/than/that/main.py", "", set()),
    ("conftest.py", "", {("test", "pytest", "conftest.py")}),
    ("plain.py", "import django", set()),
]  # fmt: skip


@pytest.mark.parametrize(("path", "text", "facts"), CASES, ids=[case[0] for case in CASES])
def test_facts(path, text, facts):
    assert set(facts_of(path, text.encode())) == facts


@pytest.mark.parametrize("name", [case[0] for case in CASES if says_something(case[0])])
@given(junk=st.one_of(st.binary(max_size=60), st.sampled_from([b"[]", b"{}", b"1", b'{"dependencies": []}', b"[project]\nscripts = 1\n", b'{"compilerOptions": 1}', b"[" * 5000])))  # fmt: skip
def test_junk_says_nothing_and_is_no_fault(name, junk):
    facts_of(name, junk)

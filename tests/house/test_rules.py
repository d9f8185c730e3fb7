"""The rules of the house that no linter knows: where the environment is read, how long things may be, what must be told."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "sidecar"
FILES = sorted(p for p in SOURCE.rglob("*.py"))
IDS = [str(p.relative_to(ROOT)) for p in FILES]


def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def body_lines(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines of a function without its docstring."""
    length = (node.end_lineno or node.lineno) - node.lineno + 1
    first = node.body[0]
    if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str):
        length -= (first.end_lineno or first.lineno) - first.lineno + 1
    return length


def depth(node: ast.AST, level: int = 0) -> int:
    deepest = level
    for child in ast.iter_child_nodes(node):
        nested = isinstance(
            child, ast.If | ast.For | ast.AsyncFor | ast.While | ast.Try | ast.With | ast.AsyncWith | ast.Match
        )
        inner = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda)
        # `elif` is one step in a row of alternatives, not a step deeper
        chained = isinstance(node, ast.If) and isinstance(child, ast.If) and child in node.orelse
        if not inner:
            deepest = max(deepest, depth(child, level + (1 if nested and not chained else 0)))
    return deepest


@pytest.mark.parametrize("path", FILES, ids=IDS)
def test_a_file_is_short_and_says_what_it_is_for(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert ast.get_docstring(tree(path)), "the first line says what the file is for"
    assert text.count("\n") <= 500, "a file of more than 500 lines wants to be two"


@pytest.mark.parametrize("path", FILES, ids=IDS)
def test_functions_fit_on_a_screen(path: Path) -> None:
    for node in functions(path):
        assert body_lines(node) <= 60, f"{node.name} has {body_lines(node)} lines"
        assert depth(node) <= 4, f"{node.name} nests {depth(node)} deep"
        count = len(node.args.args) + len(node.args.kwonlyargs) + len(node.args.posonlyargs)
        names = {a.arg for a in node.args.args[:1]}
        # the command line's functions list one parameter an option
        limit = 16 if path.is_relative_to(SOURCE / "cli") else 7
        assert count - len(names & {"self", "cls"}) <= limit, f"{node.name} takes {count} parameters"


def code_lines(path: Path) -> int:
    """Lines without blanks, comments and docstrings."""
    told: set[int] = set()
    for node in ast.walk(tree(path)):
        if not isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) or not node.body:
            continue
        first = node.body[0]
        if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str):
            told.update(range(first.lineno, (first.end_lineno or first.lineno) + 1))
    lines = enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
    return sum(bool(line.strip()) and not line.strip().startswith("#") and n not in told for n, line in lines)


def test_the_product_can_still_be_read() -> None:
    rooms: dict[str, int] = {}
    for path in FILES:
        room = path.relative_to(SOURCE).parts[0]
        rooms[room] = rooms.get(room, 0) + code_lines(path)
    assert {room: count for room, count in rooms.items() if count > 3_200} == {}, "a room this large wants to be two"
    assert sum(rooms.values()) <= 40_000


def test_only_settings_reads_the_environment() -> None:
    readers = [
        i
        for p, i in zip(FILES, IDS, strict=True)
        if re.search(r"\bos\.(environ|getenv)\b", p.read_text(encoding="utf-8"))
    ]
    assert readers == ["sidecar/settings/__init__.py"]


def test_nothing_catches_everything_but_the_doors() -> None:
    """`except Exception` without raising again is for doors (the toolbox is one) and background work; elsewhere it hides faults."""
    allowed = {
        "sidecar/tools/box.py",
        "sidecar/endpoint/",
        "sidecar/editor/",
        "sidecar/app/",
        "sidecar/cli/",
        "sidecar/review/desk.py",
    }
    found = []
    for path, name in zip(FILES, IDS, strict=True):
        for node in ast.walk(tree(path)):
            if not isinstance(node, ast.ExceptHandler):
                continue
            broad = node.type is None or (
                isinstance(node.type, ast.Name) and node.type.id in {"Exception", "BaseException"}
            )
            raises = any(isinstance(n, ast.Raise) for n in ast.walk(node))
            if broad and not raises and not any(name.startswith(a) for a in allowed):
                found.append(f"{name}:{node.lineno}")
    assert found == []


def test_suppressions_are_rare() -> None:
    lines = marks = 0
    for path in FILES:
        text = path.read_text(encoding="utf-8")
        lines += text.count("\n")
        marks += len(re.findall(r"#\s*(?:noqa|type:\s*ignore)", text))
    assert marks <= 3 * lines / 1000, f"{marks} suppressions in {lines} lines"


def test_no_type_of_the_core_is_taken_under_another_name() -> None:
    """`import Scope as ReviewScope` is the sign that two different things are called the same."""
    aliases = [
        f"{path.relative_to(ROOT)}: {name.name}"
        for path in FILES
        for node in ast.walk(tree(path))
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("sidecar.core.")
        for name in node.names
        if name.asname is not None and name.name[0].isupper()
    ]
    assert aliases == []


def test_each_source_file_has_its_test_file() -> None:
    missing = []
    for path in FILES:
        relative = path.relative_to(SOURCE)
        if path.name in {"__init__.py", "__main__.py"} or len(tree(path).body) <= 1:
            continue
        room = relative.parent if relative.parent.parts else Path(path.stem)
        wanted = ROOT / "tests" / room / f"test_{path.stem}.py"
        if not wanted.exists():
            missing.append(f"{relative} → {wanted.relative_to(ROOT)}")
    assert missing == []


def test_every_room_states_its_purpose() -> None:
    for package in {p.parent for p in FILES}:
        text = ast.get_docstring(tree(package / "__init__.py"))
        assert text, f"{package.relative_to(ROOT)} says nothing of itself"
        assert len(text.split()) >= 5


def test_serving_imports_nothing_of_the_editor() -> None:
    """`sidecar serve` starts quickly because it leaves out what it does not need."""
    code = (
        "import sys, sidecar.cli.serving, sidecar.cli.quick, sidecar.app\n"
        "heavy = {'typer', 'pydantic', 'pygls', 'lsprotocol', 'git', 'jedi', 'tree_sitter_python', 'numpy', 'rich.console', 'sidecar.editor',"
        "'sidecar.core.review', 'sidecar.core.symbols', 'sidecar.core.shelf', 'sidecar.endpoint.chat_requests',"
        "'sidecar.endpoint.chat_answers', 'sidecar.assistant.tokens', 'tomllib'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert out.stdout.strip() == "[]"


def tracked() -> list[Path]:
    out = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", "-z"], cwd=ROOT, capture_output=True, check=True
    )
    return [ROOT / name for name in out.stdout.decode().split("\0") if name]


def test_nothing_names_a_machine_or_a_registry() -> None:
    """No home folder of a real person, not this checkout's own place, and no address that a package came from."""
    here = "|".join(re.escape(f"{place}/") for place in {str(ROOT), str(Path.home())} if len(place) > 4)
    homes = r"/(?:home|Users)/(?!me/|someone/|Müller/)\w+/"
    packages = r"https?://(?:registry|files|packages)\.[\w.-]+/"
    pattern = re.compile(f"{homes}|{here}|{packages}", re.IGNORECASE)
    found = []
    for path in tracked():
        if path == Path(__file__).resolve() or not path.is_file() or path.suffix in {".png", ".gz", ".vsix"}:
            continue
        for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), 1):
            if pattern.search(line):
                found.append(f"{path.relative_to(ROOT)}:{number}: {line.strip()[:80]}")
    assert found == []

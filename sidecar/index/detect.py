"""What single files say about the project as a whole: dependencies, frameworks, linters, tests, commands, ways in."""

from __future__ import annotations

import configparser
import json
import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

Fact = tuple[str, str, str]
"""Kind (`dependency`, `framework`, `lint`, `test`, `command`, `entry`, `module`, `paths`), name, detail."""

_TABLES: Final = tomllib.loads(Path(__file__).with_name("detect.toml").read_text("utf-8"))
_TOOLS: Final = {
    kind: {name.lower(): label for label, names in labels.items() for name in names}
    for kind, labels in _TABLES["dependency"].items()
}
_LINTERS: Final = _TOOLS["lint"]
_TESTERS: Final = _TOOLS["test"]
_MARKED: Final = tuple((re.compile(pattern), kind, name) for pattern, (kind, name) in _TABLES["file"].items())
_ANY_MARK: Final = re.compile("|".join(_TABLES["file"]))
_REQUIREMENT: Final = re.compile(r"\s*([A-Za-z0-9][\w.-]*)\s*(?:\[[^\]]*\])?\s*([^;#]*)")


def says_something(path: str) -> bool:
    """Whether a file of this name is read for facts, though it may have no grammar."""
    return _reader(path.rpartition("/")[2]) is not None


def facts_of(path: str, source: bytes) -> list[Fact]:
    """The facts of one file, sorted; none where it cannot be understood."""
    own = path.rpartition("/")[2]
    found: set[Fact] = set()
    for pattern, kind, name in _MARKED if _ANY_MARK.fullmatch(own) else ():
        if pattern.fullmatch(own) and (kind != "entry" or path.count("/") < 3):
            found.add((kind, name or path, path))
    reader = _reader(own)
    if reader is not None:
        # somebody else's file, in any form: what cannot be read says nothing
        with suppress(ValueError, TypeError, AttributeError, KeyError, configparser.Error, RecursionError):
            found.update(reader(source.decode("utf-8")))
    for kind, name, _ in tuple(found):
        if kind == "dependency":
            key = name.lower()
            found.update((other, table[key], path) for other, table in _TOOLS.items() if key in table)
    return sorted(found)


def _package_json(text: str) -> Iterator[Fact]:
    told = json.loads(text)
    for section in ("dependencies", "devDependencies", "peerDependencies"):
        yield from (("dependency", name, str(version)) for name, version in told.get(section, {}).items())
    yield from (("command", f"npm run {name}", str(line)) for name, line in told.get("scripts", {}).items())
    if isinstance(told.get("name"), str):
        main = next((told[key] for key in ("types", "module", "main") if isinstance(told.get(key), str)), "")
        yield "module", told["name"], main
    binaries = told.get("bin", {})
    for name, target in binaries.items() if isinstance(binaries, Mapping) else [(str(told.get("name", "")), binaries)]:
        yield "entry", str(name), str(target)


def _tsconfig(text: str) -> Iterator[Fact]:
    plain = re.sub(r'("(?:\\.|[^"\\])*")|//[^\n]*|/\*.*?\*/', lambda match: match[1] or "", text, flags=re.DOTALL)
    options = json.loads(re.sub(r",(\s*[}\]])", r"\1", plain)).get("compilerOptions", {})
    yield "lint", "TypeScript", "strict" if options.get("strict") else ""
    base = options.get("baseUrl")
    if isinstance(base, str):
        yield "paths", "*", f"{base}/*"
    for pattern, targets in options.get("paths", {}).items():
        for target in targets:
            yield "paths", pattern, f"{base}/{target}" if isinstance(base, str) else str(target)


def _pyproject(text: str) -> Iterator[Fact]:
    told = tomllib.loads(text)
    project = told.get("project", {})
    groups = [project.get("dependencies", []), *project.get("optional-dependencies", {}).values()]
    groups += told.get("dependency-groups", {}).values()
    for group in groups:
        for line in group:
            yield from _requirement(line) if isinstance(line, str) else ()
    tools: Mapping[str, Any] = told.get("tool", {})
    for name, version in tools.get("poetry", {}).get("dependencies", {}).items():
        yield "dependency", name, version if isinstance(version, str) else str(version.get("version", ""))
    for name, target in {**project.get("scripts", {}), **tools.get("poetry", {}).get("scripts", {})}.items():
        yield "entry", name, str(target)
    for table, kind in ((_LINTERS, "lint"), (_TESTERS, "test")):
        yield from ((kind, table[name], "pyproject.toml") for name in tools if name in table)


def _requirements(text: str) -> Iterator[Fact]:
    for line in text.splitlines():
        if not line.lstrip().startswith(("#", "-")):
            yield from _requirement(line)


def _requirement(line: str) -> Iterator[Fact]:
    match = _REQUIREMENT.match(line)
    if match is not None:
        yield "dependency", match[1], match[2].strip()


def _setup_cfg(text: str) -> Iterator[Fact]:
    told = configparser.ConfigParser(interpolation=None)
    told.read_string(text)
    yield from _requirements(told.get("options", "install_requires", fallback=""))
    for section in told.sections():
        name = section.partition(":")[2] or section
        yield from ((kind, t[name], "setup.cfg") for t, kind in ((_LINTERS, "lint"), (_TESTERS, "test")) if name in t)
    for line in told.get("options.entry_points", "console_scripts", fallback="").splitlines():
        name, equals, target = line.partition("=")
        if equals:
            yield "entry", name.strip(), target.strip()


def _go_mod(text: str) -> Iterator[Fact]:
    module = re.search(r"^module\s+(\S+)", text, re.MULTILINE)
    if module is not None:
        yield "module", module[1], ""
    for match in re.finditer(r"^\s*(?:require\s+)?([\w.-]+\.[\w.-]+/\S+)\s+(v\S+)", text, re.MULTILINE):
        yield "dependency", match[1], match[2]


def _cargo(text: str) -> Iterator[Fact]:
    told = tomllib.loads(text)
    for section in ("dependencies", "dev-dependencies", "build-dependencies"):
        for name, version in told.get(section, {}).items():
            yield "dependency", name, version if isinstance(version, str) else str(version.get("version", ""))
    if "package" in told:
        yield "module", str(told["package"].get("name", "")), ""
    yield from (("entry", str(binary.get("name", "")), str(binary.get("path", ""))) for binary in told.get("bin", []))


def _pom(text: str) -> Iterator[Fact]:
    # by pattern, since an XML document from nobody knows where may do more than be read
    for block in re.findall(r"<dependency>(.*?)</dependency>", text, re.DOTALL):
        name, version = (re.search(rf"<{tag}>\s*([^<]+?)\s*<", block) for tag in ("artifactId", "version"))
        if name is not None:
            yield "dependency", name[1], version[1] if version is not None else ""


def _gradle(text: str) -> Iterator[Fact]:
    for match in re.finditer(r"""(?:mplementation|api|Only)\s*\(?\s*["']([^"':]+):([^"':]+)(?::([^"']+))?["']""", text):
        yield "dependency", match[2], match[3] or ""


def _gemfile(text: str) -> Iterator[Fact]:
    for match in re.finditer(r"""^\s*gem\s+["']([^"']+)["'](?:\s*,\s*["']([^"']+)["'])?""", text, re.MULTILINE):
        yield "dependency", match[1], match[2] or ""


def _composer(text: str) -> Iterator[Fact]:
    told = json.loads(text)
    for section in ("require", "require-dev"):
        yield from (("dependency", name, str(version)) for name, version in told.get(section, {}).items())
    for name, line in told.get("scripts", {}).items():
        yield "command", f"composer {name}", line if isinstance(line, str) else ", ".join(map(str, line))


def _csproj(text: str) -> Iterator[Fact]:
    for match in re.finditer(
        r'<(?:PackageReference|FrameworkReference)\s+Include="([^"]+)"(?:\s+Version="([^"]+)")?', text
    ):
        yield "dependency", match[1], match[2] or ""


def _makefile(text: str) -> Iterator[Fact]:
    for match in re.finditer(r"^([a-z][\w-]*)\s*:(?![:=])[^#\n]*(?:##\s*(.*))?$", text, re.MULTILINE):
        yield "command", f"make {match[1]}", (match[2] or "").strip()


_READERS: Final[tuple[tuple[re.Pattern[str], Callable[[str], Iterator[Fact]]], ...]] = tuple(
    (re.compile(pattern), reader)
    for pattern, reader in (
        (r"package\.json", _package_json),
        (r"(ts|js)config(\.base)?\.json", _tsconfig),
        (r"pyproject\.toml", _pyproject),
        (r"requirements[\w.-]*\.txt", _requirements),
        (r"setup\.cfg", _setup_cfg),
        (r"go\.mod", _go_mod),
        (r"Cargo\.toml", _cargo),
        (r"pom\.xml", _pom),
        (r"build\.gradle(\.kts)?", _gradle),
        (r"Gemfile", _gemfile),
        (r"composer\.json", _composer),
        (r".+\.csproj", _csproj),
        (r"(GNU)?[Mm]akefile", _makefile),
    )
)


_ANY_READER: Final = re.compile("|".join(pattern.pattern for pattern, _ in _READERS))


def _reader(name: str) -> Callable[[str], Iterator[Fact]] | None:
    if _ANY_READER.fullmatch(name) is None:
        return None
    return next((reader for pattern, reader in _READERS if pattern.fullmatch(name)), None)

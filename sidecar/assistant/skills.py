"""Skills: folders with a `SKILL.md` that say how a task is done here; listed by their description, loaded on demand.

A skill is text: nothing of it is run. The front matter is YAML, of which these are looked at: `name`, `description`,
`allowed-tools`, `triggers`, `parameters`. In the text `{{name}}` stands for a parameter, `$ARGUMENTS` for all of them.
"""

from __future__ import annotations

import functools
import json
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from sidecar.core.errors import BadInput, NotFound
from sidecar.core.shelf import Parameter

Origin = Literal["yours", "workspace", "sidecar"]

SHIPPED: Final = Path(__file__).with_name("shipped_skills")
FILE: Final = "SKILL.md"
MOST_BYTES: Final = 128 * 1024
_MOST_SKILLS: Final = 200
_MOST_FRONT: Final = 16 * 1024
_MOST_VALUE: Final = 20_000
_FRONT: Final = re.compile(r"\A---[ \t]*\n(.*?)^---[ \t]*$\n?", re.DOTALL | re.MULTILINE)
_NAME: Final = re.compile(r"[A-Za-z0-9][\w.-]{0,63}")
_HOLE: Final = re.compile(r"\{\{\s*([\w-]+)\s*\}\}|\$ARGUMENTS")


@dataclass(frozen=True, slots=True)
class Skill:
    """One skill. `tools` are the names that may be used while it is active, None where it says nothing of tools."""

    name: str
    description: str
    origin: Origin
    folder: Path
    body: str
    tools: tuple[str, ...] | None = None
    triggers: tuple[str, ...] = ()
    parameters: tuple[Parameter, ...] = ()
    defaults: tuple[tuple[str, str], ...] = ()

    def text(self, arguments: Mapping[str, str]) -> str:
        """The instructions with the parameters filled in. Raises BadInput naming what is wrong with them."""
        known = {parameter.name for parameter in self.parameters}
        wrong = sorted(set(arguments) - known)
        if wrong:
            takes = ", ".join(sorted(known)) or "no parameters"
            raise BadInput(f"The skill {self.name} has no parameter {wrong[0][:60]!r}; it takes {takes}.")
        given = dict(self.defaults) | {name: value for name, value in arguments.items() if value.strip()}
        for parameter in self.parameters:
            if parameter.required and parameter.name not in given:
                raise BadInput(f"The skill {self.name} needs {parameter.name}: {parameter.description or 'a text'}.")
            if len(given.get(parameter.name, "")) > _MOST_VALUE:
                raise BadInput(f"The parameter {parameter.name} is longer than {_MOST_VALUE:,} characters; shorten it.")
        every = "\n".join(f"{name}: {value}" for name, value in given.items())

        def fill(match: re.Match[str]) -> str:
            if match[1] is None:
                return every
            return given.get(match[1], "") if match[1] in known else match[0]

        return _HOLE.sub(fill, self.body)

    def files(self) -> list[str]:
        """What else lies in the folder, relative, at most 50 names; blocks."""
        found: list[str] = []
        for top, folders, names in os.walk(self.folder):
            folders[:] = sorted(one for one in folders if not one.startswith("."))
            found += [str((Path(top) / name).relative_to(self.folder)) for name in sorted(names) if name != FILE]
            if len(found) >= 50:
                break
        return found[:50]

    def file(self, name: str) -> str:
        """A text of the folder; blocks. Raises NotFound for what lies outside, is no text, or is too large."""
        try:
            root = self.folder.resolve()
            path = (root / name).resolve()
            if not path.is_relative_to(root) or not path.is_file() or path.stat().st_size > MOST_BYTES:
                raise NotFound(f"The skill {self.name} has no file {name[:100]!r} that can be read.")
            return path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError, ValueError):
            raise NotFound(f"The skill {self.name} has no file {name[:100]!r} that can be read.") from None


@dataclass(frozen=True, slots=True)
class Known:
    """The skills there are, the sentences about those that cannot be used, and how many wait for trust."""

    skills: tuple[Skill, ...] = ()
    problems: tuple[str, ...] = ()
    untrusted: int = 0

    def find(self, name: str) -> Skill:
        """One by its name. Raises NotFound with the names there are."""
        for skill in self.skills:
            if skill.name.casefold() == name.strip().casefold():
                return skill
        names = ", ".join(skill.name for skill in self.skills) or "none"
        raise NotFound(f"There is no skill {name[:80]!r}; there are: {names}.")


class Skills:
    """The skills of a user and a workspace, read anew whenever they are asked for.

    Where two have one name, the user's goes before the workspace's, and that before ours: a repository cannot take the
    place of what the user wrote.
    """

    def __init__(self, *, user: Path | None, workspace: Path, trusted: bool) -> None:
        self._user = user
        self._workspace = workspace / ".claude" / "skills"
        self._trusted = trusted

    @staticmethod
    @functools.cache
    def shipped() -> tuple[Skill, ...]:
        """Our own skills; blocks for a moment, once."""
        return tuple(read(path, "sidecar") for path in _files(SHIPPED))

    def look(self) -> Known:
        """All skills as they are now; blocks for some milliseconds."""
        found: dict[str, Skill] = {}
        problems: list[str] = []
        untrusted = 0
        sources: list[tuple[Origin, Path | None]] = [
            ("yours", self._user), ("workspace", self._workspace), ("sidecar", SHIPPED),
        ]  # fmt: skip
        for origin, folder in sources:
            files = _files(folder)
            if origin == "workspace" and not self._trusted:
                untrusted = len(files)
                continue
            for path in files:
                try:
                    skill = read(path, origin)
                except BadInput as error:
                    problems.append(f"{path} {error.sentence}")
                    continue
                found.setdefault(skill.name.casefold(), skill)
        return Known(tuple(sorted(found.values(), key=lambda skill: skill.name)), tuple(problems), untrusted)


def read(path: Path, origin: Origin) -> Skill:
    """A skill from its file; blocks. Raises BadInput with the end of a sentence that begins with the path."""
    try:
        with path.open("rb") as file:
            raw = file.read(MOST_BYTES + 1)
        text = raw.decode("utf-8-sig").replace("\r\n", "\n")
    except (OSError, UnicodeDecodeError):
        raise BadInput("cannot be read as text.") from None
    if len(raw) > MOST_BYTES:
        raise BadInput(f"is larger than {MOST_BYTES // 1024} KB; move parts of it into files beside it.")
    front = _FRONT.match(text)
    if front is None:
        raise BadInput("has no front matter: it must begin with --- and name a description.")
    table = _table(front[1])
    name = str(table.get("name") or path.parent.name).strip()
    if not _NAME.fullmatch(name):
        raise BadInput("has a name that is none: letters, digits, dots and dashes, at most 64.")
    description = table.get("description")
    if not isinstance(description, str) or not description.strip():
        raise BadInput("has no description; the model chooses a skill by it.")
    parameters, defaults = _parameters(table.get("parameters"))
    return Skill(
        name,
        " ".join(description.split())[:1024],
        origin,
        path.parent,
        text[front.end() :].strip(),
        _tools(table.get("allowed-tools", table.get("allowed_tools"))),
        _words(table.get("triggers"), "triggers") or (),
        parameters,
        defaults,
    )


def _files(folder: Path | None) -> list[Path]:
    if folder is None:
        return []
    try:
        return sorted(path for path in folder.glob(f"*/{FILE}") if path.is_file())[:_MOST_SKILLS]
    except OSError:
        return []


def _table(front: str) -> Mapping[str, Any]:
    import yaml  # noqa: PLC0415 - only who asks for skills pays for it

    if len(front) > _MOST_FRONT:
        raise BadInput("has a front matter that is too long.")
    try:
        # A text that names itself again could become endless.
        if any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(front, yaml.SafeLoader)):
            raise BadInput("uses YAML anchors in its front matter, which are not taken here.")
        table = yaml.safe_load(front)
        json.dumps(table, ensure_ascii=False, default=str).encode()  # half a character has no bytes
    except (yaml.YAMLError, RecursionError, ValueError, TypeError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f" (line {mark.line + 2})" if mark is not None else ""
        raise BadInput(f"has a front matter that is not YAML{where}; a text with a colon needs quotes.") from None
    if not isinstance(table, dict):
        raise BadInput("has a front matter that is no table.")
    return table


def _tools(value: Any) -> tuple[str, ...] | None:
    if isinstance(value, str):
        return tuple(re.findall(r"[^\s,(]+(?:\([^)]*\))?", value))
    return _words(value, "allowed-tools")


def _words(value: Any, what: str) -> tuple[str, ...] | None:
    if value is None:
        return None
    given = [value] if isinstance(value, str) else value
    if not isinstance(given, list) or not all(isinstance(one, str) for one in given):
        raise BadInput(f"has {what} that are no list of texts.")
    return tuple(one.strip() for one in given if one.strip())


def _parameters(value: Any) -> tuple[tuple[Parameter, ...], tuple[tuple[str, str], ...]]:
    """A list of `{name, description, required, default}`, or a map from a name to a description or to the rest."""
    if value is None:
        return (), ()
    rows: Sequence[Any] = value if isinstance(value, list) else []
    if isinstance(value, dict):
        rows = [{"name": k, **(v if isinstance(v, dict) else {"description": v or ""})} for k, v in value.items()]
    made: list[Parameter] = []
    defaults: list[tuple[str, str]] = []
    for row in rows:
        given = {"name": row} if isinstance(row, str) else row
        if not isinstance(given, dict) or not re.fullmatch(r"[A-Za-z][\w-]{0,63}", str(given.get("name", ""))):
            raise BadInput("has a parameter without a name of letters, digits and dashes.")
        required = given.get("required", False)
        if not isinstance(required, bool):
            raise BadInput(f"says of the parameter {given['name']} a `required` that is neither true nor false.")
        made.append(Parameter(given["name"], str(given.get("description", "")), required))
        if given.get("default") is not None:
            defaults.append((given["name"], str(given["default"])))
    if not made:
        raise BadInput("has parameters that are neither a list nor a map.")
    return tuple(made), tuple(defaults)

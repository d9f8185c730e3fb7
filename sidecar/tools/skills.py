"""The family `skills`: list them, load one, finish it; while one is active, only its tools are run for that session."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import asdict
from fnmatch import fnmatchcase
from typing import Any, Final

from sidecar.assistant.skills import Skill, Skills
from sidecar.core.errors import Refused
from sidecar.core.tool import Caller, Tool, ToolBox, ToolResult, ToolSpec
from sidecar.tools.define import Input, Nothing, also, define

OWN: Final = frozenset({"skills_list", "skills_load", "skills_finish", "more_of_result"})
_MOST_SESSIONS: Final = 256


class LoadSkill(Input):
    """Which skill, with what, and perhaps which of its files."""

    name: str = also("name", "skill", about="The skill's name, as skills_list gives it.", max_length=200)
    parameters: dict[str, str] = also(
        "parameters", "arguments", default={}, about="Its parameters, by their names; texts."
    )
    file: str = also("file", default="", about="A file of the skill to read in place of its text.", max_length=500)


class SkillTools:
    """The tools, and the guard that narrows a session to its active skill's tools."""

    def __init__(self, skills: Skills, box: ToolBox) -> None:
        self._skills = skills
        self._box = box
        self._active: OrderedDict[tuple[str, str], Skill] = OrderedDict()

    def tools(self) -> list[Tool]:
        """What is offered."""
        return [
            define("skills_list", "read", self.list_skills),
            define("skills_load", "read", self.load),
            define("skills_finish", "read", self.finish),
        ]

    async def list_skills(self, _: Nothing, caller: Caller) -> ToolResult:
        """What skills there are: instructions for tasks such as reviewing a diff or triaging failing tests.

        Look here before such a task; load the one whose description or triggers fit.
        """
        known = await asyncio.to_thread(self._skills.look)
        rows = [_row(skill) for skill in known.skills]
        lines = [
            f"- {row['name']}: {row['description']}{_asks(skill)}"
            for row, skill in zip(rows, known.skills, strict=True)
        ]
        lines += [f"- not usable: {problem}" for problem in known.problems]
        if known.untrusted:
            lines.append(
                f"- {known.untrusted} more come with this workspace, which is not trusted (SIDECAR_TRUSTED_FOLDERS)."
            )
        return ToolResult(value={"skills": rows}, text="\n".join(lines) or "There are no skills.")

    async def load(self, given: LoadSkill, caller: Caller) -> ToolResult:
        """A skill's instructions; follow them. From then on only the tools that it allows are run, until skills_finish."""
        known = await asyncio.to_thread(self._skills.look)
        skill = known.find(given.name)
        if given.file:
            return ToolResult(text=await asyncio.to_thread(skill.file, given.file))
        text = skill.text(given.parameters)
        files = await asyncio.to_thread(skill.files)
        if files:
            text += "\n\nFiles of this skill (skills_load with file=…): " + ", ".join(files)
        if skill.tools is not None and caller.session:
            self._activate(caller, skill)
            text += f"\n\nUntil skills_finish, these tools are run: {', '.join(skill.tools) or 'none'}."
        return ToolResult(text=text)

    async def finish(self, _: Nothing, caller: Caller) -> ToolResult:
        """The active skill is done with; all tools are run again."""
        skill = self._active.pop((caller.road, caller.session), None)
        return ToolResult(text=f"The skill {skill.name} is done." if skill else "No skill was active.")

    async def check(self, spec: ToolSpec, _: Mapping[str, Any], caller: Caller) -> None:
        """A policy of the toolbox: raises Refused for a tool that the session's active skill does not allow."""
        skill = self._active.get((caller.road, caller.session))
        if skill is None or spec.name in OWN or self._allows(skill, spec.name):
            return
        names = ", ".join(skill.tools or ()) or "none"
        raise Refused(
            f"The skill {skill.name} is active and allows these tools only: {names}. Go on with them, or call "
            "skills_finish when it is done."
        )

    def _activate(self, caller: Caller, skill: Skill) -> None:
        key = (caller.road, caller.session)
        self._active[key] = skill
        self._active.move_to_end(key)
        while len(self._active) > _MOST_SESSIONS:
            self._active.popitem(last=False)

    def _allows(self, skill: Skill, name: str) -> bool:
        """By our name, an alias of it, or a pattern (`git_*`); names of the client's own tools allow none of ours."""
        for allowed in skill.tools or ():
            found = self._box.find(allowed)
            if fnmatchcase(name, allowed) or (found is not None and found.name == name):
                return True
        return False


def _row(skill: Skill) -> dict[str, Any]:
    return {
        "name": skill.name,
        "description": skill.description,
        "triggers": list(skill.triggers),
        "origin": skill.origin,
        "parameters": [asdict(parameter) for parameter in skill.parameters],
    }


def _asks(skill: Skill) -> str:
    """What a list says beside the description."""
    names = [parameter.name + ("" if parameter.required else "?") for parameter in skill.parameters]
    told = f" Parameters: {', '.join(names)}." if names else ""
    return told + (f" Triggers: {'; '.join(skill.triggers)}." if skill.triggers else "")

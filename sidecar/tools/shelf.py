"""What can be read and asked for beside tools: documents that our own tools give, and the shipped skills as prompts."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Final

from sidecar.assistant.skills import Skill, Skills
from sidecar.core.errors import SidecarError
from sidecar.core.shelf import Document, Prompt
from sidecar.core.tool import Caller, ToolBox

_DOCUMENTS: Final = (
    ("summary", "Project summary", "Languages, layout and dependencies of this workspace.", "symbols_summary"),
    ("diff", "Uncommitted change", "The change in the working tree against HEAD.", "git_diff"),
    ("review", "Risk of the change", "The uncommitted change's risk, file by file, with reasons.", "review_summary"),
    ("threads", "Review threads", "The open and resolved threads of the review.", "review_threads"),
    ("tasks", "Tasks", "The tasks of this workspace.", "tasks_list"),
)


class WorkspaceShelf:
    """Implements `core.shelf.Shelf` over a toolbox: a document whose tool is not there is not offered.

    Making one blocks for a moment: the shipped skills are read.
    """

    def __init__(self, box: ToolBox) -> None:
        self._box = box
        self._skills = Skills.shipped()

    def documents(self) -> Sequence[Document]:
        """What can be read."""
        return [
            Document(f"sidecar://{name}", name, title, about, _Reading(self._box, tool))
            for name, title, about, tool in _DOCUMENTS
            if self._box.find(tool) is not None
        ]

    def prompts(self) -> Sequence[Prompt]:
        """What can be asked for by name: the skills that we ship."""
        return [
            Prompt(skill.name, _title(skill.name), skill.description, _Rendering(skill), skill.parameters)
            for skill in self._skills
        ]


class _Reading:
    """A document's text: what the tool says when it is called without arguments."""

    def __init__(self, box: ToolBox, tool: str) -> None:
        self._box = box
        self._tool = tool

    async def __call__(self) -> str:
        result = await self._box.call(self._tool, {}, Caller(road="mcp"))
        if result.error:
            raise SidecarError(result.text)
        return result.text


class _Rendering:
    def __init__(self, skill: Skill) -> None:
        self._skill = skill

    async def __call__(self, arguments: Mapping[str, str]) -> str:
        return await asyncio.to_thread(self._skill.text, arguments)


def _title(name: str) -> str:
    return name.replace("-", " ").capitalize()

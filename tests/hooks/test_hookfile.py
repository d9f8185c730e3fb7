"""Guards in a settings document: put in, taken out, told; what is not ours stays as it was."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest

from sidecar.hooks.hookfile import guards, put, state, switched_off, take

BASH, RISK = guards()
OTHER = {"matcher": "Edit", "hooks": [{"type": "command", "command": "lint"}]}
DOCUMENTS: list[dict[str, Any]] = [
    {},
    {"model": "opus"},
    {"hooks": {"Stop": []}},
    {"hooks": {"PreToolUse": [OTHER], "PostToolUse": [OTHER]}},
    {"hooks": {"PreToolUse": [{"matcher": "Bash"}, "odd", {"hooks": None}]}},
]


@pytest.mark.parametrize("before", DOCUMENTS)
def test_in_and_out_again_is_as_before(before: dict[str, Any]) -> None:
    document = copy.deepcopy(before)
    for guard in (BASH, RISK, RISK, BASH):
        put(document, guard)
    assert [state(document, guard) for guard in (BASH, RISK)] == ["installed", "installed"]
    assert [take(document, guard) for guard in (BASH, RISK, RISK)] == [True, True, False]
    assert document == before
    assert [state(document, guard) for guard in (BASH, RISK)] == ["absent", "absent"]


def test_whatever_differs_is_outdated() -> None:
    document: dict[str, Any] = {}
    put(document, RISK)
    document["hooks"].pop("PostToolUse")
    assert state(document, RISK) == "outdated"
    put(document, RISK)
    document["hooks"]["PreToolUse"][0] = {**document["hooks"]["PreToolUse"][0], "matcher": "Edit"}
    assert state(document, RISK) == "outdated"


def test_the_nearest_file_decides_whether_hooks_are_on() -> None:
    near, far = Path("near"), Path("far")
    assert switched_off([(near, {}), (far, {"disableAllHooks": True})]) == far
    assert switched_off([(near, {"disableAllHooks": False}), (far, {"disableAllHooks": True})]) is None
    assert switched_off([(near, {"disableAllHooks": "yes"})]) is None

"""Skills as they are written: front matter in every form, what is wrong with one, and whose goes before whose."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sidecar.assistant.skills import MOST_BYTES, Skills, read
from sidecar.core.errors import BadInput, NotFound
from sidecar.core.shelf import Parameter

WHOLE = """\
---
name: fix-typos
description: >
  Fix typos
  in prose.
allowed-tools: Read, Grep, Bash(git diff:*), files_edit
triggers:
  - fix the typos
parameters:
  - name: path
    description: Which file.
    required: true
  - name: tone
    default: plain
---
# Fix typos

In {{path}}, in a {{ tone }} tone; {{unknown}} stays.
All: $ARGUMENTS
"""


def write(folder: Path, text: str, name: str = "one") -> Path:
    path = folder / name / "SKILL.md"
    path.parent.mkdir(parents=True)
    path.write_text(text, encoding="utf-8")
    return path


def skill(body: str = "Do it.", **front: str) -> str:
    rows = {"description": "Does it.", **front}
    return "---\n" + "".join(f"{name.replace('_', '-')}: {value}\n" for name, value in rows.items()) + f"---\n{body}\n"


def test_a_whole_skill_is_read(tmp_path: Path) -> None:
    one = read(write(tmp_path, WHOLE), "yours")
    assert (one.name, one.description, one.origin) == ("fix-typos", "Fix typos in prose.", "yours")
    assert one.tools == ("Read", "Grep", "Bash(git diff:*)", "files_edit")
    assert one.triggers == ("fix the typos",)
    assert one.parameters == (Parameter("path", "Which file.", required=True), Parameter("tone"))
    text = one.text({"path": "a.md"})
    assert text.startswith("# Fix typos")
    assert "In a.md, in a plain tone; {{unknown}} stays." in text
    assert "tone: plain\npath: a.md" in text


FORMS = [
    pytest.param(skill(), None, (), id="no-tools"),
    pytest.param(skill(allowed_tools="[a, b]"), ("a", "b"), (), id="list"),
    pytest.param(skill(allowed_tools="a b"), ("a", "b"), (), id="blanks"),
    pytest.param(skill(allowed_tools="[]"), (), (), id="none-allowed"),
    pytest.param(skill(parameters="{path: Which file., deep: {required: true}}"), None, (Parameter("path", "Which file."), Parameter("deep", required=True)), id="map"),
    pytest.param(skill(parameters="[path]"), None, (Parameter("path"),), id="names"),
    pytest.param(skill().replace("\n", "\r\n"), None, (), id="windows"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "tools", "parameters"), FORMS)
def test_other_forms(tmp_path: Path, text: str, tools, parameters) -> None:
    path = tmp_path / "one" / "SKILL.md"
    path.parent.mkdir()
    path.write_bytes(text.encode())
    one = read(path, "yours")
    assert one.name == "one"
    assert (one.tools, one.parameters) == (tools, parameters)


WRONG = [
    pytest.param("Do it.", "has no front matter", id="no-front"),
    pytest.param("---\nname: x\n---\n", "has no description", id="no-description"),
    pytest.param("---\ndescription: [1]\n---\n", "has no description", id="description-list"),
    pytest.param("---\na: b: c\n---\n", "is not YAML (line 2)", id="yaml"),
    pytest.param("---\n- a\n---\n", "is no table", id="list"),
    pytest.param(skill(name="../up"), "a name that is none", id="name"),
    pytest.param(skill(triggers="{a: b}"), "triggers that are no list", id="triggers"),
    pytest.param(skill(parameters="5"), "neither a list nor a map", id="parameters"),
    pytest.param(skill(parameters="[{required: true}]"), "a parameter without a name", id="nameless"),
    pytest.param(skill(parameters="[{name: a, required: maybe}]"), "neither true nor false", id="required"),
    pytest.param("---\na: &x [1]\nb: [*x, *x]\ndescription: d\n---\n", "uses YAML anchors", id="anchors"),
    pytest.param(f"---\na: {'[' * 5000}\n---\n", "is not YAML", id="depth"),
    pytest.param("---\ndescription: !!python/object:os.system x\n---\n", "is not YAML", id="object"),
    pytest.param('---\ndescription: "\\ud800"\n---\n', "is not YAML", id="half-a-character"),
    pytest.param("---\ndescription: d\n? [a, b]\n: c\n---\n", "is not YAML", id="odd-key"),
    pytest.param(skill("x" * MOST_BYTES), "is larger than 128 KB", id="large"),
    pytest.param(f"---\ndescription: {'x' * 20_000}\n---\n", "too long", id="long-front"),
]


@pytest.mark.parametrize(("text", "words"), WRONG)
def test_what_is_wrong_is_half_a_sentence(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(BadInput) as caught:
        read(write(tmp_path, text), "yours")
    assert words in caught.value.sentence


def test_parameters_are_checked(tmp_path: Path) -> None:
    one = read(write(tmp_path, WHOLE), "yours")
    with pytest.raises(BadInput, match="needs path: Which file"):
        one.text({})
    with pytest.raises(BadInput, match="needs path"):
        one.text({"path": "  "})
    with pytest.raises(BadInput, match="no parameter 'depth'; it takes path, tone"):
        one.text({"path": "a", "depth": "3"})
    with pytest.raises(BadInput, match="longer than"):
        one.text({"path": "x" * 30_000})
    # what is filled in is not filled in again
    assert "In {{tone}}, in" in one.text({"path": "{{tone}}"})


def test_files_beside_it_are_read_and_nothing_else(tmp_path: Path) -> None:
    path = write(tmp_path, skill())
    (tmp_path / "secret.txt").write_text("secret")
    (path.parent / "deep").mkdir()
    (path.parent / "deep" / "list.md").write_text("a list")
    (path.parent / "link.txt").symlink_to(tmp_path / "secret.txt")
    (path.parent / "binary").write_bytes(b"\xff\x00")
    one = read(path, "yours")
    assert one.files() == ["binary", "link.txt", "deep/list.md"]
    assert one.file("deep/list.md") == "a list"
    for name in ("../secret.txt", "link.txt", str(tmp_path / "secret.txt"), "binary", "nothing", "deep", "a\0b"):
        with pytest.raises(NotFound, match="no file"):
            one.file(name)


def test_the_users_go_before_the_workspaces_and_these_need_trust(tmp_path: Path) -> None:
    user, workspace = tmp_path / "user", tmp_path / "work"
    write(user, skill("mine"), "same")
    write(workspace / ".claude" / "skills", skill("theirs"), "same")
    write(workspace / ".claude" / "skills", skill("theirs"), "other")
    write(workspace / ".claude" / "skills", skill("theirs", name="review-diff"), "sneaky")
    trusted = Skills(user=user, workspace=workspace, trusted=True).look()
    assert trusted.find("SAME").body == "mine"
    assert trusted.find("other").origin == "workspace"
    assert trusted.find("review-diff").origin == "workspace"
    untrusted = Skills(user=user, workspace=workspace, trusted=False).look()
    assert untrusted.untrusted == 3
    assert untrusted.find("review-diff").origin == "sidecar"
    with pytest.raises(NotFound, match=r"There is no skill 'other'; there are: .*onboard"):
        untrusted.find("other")


def test_one_that_cannot_be_read_is_told_and_does_not_hide_the_others(tmp_path: Path) -> None:
    write(tmp_path / "user", "no front", "bad")
    write(tmp_path / "user", skill(), "good")
    known = Skills(user=tmp_path / "user", workspace=tmp_path, trusted=True).look()
    assert known.find("good")
    assert known.problems == (
        f"{tmp_path}/user/bad/SKILL.md has no front matter: it must begin with --- and name a description.",
    )


def test_six_skills_are_shipped_and_can_be_loaded() -> None:
    shipped = {one.name: one for one in Skills.shipped()}
    assert list(shipped) == [
        "explain-risk",
        "onboard",
        "release-notes",
        "review-diff",
        "test-risky-hunk",
        "triage-tests",
    ]
    for one in shipped.values():
        assert one.tools
        assert one.triggers
        text = one.text({one.parameters[0].name: "THE-PLACE"})
        assert "THE-PLACE" in text
        assert "{{" not in text
        assert len(text) > 800


def test_what_our_own_skills_allow_are_tools_that_do_not_push_or_send() -> None:
    allowed = {tool for one in Skills.shipped() for tool in one.tools or ()}
    assert not allowed & {"git_push", "git_commit", "git_pull", "web_fetch", "mcp_call", "git_*", "files_*"}


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(alphabet="-:[]{}&*!|>#'\"\n abname,descriptionparameters", max_size=200))
def test_whatever_stands_in_front_matter_is_told_and_never_raised(tmp_path: Path, front: str) -> None:
    path = tmp_path / "one" / "SKILL.md"
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"---\n{front}\n---\nDo it.\n", encoding="utf-8")
    try:
        assert read(path, "yours").description
    except BadInput as error:
        assert error.sentence.startswith(("has ", "uses ", "says "))  # noqa: PT017 - either is good

"""Acts on a thread's file over real repositories: what they change in the editor's text, and when they refuse."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.core.errors import Conflict, NotFound, NotSupported
from sidecar.core.review import Comment, LineEdit, Staging, Suggestion, Thread
from sidecar.review.anchor import make
from sidecar.review.mends import revert, stage, suggested
from sidecar.vcs.runner import Git
from sidecar.vcs.worktree import read_lines_blocking, working_tree
from tests.explore import share
from tests.fakes.repository import Repository

TEXT = "".join(f"line {n}\n" for n in range(1, 31))


def edited(text: str, *pairs: tuple[str, str]) -> str:
    for old, new in pairs:
        assert old in text
        text = text.replace(old, new, 1)
    return text


def applied(text: str, edits: tuple[LineEdit, ...]) -> str:
    """What the editor makes of the edits: on lines, whatever ends them."""
    end = "\r\n" if "\r\n" in text else "\n"
    lines = text.split(end)
    for edit in reversed(edits):
        lines[edit.start - 1 : edit.start - 1 + edit.count] = edit.lines
    return end.join(lines)


class World:
    def __init__(self, root, files) -> None:
        self.repo = Repository.create(root, files)
        self.git = Git.open_blocking(self.repo.root)

    def write(self, **files) -> None:
        self.repo.write({name.replace("_", "."): text for name, text in files.items()})

    def thread(self, first: int, last: int, path: str = "a.py", *said: Comment) -> Thread:
        lines = read_lines_blocking(self.git.root, path)
        return Thread("t", make(path, lines or (), first, last), "open", 0.4, "high", said, 1.0, 1.0)

    async def file(self, path: str = "a.py"):
        return next(iter((await working_tree(self.git, {path})).files), None)


@pytest.fixture
def world(tmp_path) -> World:
    return World(tmp_path / "r", {"a.py": TEXT, "crlf.py": TEXT.replace("\n", "\r\n")})


BOTH = (("line 10\n", "TEN\nten\n"), ("line 20\n", ""))


async def test_a_hunk_is_taken_back_and_its_neighbour_stays(world):
    text = edited(TEXT, *BOTH)
    world.write(a_py=text)
    edits = revert(world.git, world.thread(10, 10), await world.file(), text)
    assert edits == (LineEdit(10, 2, ("line 10",)),)
    assert applied(text, edits) == edited(TEXT, BOTH[1])
    gone = revert(world.git, world.thread(20, 20), await world.file(), text)
    assert applied(text, gone) == edited(TEXT, BOTH[0])


async def test_what_is_not_saved_is_minded(world):
    world.write(a_py=edited(TEXT, *BOTH))
    thread, file = world.thread(10, 11), await world.file()
    unsaved = "import os\n" + edited(TEXT, *BOTH, ("line 25\n", "mine\n"))
    assert applied(unsaved, revert(world.git, thread, file, unsaved)) == "import os\n" + edited(
        TEXT, BOTH[1], ("line 25\n", "mine\n")
    )
    moved = edited(TEXT, *BOTH).replace("TEN\n", "other\n")
    with pytest.raises(Conflict, match=r"not in a\.py any more"):
        revert(world.git, thread, file, moved)
    with pytest.raises(Conflict, match="as they were committed"):
        kept = Thread("t", make("a.py", TEXT.splitlines(), 5, 6), "open", 0.4, "high", (), 1.0, 1.0)
        revert(world.git, kept, file, edited(TEXT, *BOTH))


FORMS = {
    "CRLF": (b"a\r\nb\r\nc\r\n", "a\r\nB\r\nc\r\n"),
    "CRLF in the editor alone": (b"a\nb\nc\n", "a\r\nB\r\nc\r\n"),
    "no newline at the end, before": (b"a\nb", "a\nB\n"),
    "no newline at the end, after": (b"a\nb\n", "a\nB"),
    "a byte order mark": (b"\xef\xbb\xbfa\nb\n", "A\nb\n"),
    "emptied": (b"a\nb\n", ""),
    "filled": (b"", "a\nb\n"),
}


@pytest.mark.parametrize("name", FORMS)
async def test_line_ends_and_marks(tmp_path, name):
    old, new = FORMS[name]
    world = World(tmp_path / "r", {"a.py": old, "b": "b"})
    world.write(a_py=new)
    if not new:  # nothing is left for a thread to stand on
        with pytest.raises(Conflict, match=r"not in a\.py any more"):
            revert(world.git, world.thread(1, 1), await world.file(), new)
        return
    edits = revert(world.git, world.thread(1, 2), await world.file(), new)
    end = "\r\n" if "\r\n" in new else "\n"
    assert applied(new, edits) == old.decode("utf-8-sig").replace("\r\n", "\n").replace("\n", end)


async def test_a_renamed_file_goes_back_to_what_it_was(world):
    world.repo.git("mv", "a.py", "b.py")
    text = edited(TEXT, *BOTH)
    world.write(b_py=text)
    edits = revert(world.git, world.thread(10, 10, "b.py"), await world.file("b.py"), text)
    assert applied(text, edits) == edited(TEXT, BOTH[1])
    assert stage(world.git, world.thread(10, 10, "b.py"), await world.file("b.py")) == Staging(1)


async def refusal(world: World, path: str, first: int = 1) -> set[str]:
    told = set()
    thread, file = world.thread(first, first, path), await world.file(path)
    for act in (lambda: revert(world.git, thread, file, "x\n"), lambda: stage(world.git, thread, file)):
        with pytest.raises((NotSupported, Conflict)) as caught:
            act()
        told.add(caught.value.sentence)
    return told


async def test_files_without_lines_are_refused_with_what_to_do(world):
    world.write(a_py=None)
    assert {each.split(";")[0] for each in await refusal(world, "a.py")} == {"a.py is deleted"}
    world.write(a_py=b"\0")
    assert all("act on the whole file" in each for each in await refusal(world, "a.py"))
    world.write(a_py=TEXT)
    assert await refusal(world, "a.py") == {"a.py has no uncommitted change any more."}
    world.write(a_py=b"\xff\n")
    with pytest.raises(Conflict):
        revert(world.git, world.thread(1, 1), await world.file(), "other\n")


async def test_a_new_file_is_staged_whole_and_not_taken_back(world):
    world.write(new_py="a\nb\n")
    thread, file = world.thread(1, 2, "new.py"), await world.file("new.py")
    with pytest.raises(NotSupported, match="is new"):
        revert(world.git, thread, file, "a\nb\n")
    assert stage(world.git, thread, file) == Staging(1, whole=True)
    assert world.repo.git("status", "--porcelain") == "A  new.py"


async def test_what_was_committed_must_be_text_that_the_editor_shows(tmp_path):
    world = World(tmp_path / "r", {"a.py": b"\xff\nb\n"})
    world.write(a_py="\nb\nc\n")
    with pytest.raises(NotSupported, match="not in UTF-8"):
        revert(world.git, world.thread(1, 2), await world.file(), "\nb\nc\n")


async def test_staging_refuses_lines_that_moved_on(world):
    world.write(a_py=edited(TEXT, *BOTH))
    thread = world.thread(10, 10)
    world.write(a_py=edited(TEXT, ("line 10\n", "other\n")))
    with pytest.raises(Conflict, match=r"not in a\.py any more"):
        stage(world.git, thread, await world.file())
    assert world.repo.git("diff", "--cached", "--name-only") == ""


def with_suggestion(world: World, body: str = "", told: Suggestion | None = None) -> Thread:
    return world.thread(10, 12, "a.py", Comment("c", "model", body, 1.0, suggestion=told))


def test_a_suggestion_replaces_its_lines_where_they_stand(world):
    thread = with_suggestion(world, "```suggestion\nTEN\n```")
    assert suggested(world.git, thread, "c", TEXT) == LineEdit(10, 3, ("TEN",))
    assert suggested(world.git, thread, "c", "x\n" + TEXT) == LineEdit(11, 3, ("TEN",))
    part = with_suggestion(world, told=Suggestion(("line 11",), ("ELEVEN", "")))
    assert suggested(world.git, part, "c", TEXT.replace("\n", "\r\n")) == LineEdit(11, 1, ("ELEVEN", ""))


def test_a_suggestion_for_lines_that_changed_is_refused(world):
    thread = with_suggestion(world, "```suggestion\nTEN\n```")
    with pytest.raises(Conflict, match=r"not in a\.py any more"):
        suggested(world.git, thread, "c", edited(TEXT, ("line 11\n", "x\n")))
    stale = with_suggestion(world, told=Suggestion(("line eleven",), ("x",)))
    with pytest.raises(Conflict, match="ask for another"):
        suggested(world.git, stale, "c", TEXT)
    for comment in ("c", "other"):
        with pytest.raises(NotFound, match="no suggestion"):
            suggested(world.git, with_suggestion(world, "words"), comment, TEXT)


LINES = st.lists(st.sampled_from([f"l{n}" for n in range(8)] + ["}", ""]), min_size=1, max_size=14)


@given(LINES, LINES, st.integers(1, 14), st.booleans(), st.booleans())
@share(40)
async def test_taking_back_every_hunk_ends_at_what_was_committed(tmp_path_factory, old, new, at, old_end, new_end):
    texts = ["\n".join(side) + "\n" * end for side, end in ((old, old_end), (new, new_end))]
    world = World(tmp_path_factory.mktemp("r") / "r", {"a.py": texts[0], "z": "z"})
    text = texts[1]
    for line in [at, *range(14, 0, -1), *range(1, 15)]:
        world.write(a_py=text)
        file = await world.file()
        try:
            text = applied(text, revert(world.git, world.thread(line, line), file, text))
        except (Conflict, NotSupported):
            continue
    assert text == texts[0] or not text

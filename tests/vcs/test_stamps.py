"""Whether files are being written, told by real files."""

from __future__ import annotations

import asyncio

import pytest

from sidecar.vcs.stamps import stamps_blocking, written

ACTS = {
    "filled": lambda file: file.write_text("more"),
    "emptied": lambda file: file.write_text(""),
    "taken away": lambda file: file.unlink(),
    "put in its place": lambda file: file.with_name("b").replace(file),
}


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "a").write_text("some")
    (tmp_path / "b").write_text("same")
    return tmp_path


@pytest.mark.parametrize("act", ACTS)
async def test_a_file_that_was_written_since_is_told_at_once(folder, act):
    stamps = stamps_blocking(folder, ["a", "none"])
    ACTS[act](folder / "a")
    assert await written(folder, stamps, 0.0)


async def test_a_file_that_comes_is_waited_for(folder):
    stamps = stamps_blocking(folder, ["a", "none"])
    assert stamps["none"] is None
    told = asyncio.create_task(written(folder, stamps, 600.0))
    await asyncio.sleep(0)
    assert not told.done()
    (folder / "none").write_text("")
    assert await told


@pytest.mark.parametrize("seconds", [0.0, 0.05])
async def test_files_that_nobody_touches_are_not_written(folder, seconds):
    assert not await written(folder, stamps_blocking(folder, ["a", "none"]), seconds)
    assert not await written(folder, {}, seconds)

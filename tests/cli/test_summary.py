"""`sidecar summary` shows the block, and writes it only when it is asked to."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sidecar.store.database import DATABASE, Database
from sidecar.store.runs import Case, Coverage, Run, RunStore
from tests.cli.test_index import sidecar
from tests.fakes.repository import Repository


@pytest.fixture
def root(tmp_path: Path) -> Path:
    files = {
        "README.md": "# Shop\n\nA shop that sells carts to people.\n",
        "shop/__init__.py": '"""Carts."""\n',
        "CLAUDE.md": "# Mine\n",
    }
    return Repository.create(tmp_path / "work", files).root


def test_it_is_shown_and_written_when_asked(root: Path, tmp_path: Path) -> None:
    shown = sidecar("summary", cwd=root, state=tmp_path / "state")
    assert shown.returncode == 0
    assert "A shop that sells carts to people." in shown.stdout
    assert (root / "CLAUDE.md").read_text() == "# Mine\n"
    written = sidecar("summary", "--write", cwd=root, state=tmp_path / "state")
    assert "is written" in written.stderr
    assert (root / "CLAUDE.md").read_text() == f"# Mine\n\n{shown.stdout}"
    again = json.loads(sidecar("summary", "--write", "--json", cwd=root, state=tmp_path / "state").stdout)
    assert (again["written"], again["summary"]) == (False, shown.stdout.rstrip("\n"))
    assert again["file"].endswith("CLAUDE.md")
    (root / "README.md").write_text("# Shop\n\nA shop that now sells wheels to people.\n")
    renewed = sidecar("summary", cwd=root, state=tmp_path / "state")
    assert "is written" in renewed.stderr
    assert (root / "CLAUDE.md").read_text() == f"# Mine\n\n{renewed.stdout}"
    assert "wheels" in renewed.stdout


async def test_it_tells_of_the_last_test_run(root: Path, tmp_path: Path) -> None:
    assert "Tests and coverage" not in sidecar("summary", cwd=root, state=tmp_path / "state").stdout
    (folder,) = {path.parent for path in (tmp_path / "state").rglob("index.db")}
    database = await Database.open(folder / DATABASE)
    cases = (Case("a", "passed"), Case("b", "passed"), Case("c", "skipped"))
    run = Run(1_790_000_000.0, 2.5, "pytest", "pytest -q", "passed", cases, coverage=Coverage(0.874))
    await RunStore(database).add(run)
    await database.aclose()
    told = sidecar("summary", cwd=root, state=tmp_path / "state").stdout
    assert "last run (2026-09-21): `pytest -q` passed, 2 passed, 1 skipped" in told
    assert "coverage: 87 % of lines" in told


def test_a_link_is_refused_in_a_sentence(root: Path, tmp_path: Path) -> None:
    (root / "CLAUDE.md").unlink()
    (root / "CLAUDE.md").symlink_to(tmp_path / "outside.md")
    done = sidecar("summary", "--write", cwd=root, state=tmp_path / "state")
    assert done.returncode == 2
    assert "is a link" in done.stderr
    assert not (tmp_path / "outside.md").exists()

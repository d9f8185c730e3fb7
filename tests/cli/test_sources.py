"""What the doctor says of the index and the language servers, with servers on PATH that tell their version, lie or hang about."""

from __future__ import annotations

import importlib.util
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sidecar.cli import run
from sidecar.cli.sources import check_index, check_servers
from sidecar.languages.rows import ROWS
from sidecar.settings import Settings, load
from sidecar.store.lock import Lock
from sidecar.store.symbols import INDEX

Build = Callable[..., Settings]
POSIX = pytest.mark.skipif(sys.platform == "win32", reason="the programs are shell scripts")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "a.py").write_text("def f(): pass\n")
    (folder / "b.go").write_text("package b\n")
    return folder


@pytest.fixture
def build(project: Path, tmp_path: Path) -> Build:
    def make(**env: str) -> Settings:
        return load({"server.workspace": str(project)}, {"SIDECAR_STATE_DIR": str(tmp_path / "state"), **env}, None)

    return make


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], Path]:
    """Puts a program on a PATH that has nothing else."""
    folder = tmp_path / "programs"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))

    def make(name: str, script: str) -> Path:
        (folder / name).write_text(f"#!/bin/sh\n{script}\n")
        (folder / name).chmod(0o755)
        return folder / name

    return make


def told(findings: Any) -> dict[str, tuple[str, str]]:
    """Mark and mend by what a finding says."""
    return {finding.text: (finding.mark, finding.mend) for finding in findings}


@POSIX
def test_servers_are_told_with_version_and_place_or_how_to_install_them(
    build: Build, install: Callable[[str, str], Path]
) -> None:
    server = install("basedpyright-langserver", "echo started >> $0.started")
    install("basedpyright", "echo 'basedpyright 1.40.2'; echo more")
    rust = install("rust-analyzer", "echo 'error: Unknown binary' >&2; exit 1")
    jdtls = install("jdtls", "echo started >> $0.started")
    said = told(check_servers(build()))
    assert said[f"Python: basedpyright 1.40.2 ({server})"] == ("ok", "")
    assert said["Go: none is installed; the index answers alone"] == (
        "warn",
        "`go install golang.org/x/tools/gopls@latest`",
    )
    assert said[f"Rust: rust-analyzer ({rust}) does not start"][0] == "ok"  # no file here needs it
    assert said[f"Java: jdtls ({jdtls})"] == ("ok", "")
    (rest,) = [text for text in said if text.startswith("not installed, and no file here needs them: ")]
    for row in ROWS:
        assert any(f"`{row.install}`" in text + mend for text, (_, mend) in said.items()) or row.name in " ".join(said)
    assert "PHP (`composer global require phpactor/phpactor` or `npm install -g intelephense`)" in rest
    assert any("SIDECAR_LANGUAGE_SERVERS=on" in text for text in said)
    assert not list(server.parent.glob("*.started"))


@POSIX
def test_one_that_does_not_start_is_told_where_it_is_needed(
    build: Build, install: Callable[[str, str], Path], project: Path
) -> None:
    (project / "c.rs").write_text("fn main() {}\n")
    rust = install("rust-analyzer", "exit 1")
    said = told(check_servers(build()))
    assert said[f"Rust: rust-analyzer ({rust}) does not start"] == (
        "warn",
        "install it again: `rustup component add rust-analyzer`",
    )


@POSIX
def test_what_the_workspace_brings_along_is_not_asked(
    build: Build, project: Path, install: Callable[[str, str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    install("nothing", "")
    (project / "gopls").write_text("#!/bin/sh\ntouch started\n")
    (project / "gopls").chmod(0o755)
    monkeypatch.setenv("PATH", f"{project}{os.pathsep}{os.environ['PATH']}")
    assert "Go: none is installed; the index answers alone" in told(check_servers(build()))
    assert not (project / "started").exists()


def test_servers_that_are_switched_off_are_not_looked_for(build: Build) -> None:
    (only,) = check_servers(build(SIDECAR_LANGUAGE_SERVERS="off"))
    assert (only.mark, only.text) == ("ok", "never started (SIDECAR_LANGUAGE_SERVERS)")
    assert not any(
        "SIDECAR_LANGUAGE_SERVERS=on" in text for text in told(check_servers(build(SIDECAR_LANGUAGE_SERVERS="on")))
    )


def test_the_index(build: Build, project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = build()
    assert told(check_index(settings)) == {"none yet; the first start makes it, or `sidecar index`": ("ok", "")}
    assert told(check_index(build(SIDECAR_INDEX="off"))) == {"switched off (SIDECAR_INDEX)": ("ok", "")}
    monkeypatch.setenv("SIDECAR_STATE_DIR", str(settings.server.state_dir))
    assert run(["index", "--workspace", str(project), "--quiet"]) == 0
    assert settings.state is not None
    file = settings.state / INDEX
    ((text, rest),) = told(check_index(settings)).items()
    assert text.startswith("whole: 2 files, 1 symbols, ")
    assert text.endswith("; nobody keeps it just now")
    assert rest == ("ok", "")

    with sqlite3.connect(file) as db:
        db.execute("UPDATE notes SET value = 0 WHERE key = 'complete'")
        db.execute("UPDATE notes SET value = 1 WHERE key = 'done'")
    db.close()
    assert told(check_index(settings)) == {
        "left off at 1 of 2 files; nobody keeps it just now": ("warn", "sidecar index")
    }
    keep = f"import sys; from pathlib import Path; from {Lock.__module__} import Lock; Lock(Path(sys.argv[1])).take(); print(flush=True); input()"
    command = [sys.executable, "-c", keep, str(settings.state / "index.lock")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as keeper:
        assert keeper.stdout
        assert keeper.stdin
        keeper.stdout.readline()
        assert told(check_index(settings)) == {f"being made: 1 of 2 files; process {keeper.pid} keeps it": ("ok", "")}
        keeper.stdin.close()
    file.write_bytes(b"no database at all" * 100)
    ((_, rest),) = told(check_index(settings)).items()
    assert rest == ("warn", "sidecar index --rebuild")


def test_a_grammar_that_is_missing(build: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name == "tree_sitter_go" else find(name))
    said = told(check_index(build()))
    assert said["not installed: tree-sitter-go; files of these languages are not parsed"] == (
        "warn",
        "pip install tree-sitter-go",
    )

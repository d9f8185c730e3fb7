"""Where a project's libraries lie."""

from __future__ import annotations

from pathlib import Path

import pytest

from sidecar.languages.python_paths import library_paths, standard_paths


def test_the_standard_library_is_ours_without_our_packages() -> None:
    assert any((Path(path) / "os.py").is_file() for path in standard_paths())
    assert not any("site-packages" in path for path in standard_paths())


def test_an_environment_is_known_by_its_mark(tmp_path: Path) -> None:
    for name in (".venv", "venv", "env"):
        (tmp_path / name / "lib/python3.12/site-packages").mkdir(parents=True)
    (tmp_path / ".venv/pyvenv.cfg").write_text("home = /nowhere\n")
    assert library_paths(tmp_path) == [str(tmp_path / ".venv/lib/python3.12/site-packages")]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('[tool.setuptools.packages.find]\nwhere = ["source"]\n', ["source"]),
        ('[tool.pytest.ini_options]\npythonpath = "source"\n', ["source"]),
        ('[tool.pyright]\nextraPaths = ["source", "../outside", "/etc", 7]\n', ["source"]),
        ("[tool]\npytest = 3\n", []),
        ("not toml [", []),
        ("[project]\n", []),
    ],
)
def test_source_folders_are_read_from_the_projects_file(tmp_path: Path, text: str, found: list[str]) -> None:
    root = tmp_path / "project"
    for name in ("project/source", "outside"):
        (tmp_path / name).mkdir(parents=True)
    (root / "pyproject.toml").write_text(text)
    assert library_paths(root) == [str(root / name) for name in found]


def test_a_source_folder_by_custom(tmp_path: Path) -> None:
    (tmp_path / "src").mkdir()
    assert library_paths(tmp_path) == [str(tmp_path / "src")]

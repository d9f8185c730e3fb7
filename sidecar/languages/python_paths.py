"""Where a Python project's libraries lie, found by looking at folders: nothing of the project is run."""

from __future__ import annotations

import re
import sysconfig
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

_ENVIRONMENTS: Final = (".venv", "venv", "env", ".env", "virtualenv")
_MOST: Final = 10


def standard_paths() -> list[str]:
    """Our own interpreter's standard library, without its site-packages."""
    paths = sysconfig.get_paths()
    return list(dict.fromkeys([paths["stdlib"], paths["platstdlib"], f"{paths['platstdlib']}/lib-dynload"]))


def library_paths(root: Path) -> list[str]:
    """The project's own source folders and its environments' site-packages, as far as they are there."""
    found = [*_sources(root), *_site_packages(root)]
    return [str(path) for path in dict.fromkeys(found) if path.is_dir()][:_MOST]


def _sources(root: Path) -> Iterator[Path]:
    yield root / "src"
    for name in _mentioned(root):
        place = root / name
        if place.resolve().is_relative_to(root):
            yield place


def _site_packages(root: Path) -> Iterator[Path]:
    """Those of the folders that look like an environment (PEP 405): they hold a `pyvenv.cfg`."""
    for name in _ENVIRONMENTS:
        home = root / name
        if not (home / "pyvenv.cfg").is_file():
            continue
        yield home / "Lib" / "site-packages"
        for library in ("lib", "lib64"):
            yield from sorted((home / library).glob("python3*/site-packages"))


def _mentioned(root: Path) -> list[str]:
    """Source folders that pyproject.toml names, in the places where the usual build tools look for them."""
    try:
        table: Any = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["tool"]
    except (OSError, ValueError, KeyError):
        return []
    found: list[Any] = []
    for path in ("setuptools.packages.find.where", "pytest.ini_options.pythonpath", "pyright.extraPaths"):
        value: Any = table
        for part in path.split("."):
            value = value.get(part) if isinstance(value, dict) else None
        found += value if isinstance(value, list) else [value]
    return [name for name in found if isinstance(name, str) and re.fullmatch(r"[\w./-]{1,200}", name)]

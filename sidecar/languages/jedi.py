"""jedi for Python, as one more server: in a worker process that runs nothing of the project."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from sidecar.languages.python_paths import library_paths, standard_paths
from sidecar.languages.rows import Row
from sidecar.languages.servers import Limits, Servers

LIMITS: Final = Limits(count=1, memory=1 << 30)
PATIENCE: Final = 20.0
_LOADING: Final = ("PYTHON", "VIRTUAL_ENV", "CONDA_", "LD_PRELOAD")


def jedi_source(root: Path, *, env: Mapping[str, str], cache: Path | None = None) -> Servers:
    """A source named `jedi`. `cache` is a folder of ours for parsed files; without one nothing is kept on the disk.

    The worker is our own interpreter: the project's is looked for only as folders, and its packages are read, not
    imported. Variables that make Python load something at its start do not count.
    """
    options = {"cache": str(cache) if cache else "", "standard": standard_paths(), "libraries": library_paths(root)}
    row = Row(
        name="jedi",
        command=(sys.executable, "-E", "-P", "-m", "sidecar.languages.jedi_worker"),
        suffixes=(".py", ".pyi"),
        roots=(),
        install="",
        options=options,
        patience=PATIENCE,
        own=True,
    )
    mild = {name: value for name, value in env.items() if not name.startswith(_LOADING)}
    return Servers(root, trusted=True, env=mild, limits=LIMITS, rows=(row,), name="jedi")

"""The page's files, as they lie beside this one: they hold nothing of any workspace."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from sidecar.core.ports import Document

FILES: Final[Mapping[str, tuple[str, str]]] = {
    "/dashboard": ("index.html", "text/html; charset=utf-8"),
    "/dashboard/style.css": ("style.css", "text/css; charset=utf-8"),
    "/dashboard/app.js": ("app.js", "text/javascript; charset=utf-8"),
    "/dashboard/icon.svg": ("icon.svg", "image/svg+xml"),
}
"""By their address: the file and its media type."""

_FOLDER: Final = Path(__file__).with_name("page")


def read_file(address: str) -> Document:
    """One of `FILES`; blocks."""
    name, media = FILES[address]
    return Document(media, (_FOLDER / name).read_bytes())

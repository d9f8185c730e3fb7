"""From document and file events to looks at the change: which events matter, and one look at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable
from pathlib import PurePosixPath
from typing import Final

from lsprotocol import types

from sidecar.editor.places import Places
from sidecar.languages.uris import uri_from_path

GIT_STATE: Final = frozenset({".git/HEAD", ".git/index", ".git/logs/HEAD", ".git/packed-refs"})
MANY: Final = 500
WATCH: Final = "sidecar.files"
PAUSE: Final = 0.6
"""Seconds without a key after which a text that is not saved is looked at."""

Look = Callable[[Collection[str] | None], Awaitable[object]]


class Refresher:
    """Looks at the change when something was saved: one look runs, at most one waits for it, none without cause.

    `look` is given the paths that changed meanwhile, or None for all of it. Whatever it raises is handed to
    `on_fault`, and the next cause starts the next look.
    """

    def __init__(self, look: Look, on_fault: Callable[[Exception], None]) -> None:
        self._look = look
        self._on_fault = on_fault
        self._paths: set[str] = set()
        self._all = False
        self._wanted = asyncio.Event()
        self._soon: set[str] = set()
        self._timer: asyncio.TimerHandle | None = None

    def want(self, paths: Collection[str] | None) -> None:
        """Ask for a look at these paths (None: everything). An empty collection asks for nothing."""
        if paths is None:
            self._all = True
        self._paths.update(paths or ())
        if self._all or self._paths:
            self._wanted.set()

    def want_soon(self, paths: Collection[str]) -> None:
        """As `want`, once nobody has asked like this for a moment: whoever types is not looked at after each key."""
        self._soon |= set(paths)
        if self._timer is not None:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_later(PAUSE, self._now)

    def _now(self) -> None:
        paths, self._soon, self._timer = self._soon, set(), None
        self.want(paths)

    async def run(self) -> None:
        """Look whenever there is a cause, until cancelled."""
        while True:
            await self._wanted.wait()
            paths = None if self._all else frozenset(self._paths)
            self._wanted.clear()
            self._paths.clear()
            self._all = False
            try:
                await self._look(paths)
            except Exception as error:  # noqa: BLE001  # a door: the fault is told, the next cause looks again
                self._on_fault(error)


def touched(uris: Iterable[str], places: Places) -> set[str] | None:
    """Which of the repository's files these events are about; None when git's own state moved, or very many files."""
    paths: set[str] = set()
    for uri in uris:
        path = places.relative(uri)
        if path is None:
            continue
        if path in GIT_STATE or len(paths) >= MANY:
            return None
        if ".git" not in PurePosixPath(path).parts:
            paths.add(path)
    return paths


def watch_request(capabilities: types.ClientCapabilities, places: Places) -> types.RegistrationParams | None:
    """What to ask the editor to watch: all files, and git's state; None if it cannot be asked.

    git's files need a pattern of their own where the repository's top folder lies above the opened one.
    """
    watching = capabilities.workspace and capabilities.workspace.did_change_watched_files
    if not watching or not watching.dynamic_registration:
        return None
    watchers = [types.FileSystemWatcher("**/*")]
    if watching.relative_pattern_support:
        pattern = types.RelativePattern(uri_from_path(places.shown), ".git/{HEAD,index,packed-refs,logs/HEAD}")
        watchers.append(types.FileSystemWatcher(pattern))
    options = types.DidChangeWatchedFilesRegistrationOptions(watchers)
    return types.RegistrationParams([types.Registration(WATCH, types.WORKSPACE_DID_CHANGE_WATCHED_FILES, options)])

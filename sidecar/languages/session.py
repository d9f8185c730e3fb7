"""One running language server: greeted, kept up to the files on the disk, and asked only what it can answer yet."""

from __future__ import annotations

import asyncio
import os
import time
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from sidecar.core.symbols import Answer, AnswerStatus, Item, Operation, Query
from sidecar.languages.client import LspClient, ServerGone, ServerRefused
from sidecar.languages.files import Files, Stamp, Text, word_at
from sidecar.languages.lsp import METHODS, Reader, language_of, place_of
from sidecar.languages.process import Child
from sidecar.languages.rows import Row

WIDE: Final[frozenset[Operation]] = frozenset(
    {"references", "implementations", "callers", "rename", "workspace_symbols"}
)
"""Questions about the whole project: while a server loads it, an answer may lack something without a sign of it."""

GREETING: Final = 60.0
_QUIET: Final = 0.4
_SURE: Final = 1.5
_WALK_EVERY: Final = 0.5
_WALK_SHARE: Final = 5.0
"""A tree is looked through again after so many times what that took, and after half a second in any case."""

_MOST_OPENED: Final = 60
_MOST_KEPT: Final = 150
_SEARCHING: Final = 0.25
"""The share of a deadline that may go into looking for files that hold a name."""

_RETRY: Final = frozenset({-32801, -32802})
_UNKNOWN: Final = -32601
_LINKS: Final = {"linkSupport": True}
_CAPABILITIES: Final = {
    "general": {"positionEncodings": ["utf-16"]},
    "window": {"workDoneProgress": True},
    "workspace": {
        "configuration": True, "workspaceFolders": True, "symbol": {}, "workspaceEdit": {"documentChanges": True},
        "didChangeWatchedFiles": {"dynamicRegistration": True},
    },
    "textDocument": {
        "synchronization": {"didSave": True}, "references": {}, "callHierarchy": {}, "diagnostic": {},
        "definition": _LINKS, "typeDefinition": _LINKS, "implementation": _LINKS, "rename": {"prepareSupport": False},
        "hover": {"contentFormat": ["markdown", "plaintext"]}, "publishDiagnostics": {"versionSupport": True},
        "documentSymbol": {"hierarchicalDocumentSymbolSupport": True},
        "codeAction": {"codeActionLiteralSupport": {"codeActionKind": {"valueSet": ["quickfix", "refactor", "source"]}}},
    },
    "experimental": {"serverStatusNotification": True},
}  # fmt: skip


class Session:
    """A server at work on one workspace. Every question ends by its deadline, and says what the server could not know yet."""

    def __init__(self, row: Row, files: Files) -> None:
        self.row = row
        self.used = 0.0
        self._files = files
        self._suffixes = frozenset(row.suffixes)
        self._loose = bool(row.roots) and not any((files.root / mark).exists() for mark in row.roots)
        self._capabilities: dict[str, Any] = {}
        self._opened: dict[Path, tuple[int, Stamp]] = {}
        self._known: dict[Path, Stamp] = {}
        self._walked = self._walk_after = 0.0
        self._busy: dict[str | int, bool] = {}
        self._open = 0
        self._moved = 0.0
        self._spoke = False
        self._published: dict[str, tuple[int, list[Any]]] = {}
        self._publishing = asyncio.Event()
        self._client: LspClient | None = None
        self.child: Child | None = None

    # ── life ────────────────────────────────────────────────────────────────────────────────────────
    async def start(self, program: str, env: dict[str, str]) -> None:
        """Start and greet the server. Raises OSError, TimeoutError, ServerGone, ServerRefused; then it must be ended."""
        root = self._files.root
        # the folder that ours stands in says nothing to it; a server is started as by hand
        cwd = Path(root.anchor) if self.row.own else root
        child = self.child = await Child.start((program, *self.row.command[1:]), cwd=cwd, env=env)
        client = self._client = LspClient(child, self._heard, self._asked)
        uri = self._files.uri(root)
        greeting = {
            "processId": os.getpid(),
            "clientInfo": {"name": "sidecar"},
            "rootUri": uri,
            "rootPath": str(root),
            "workspaceFolders": [{"uri": uri, "name": root.name}],
            "capabilities": _CAPABILITIES,
            "initializationOptions": dict(self.row.options),
        }
        answer = await client.request("initialize", greeting, GREETING)
        self._capabilities = answer.get("capabilities") or {}
        if not self.row.own:
            self._known = await asyncio.to_thread(lambda: dict(self._files.walk(self._suffixes)))
        self._walked = self._moved = self._now()
        client.notify("initialized", {})
        client.notify("workspace/didChangeConfiguration", {"settings": dict(self.row.settings)})

    @property
    def gone(self) -> str:
        """Why the server cannot be asked any more; empty while it can."""
        return self._client.gone if self._client else ""

    def give_up(self) -> None:
        """Count it as gone if it hangs."""
        if self._client is not None:
            self._client.give_up(self.row.patience)

    async def aclose(self) -> None:
        """End the server. No farewell: it may hang, and it holds nothing of ours."""
        if self._client is not None:
            await self._client.aclose()
        elif self.child is not None:
            await self.child.end()

    # ── what the server says ────────────────────────────────────────────────────────────────────────
    def _heard(self, method: str, params: Any) -> None:
        if method == "$/progress":
            self._progress(params["token"], params["value"].get("kind"))
        elif method == "experimental/serverStatus":
            self._progress("status", "end" if params.get("quiescent") else "begin")
        elif method == "textDocument/publishDiagnostics":
            self._published[params["uri"]] = (int(params.get("version") or 0), params["diagnostics"])
            self._publishing.set()

    def _progress(self, token: str | int, kind: str) -> None:
        """Note what the server works at. What begins and ends while it is asked is the question's own work."""
        if kind == "begin":
            self._busy[token] = self._open > 0
        elif kind == "end" and not (self._busy.pop(token, False) and self._open):
            self._moved = self._now()

    def _asked(self, method: str, params: Any) -> Any:
        if method == "workspace/configuration":
            return [self.row.settings.get(item.get("section", "")) for item in params["items"]]
        if method == "workspace/workspaceFolders":
            return [{"uri": self._files.uri(self._files.root), "name": self._files.root.name}]
        return {"applied": False} if method == "workspace/applyEdit" else None

    @property
    def _settled(self) -> bool:
        """Whether the server seems to know the project: it reports no work, and nothing moved just now."""
        return self.row.own or (not self._busy and self._now() - self._moved > _QUIET)

    @property
    def _sure(self) -> bool:
        """Whether an empty answer can be believed."""
        return self._settled and (self.row.own or self._spoke or self._now() - self._moved > _SURE)

    @staticmethod
    def _now() -> float:
        return asyncio.get_running_loop().time()

    # ── keeping up with the disk ────────────────────────────────────────────────────────────────────
    async def _keep_up(self, place: Path | None, query: Query) -> None:
        """Tell the server what changed, by whoever's hand, and open what the question is about."""
        if self.row.own:
            return
        began = self._now()
        if began - self._walked > self._walk_after:
            known = await asyncio.to_thread(lambda: dict(self._files.walk(self._suffixes)))
            self._tell(known)
            self._known, self._walked = known, self._now()
            self._walk_after = min(_WALK_SHARE * (self._walked - began), _WALK_EVERY)
        wanted = {place} if place is not None else set()
        if place is not None and query.operation in WIDE and query.position is not None:
            wanted |= await asyncio.to_thread(self._holding, place, query)
        spare = [each for each in self._opened if each not in wanted]
        for each in spare[: max(len(self._opened) - _MOST_KEPT, 0)]:
            self._show(each, None)
        shown = wanted | set(self._opened)
        for each, text in await asyncio.to_thread(lambda: [(path, self._files.text(path)) for path in shown]):
            self._show(each, text)

    def _tell(self, known: dict[Path, Stamp]) -> None:
        old = self._known
        changes = [(path, 1 if path not in old else 2) for path, stamp in known.items() if old.get(path) != stamp]
        changes += [(path, 3) for path in old if path not in known]
        if changes:
            events = [{"uri": self._files.uri(path), "type": kind} for path, kind in changes]
            self._notify("workspace/didChangeWatchedFiles", {"changes": events})
            self._moved = self._now()
            self._spoke = False

    def _show(self, place: Path, text: Text | None) -> None:
        """Bring one open document up to its file."""
        version, stamp = self._opened.get(place, (0, None))
        uri = self._files.uri(place)
        if text is None:
            if version:
                self._notify("textDocument/didClose", {"textDocument": {"uri": uri}})
                del self._opened[place]
            return
        if stamp == text.stamp:
            return
        self._opened[place] = (version + 1, text.stamp)
        document = {"uri": uri, "version": version + 1}
        if version:
            self._notify("textDocument/didChange", {"textDocument": document, "contentChanges": [{"text": text.whole}]})
        else:
            language = language_of(place.name)
            self._notify(
                "textDocument/didOpen", {"textDocument": {**document, "languageId": language, "text": text.whole}}
            )

    def _holding(self, place: Path, query: Query) -> set[Path]:
        """Files that hold the name which is asked about: opened, they count also where the project's own file leaves them out."""
        text = self._files.text(place)
        word = word_at(text, query.position) if text and query.position else ""
        end = time.monotonic() + query.deadline * _SEARCHING
        found: set[Path] = set()
        for path in self._known if word else ():
            other = self._files.text(path)
            if other is not None and word in other.whole:
                found.add(path)
            if len(found) >= _MOST_OPENED or time.monotonic() > end:
                break
        return found

    def _notify(self, method: str, params: Any) -> None:
        if self._client is not None:
            self._client.notify(method, params)

    # ── questions ───────────────────────────────────────────────────────────────────────────────────
    async def ask(self, query: Query) -> Answer:
        """The answer. Raises ServerGone when the server ends meanwhile, BadInput for a place that is none."""
        self.used = began = self._now()
        place = text = None
        if query.path:
            place = await asyncio.to_thread(self._files.locate, query.path)
            text = await asyncio.to_thread(self._files.text, place)
            if query.position is not None and text is not None:
                self._files.check(text, query.position, query.path)
        answer = Answer("unsupported", self.row.source)
        if query.operation != "diagnostics" and not self._capabilities.get(METHODS[query.operation][1]):
            return replace(answer, note=f"{self.row.name} cannot tell this.")
        await self._keep_up(place, query)
        status, items, note = await self._until_sure(query, place, began + query.deadline)
        if query.operation == "diagnostics" and not note:
            note = "Only this file was checked."
        return replace(
            answer,
            status=status,
            items=items[: query.limit],
            truncated=len(items) > query.limit,
            version=self._opened.get(place, (None,))[0] if place is not None else None,
            ms=(self._now() - began) * 1000,
            note=note,
        )

    async def _until_sure(
        self, query: Query, place: Path | None, end: float
    ) -> tuple[AnswerStatus, tuple[Item, ...], str]:
        """Ask, and again while the server may not know yet, until the deadline."""
        items: tuple[Item, ...] = ()
        pause, lacks, heard = 0.1, "", False
        while (left := end - self._now()) > 0:
            try:
                result, lacks = _lacking(await self._request(query, place, left))
                items = await asyncio.to_thread(Reader(self._files, query).items, result)
                heard = True
            except TimeoutError:
                return self._late(query, items)
            except ServerRefused as error:
                if error.code == _UNKNOWN:
                    return "unsupported", (), f"{self.row.name} cannot tell this."
                if error.code not in _RETRY:
                    return "partial", (), f"{self.row.name} refused: {error}."
            except (KeyError, TypeError, ValueError, AttributeError) as error:
                return "partial", (), f"{self.row.name} gave an answer that is none ({type(error).__name__})."
            self._spoke = self._spoke or bool(items)
            if heard and ((items and query.operation not in WIDE) or (self._settled if items else self._sure)):
                lacks = lacks or self._lacks(query)
                return "partial" if lacks else "ready", items, lacks
            await asyncio.sleep(min(pause, max(end - self._now(), 0)))
            pause = min(2 * pause, 0.5)
        return "warming", items, f"{self.row.name} is still loading the project; ask again in some seconds."

    def _late(self, query: Query, items: tuple[Item, ...]) -> tuple[AnswerStatus, tuple[Item, ...], str]:
        """What is said when the time is up; a server that was to speak by itself does not hang when it is silent."""
        if query.operation == "diagnostics":
            return "partial", items, f"{self.row.name} has said nothing of this file; it may lack its checker."
        self.give_up()
        return "warming", items, f"{self.row.name} did not answer within {query.deadline:g} s; ask again."

    def _lacks(self, query: Query) -> str:
        """Why an answer is not whole although the server has settled; empty where it is."""
        if not self._loose or query.operation not in WIDE:
            return ""
        return f"There is no {' or '.join(self.row.roots[:2])}, so only files that hold the name were looked through."

    async def _request(self, query: Query, place: Path | None, seconds: float) -> Any:
        self._open += 1
        try:
            return await self._send(query, place, seconds)
        finally:
            self._open -= 1

    async def _send(self, query: Query, place: Path | None, seconds: float) -> Any:
        client = self._client
        if client is None:
            raise ServerGone("it was never started")
        method = METHODS[query.operation][0]
        if place is None:
            return await client.request(method, {"query": query.name}, seconds)
        document: dict[str, Any] = {"textDocument": {"uri": self._files.uri(place)}}
        if query.operation == "diagnostics":
            return await self._diagnostics(client, place, document, seconds)
        text = self._files.text(place)
        if query.position is not None and text is not None:
            document["position"] = place_of(text, query.position)
        if query.operation in {"callers", "callees"}:
            return await _calls(client, method, document, seconds)
        if query.operation == "references":
            document["context"] = {"includeDeclaration": True}
        elif query.operation == "rename":
            document["newName"] = query.new_name
        elif query.operation == "code_actions":
            spot = document.pop("position")
            _, said = self._published.get(self._files.uri(place), (0, []))
            document |= {"range": {"start": spot, "end": spot}, "context": {"diagnostics": _at(said, spot)}}
        return await client.request(method, document, seconds)

    async def _diagnostics(self, client: LspClient, place: Path, document: dict[str, Any], seconds: float) -> Any:
        """Ask where the server can be asked, else wait for what it says of this version by itself."""
        if self._capabilities.get("diagnosticProvider"):
            return await client.request(METHODS["diagnostics"][0], document, seconds)
        version, uri = self._opened.get(place, (0, None))[0], self._files.uri(place)
        async with asyncio.timeout(seconds):
            while (said := self._published.get(uri)) is None or 0 < said[0] < version:
                self._publishing.clear()
                await self._publishing.wait()
        self._spoke = True
        return said[1]


async def _calls(client: LspClient, method: str, document: dict[str, Any], seconds: float) -> Any:
    """Both steps of the call hierarchy; each call knows the file that was asked about."""
    calls: list[Any] = []
    lacks = ""
    for item in await client.request("textDocument/prepareCallHierarchy", document, seconds) or ():
        found, lacks = _lacking(await client.request(method, {"item": item}, seconds) or ())
        calls += [{**each, "askedUri": item["uri"]} for each in found]
    return {"items": calls, "lacks": lacks}


def _lacking(result: Any) -> tuple[Any, str]:
    """A result without what our own worker says beside it, and that."""
    if not isinstance(result, dict) or "lacks" not in result:
        return result, ""
    return result.get("items", result), str(result["lacks"])


def _at(diagnostics: list[Any], spot: dict[str, int]) -> list[Any]:
    """Those that hold a place's line."""
    return [d for d in diagnostics if d["range"]["start"]["line"] <= spot["line"] <= d["range"]["end"]["line"]]

"""The process that jedi runs in: a small language server on standard input and output, one question at a time.

It never executes what it looks at: names are inferred by reading. Compiled modules are imported from our own standard
library only. jedi may run long or fail in unforeseen ways; whoever started this process ends it, and starts another.
"""

from __future__ import annotations

import os
import queue
import re
import stat
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, Final

import jedi
import jedi.inference.references as jedi_references
import orjson
import parso.cache
import parso.file_io
import parso.grammar
from jedi.api.classes import BaseName
from jedi.api.environment import InterpreterEnvironment

from sidecar.languages.files import utf16
from sidecar.languages.uris import path_from_uri, uri_from_path

_MOST_MEMORY: Final = 4 << 30
_MOST_PARSED: Final = 400
_MOST_NAMES: Final = 1_000
_MOST_BYTES: Final = 1_000_000
"""Of a file that is not asked about itself: a larger one takes many seconds."""

_SPEAKABLE: Final = re.compile("[^\udc80-\udcff]+")
_KINDS: Final = {"module": 2, "class": 5, "function": 12, "property": 7, "param": 13, "statement": 13, "namespace": 3}
_FAULTS: Final = (
    ArithmeticError, AssertionError, AttributeError, LookupError, NotImplementedError, OSError, RecursionError,
    TypeError, ValueError, jedi.InternalError, jedi.RefactoringError,
)  # fmt: skip
"""What jedi is known to raise on code that it does not understand."""

_CAPABILITIES: Final = dict.fromkeys(("definitionProvider", "typeDefinitionProvider", "referencesProvider", "hoverProvider", "documentSymbolProvider", "workspaceSymbolProvider", "callHierarchyProvider", "renameProvider"), True)  # fmt: skip

Json = Any


class Worker:
    """Answers LSP's questions by jedi."""

    def __init__(self) -> None:
        self._project = jedi.Project("/")
        self._environment = InterpreterEnvironment()

    def answer(self, method: str, params: Json) -> Json:
        """The result of one request. Raises LookupError for a method that is not known."""
        return _METHODS[method](self, params)

    def initialize(self, params: Json) -> Json:
        """Learn the project: its folder and where its libraries lie."""
        options = params["initializationOptions"]
        root = str(path_from_uri(params["rootUri"]))
        paths = [*options["standard"], *options["libraries"]]
        self._project = jedi.Project(root, sys_path=paths, smart_sys_path=True, load_unsafe_extensions=False)
        # its search would look for an interpreter, and start what it finds
        self._project._environment = self._environment  # noqa: SLF001
        if options["cache"]:
            jedi.settings.cache_directory = options["cache"]
        else:
            _keep_in_memory()
        jedi_references._PARSED_FILE_LIMIT = _MOST_PARSED  # noqa: SLF001 - thirty by default, without a sign of it
        parso.file_io.FileIO.read = lambda file: _content(file.path)  # type: ignore[method-assign]
        return {"capabilities": _CAPABILITIES}

    # ── questions about a place ─────────────────────────────────────────────────────────────────────
    def definition(self, params: Json) -> Json:
        """Where the name at a place comes from."""
        script, line, column = self._at(params)
        names = script.goto(line, column, follow_imports=True, follow_builtin_imports=True)
        found = [origin for name in names or script.infer(line, column) for origin in self._origins(name)]
        if len({name.module_path for name in found}) == 1 and all(name.type == "statement" for name in found):
            found.sort(
                key=lambda name: (name.line or 0, name.column or 0)
            )  # a variable comes from where it is first set
        return list({str(place): place for place in _locations(found)}.values())

    def type_definition(self, params: Json) -> Json:
        """Where the class of what stands at a place is defined."""
        script, line, column = self._at(params)
        return list(_locations(script.infer(line, column)))

    def references(self, params: Json) -> Json:
        """Every place that means the same, in the project."""
        names = self._references(params)
        return _lacking(list(_locations(names)), names)

    def hover(self, params: Json) -> Json:
        """Signature and docstring."""
        script, line, column = self._at(params)
        parts = []
        for name in script.help(line, column)[:3]:
            signatures = [signature.to_string() for signature in name.get_signatures()]
            head = "\n".join(signatures) or name.description
            parts.append(f"```python\n{head}\n```\n\n{name.docstring(raw=True)}".strip())
        return {"contents": parts} if parts else None

    def rename(self, params: Json) -> Json:
        """The edits that a rename would need."""
        if not params["newName"].isidentifier():
            raise ValueError("the new name is no identifier")
        names = self._references(params)
        changes: dict[str, list[Json]] = {}
        for place in _locations(names):
            changes.setdefault(place["uri"], []).append({"range": place["range"], "newText": params["newName"]})
        return _lacking({"changes": changes}, names)

    def prepare_calls(self, params: Json) -> Json:
        """What is called, or calls, at a place."""
        script, line, column = self._at(params)
        names = script.goto(line, column, follow_imports=True)
        return [item for name in names[:1] if (item := _item(name)) is not None]

    def incoming_calls(self, params: Json) -> Json:
        """Who calls it, by function."""
        item = params["item"]
        asked = {"textDocument": {"uri": item["uri"]}, "position": item["selectionRange"]["start"]}
        callers: dict[tuple[str, int], Json] = {}
        names = self._references(asked)
        for name in names:
            if name.is_definition() or name.type == "module" or not _is_called(name):
                continue
            caller = self._script(str(name.module_path)).get_context(name.line, name.column)
            described = _item(caller)
            place = next(iter(_locations([name])), None)
            if described is None or place is None:
                continue
            call = callers.setdefault((described["uri"], caller.line or 0), {"from": described, "fromRanges": []})
            call["fromRanges"].append(place["range"])
        return _lacking(list(callers.values()), names)

    # ── questions about a file and about names ──────────────────────────────────────────────────────
    def document_symbols(self, params: Json) -> Json:
        """Classes, functions and what modules and classes hold, as a tree."""
        top: list[Json] = []
        stack: list[tuple[tuple[int, int], Json]] = []
        names = self._script(_path(params)).get_names(all_scopes=True, definitions=True, references=False)
        for name in names:
            end = name.get_definition_end_position()
            if name.type not in {"class", "function", "statement", "property"} or end is None:
                continue
            while stack and stack[-1][0] < end:
                stack.pop()
            inside = stack[-1][1] if stack else None
            if name.type == "statement" and inside is not None and inside["kind"] != _KINDS["class"]:
                continue
            symbol = _item(name)
            if symbol is None:
                continue
            if inside is not None and inside["kind"] == _KINDS["class"]:
                symbol["kind"] = {"function": 6, "statement": 8}.get(name.type, symbol["kind"])
            (inside["children"] if inside else top).append(symbol)
            if name.type in {"class", "function"}:
                stack.append((end, symbol))
        return top

    def workspace_symbols(self, params: Json) -> Json:
        """What is called so, in the project's files that it looks into: 2,000 at most, and 400 that hold the name."""
        found = []
        for name in self._project.search(params["query"], all_scopes=True):
            place = next(iter(_locations([name])), None)
            if place is not None and name.type in {"class", "function", "statement", "property"}:
                full = (name.full_name or name.name).rpartition(".")[0].removeprefix(name.module_name).lstrip(".")
                found.append({"name": name.name, "kind": _kind(name), "location": place, "containerName": full})
            if len(found) > _MOST_NAMES:
                break
        return {
            "items": found,
            "lacks": "jedi looks for names in Python files alone, and not in all where there are many.",
        }

    def _origins(self, name: BaseName) -> list[BaseName]:
        """For an attribute: what its class says of it, or every place that gives it a value; jedi names any one of them."""
        owner = _owner(name)
        if owner is None:
            return [name]
        every = self._script(str(name.module_path)).get_names(all_scopes=True, definitions=True)
        same = [(other, _owner(other)) for other in every if other.name == name.name]
        own = [other for other, its in same if its is not None and its.line == owner.line]
        said = [other for other in own if other.parent().type == "class"]
        return said[:1] or own or [name]

    # ── asking jedi ─────────────────────────────────────────────────────────────────────────────────
    def _script(self, path: str) -> jedi.Script:
        return jedi.Script(path=path, project=self._project, environment=self._environment)

    def _at(self, params: Json) -> tuple[jedi.Script, int, int]:
        path, spot = _path(params), params["position"]
        units = _line(path, spot["line"]).encode("utf-16-le", "surrogatepass")[: 2 * spot["character"]]
        return self._script(path), spot["line"] + 1, len(units.decode("utf-16-le", "ignore"))

    def _references(self, params: Json) -> list[BaseName]:
        script, line, column = self._at(params)
        names = script.get_references(line, column, scope="project", include_builtins=False)
        return [name for name in names if name.module_path is not None]


_METHODS: Final = {
    "initialize": Worker.initialize,
    "textDocument/definition": Worker.definition,
    "textDocument/typeDefinition": Worker.type_definition,
    "textDocument/references": Worker.references,
    "textDocument/hover": Worker.hover,
    "textDocument/rename": Worker.rename,
    "textDocument/documentSymbol": Worker.document_symbols,
    "textDocument/prepareCallHierarchy": Worker.prepare_calls,
    "callHierarchy/incomingCalls": Worker.incoming_calls,
    "workspace/symbol": Worker.workspace_symbols,
}


def _keep_in_memory() -> None:
    """Parsed files are pickles on the disk: none is written, nor read, where there is no folder of ours for them."""
    save: Any = parso.cache.try_to_save_module
    parso.grammar.try_to_save_module = lambda *args, **named: save(*args, **{**named, "pickling": False})  # type: ignore[attr-defined]
    parso.cache._load_from_file_system = lambda *_args, **_named: None  # noqa: SLF001 - there is no setting for it


def _content(path: str | os.PathLike[str]) -> bytes:
    """What a file holds; nothing of what is no file, cannot be read or is too large: a search opens all that is called `*.py`."""
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    if not _SPEAKABLE.fullmatch(
        os.fspath(path)
    ):  # no answer could name it, and to open it would end the watching of files
        return b""
    try:
        with os.fdopen(os.open(path, flags), "rb") as file:
            facts = os.fstat(file.fileno())
            return file.read() if stat.S_ISREG(facts.st_mode) and facts.st_size <= _MOST_BYTES else b""
    except FileNotFoundError:
        raise
    except OSError:
        return b""


def _path(params: Json) -> str:
    return str(path_from_uri(params["textDocument"]["uri"]))


def _line(path: str, number: int) -> str:
    try:
        lines = re.split(r"\r\n|\n|\r", Path(path).read_bytes().decode("utf-8", "replace"))
    except OSError:
        return ""
    return lines[number] if 0 <= number < len(lines) else ""


def _locations(names: list[BaseName]) -> Iterator[Json]:
    for name in names:
        if name.module_path is None:
            continue
        if name.type == "module" and name.is_definition():
            yield {"uri": uri_from_path(name.module_path), "range": _range(str(name.module_path), (1, 0), (1, 0))}
        elif name.line is not None and name.column is not None:
            end = (name.line, name.column + len(name.name))
            yield {"uri": uri_from_path(name.module_path), "range": _range(str(name.module_path), (name.line, name.column), end)}  # fmt: skip


def _range(path: str, start: tuple[int, int], end: tuple[int, int]) -> Json:
    """Jedi's places (lines from 1, characters from 0) as LSP's."""
    return {
        side: {"line": line - 1, "character": utf16(_line(path, line - 1), column + 1)}
        for side, (line, column) in (("start", start), ("end", end))
    }


def _kind(name: BaseName) -> int:
    return 14 if name.type == "statement" and name.name.isupper() else _KINDS.get(name.type, 13)


def _item(name: BaseName) -> Json | None:
    """A definition as a symbol of LSP; a module stands at its first line."""
    place = next(iter(_locations([name])), None)
    if place is None:
        return None
    begin, end = name.get_definition_start_position(), name.get_definition_end_position()
    whole = _range(str(name.module_path), begin, end) if begin and end else place["range"]
    detail = name.description if name.type in {"class", "function"} else ""
    return {
        "name": name.name, "kind": _kind(name), "detail": detail, "uri": place["uri"], "range": whole,
        "selectionRange": place["range"], "children": [],
    }  # fmt: skip


def _owner(name: BaseName) -> BaseName | None:
    """The class whose attribute a statement defines (`x = 1` in its body, `self.x = 1` in a method); None for any other."""
    if name.type != "statement" or name.module_path is None or not name.line:
        return None
    outer = name.parent()
    if outer.type == "function" and _line(str(name.module_path), name.line - 1)[: name.column].endswith("."):
        outer = outer.parent()
    return outer if outer.type == "class" else None


def _is_called(name: BaseName) -> bool:
    """Whether the text goes on with an opening parenthesis."""
    line = _line(str(name.module_path), (name.line or 1) - 1)
    return line[(name.column or 0) + len(name.name) :].lstrip().startswith("(")


def _lacking(result: Json, names: list[BaseName]) -> Json:
    """The result, with what it may lack: jedi infers, and where it cannot, a place is missing without a sign of it."""
    lacks = (
        "jedi infers where a name is used and may miss places; basedpyright finds them (`pip install basedpyright`)."
    )
    if len({name.module_path for name in names}) >= _MOST_PARSED:
        lacks = f"jedi looked into {_MOST_PARSED} files that hold the name and stopped."
    return {**(result if isinstance(result, dict) else {"items": result}), "lacks": lacks}


# ── the conversation ────────────────────────────────────────────────────────────────────────────────
def read_messages(stream: BinaryIO, inbox: queue.Queue[Json], dropped: set[int]) -> None:
    """Take frames until the end of input, which ends the process; what is cancelled before its turn is dropped."""
    while head := stream.readline():
        length = int(head.split(b":")[1])
        stream.readline()
        message = orjson.loads(stream.read(length))
        if message["method"] == "$/cancelRequest":
            dropped.add(message["params"]["id"])
        elif "id" in message:
            inbox.put(message)
    os._exit(0)


def serve(worker: Worker, inbox: queue.Queue[Json], dropped: set[int], out: BinaryIO) -> None:
    """Answer one question after the other, for as long as the process lives."""
    while True:
        message = inbox.get()
        number = message["id"]
        if number in dropped:
            dropped.discard(number)
            continue
        reply: dict[str, Json] = {"jsonrpc": "2.0", "id": number}
        try:
            reply["result"] = worker.answer(message["method"], message["params"])
        except KeyError as error:
            unknown = message["method"] not in _METHODS
            reply["error"] = {
                "code": -32601 if unknown else -32803,
                "message": f"{type(error).__name__}: {error}"[:200],
            }
        except _FAULTS as error:
            reply["error"] = {"code": -32803, "message": f"{type(error).__name__}: {error}"[:200]}
        body = orjson.dumps(reply)
        out.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
        out.flush()


def main() -> None:
    """Run until the other side is gone."""
    if sys.platform != "win32":
        import resource  # noqa: PLC0415 - not there on Windows

        resource.setrlimit(resource.RLIMIT_AS, (_MOST_MEMORY, _MOST_MEMORY))
    inbox: queue.Queue[Json] = queue.Queue()
    dropped: set[int] = set()
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever prints must not break the conversation
    reader = threading.Thread(target=read_messages, args=(sys.stdin.buffer, inbox, dropped), daemon=True)
    reader.start()
    sys.setrecursionlimit(3_000)
    serve(Worker(), inbox, dropped, out)


if __name__ == "__main__":
    main()

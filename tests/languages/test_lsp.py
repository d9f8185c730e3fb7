"""LSP's answers in all their forms as values of ours."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from sidecar.core.symbols import Call, Hover, Location, Operation, Position, Query, Span, Symbol, TextEdit
from sidecar.languages.files import Files
from sidecar.languages.lsp import Reader, language_of, place_of


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "a.py").write_text('x = "😀"; y = x\n  class Cart: ...\n', encoding="utf-8")
    return tmp_path


def spot(line: int, start: int, end: int, last: int | None = None) -> dict[str, Any]:
    return {
        "start": {"line": line, "character": start},
        "end": {"line": line if last is None else last, "character": end},
    }


def read(root: Path, operation: Operation, result: Any) -> list[Any]:
    return list(Reader(Files(root), Query(operation, "a.py")).items(result))


def span(line: int, start: int, end: int, last: int | None = None) -> Span:
    return Span("a.py", Position(line, start), Position(line if last is None else last, end))


Y = spot(0, 10, 11)  # after the emoji, which is one character and two units


@pytest.mark.parametrize("form", ["location", "locations", "link"])
def test_a_location_in_each_of_its_forms(root: Path, form: str) -> None:
    uri = (root / "a.py").as_uri()
    result: Any = {"uri": uri, "range": Y}
    if form == "locations":
        result = [result, result]
    if form == "link":
        result = [{"targetUri": uri, "targetRange": spot(0, 0, 12), "targetSelectionRange": Y}]
    assert read(root, "definition", result) == [Location(span(1, 10, 11), 'x = "😀"; y = x')]


@pytest.mark.parametrize("operation", ["definition", "hover", "document_symbols", "rename", "code_actions", "callers"])
@pytest.mark.parametrize("nothing", [None, []])
def test_nothing_is_nothing(root: Path, operation: Operation, nothing: Any) -> None:
    assert read(root, operation, nothing) == []


def test_what_lies_in_no_file_is_left_out(root: Path) -> None:
    assert read(root, "references", [{"uri": "untitled:1", "range": Y}, {"uri": "jdt://x", "range": Y}]) == []


@pytest.mark.parametrize(
    ("contents", "text"),
    [
        ("plain", "plain"),
        ({"kind": "markdown", "value": "**b**"}, "**b**"),
        ({"language": "go", "value": "func F()"}, "```go\nfunc F()\n```"),
        (["one", {"language": "go", "value": "x"}], "one\n\n```go\nx\n```"),
    ],
)
def test_a_hover_in_each_of_its_forms(root: Path, contents: Any, text: str) -> None:
    assert read(root, "hover", {"contents": contents}) == [Hover(text)]


def test_an_outline_is_flattened_with_its_containers(root: Path) -> None:
    inner = {"name": "add", "kind": 6, "detail": "(x)", "range": spot(1, 2, 9), "selectionRange": spot(1, 2, 5)}
    outer = {"name": "Cart", "kind": 5, "range": spot(1, 2, 17), "selectionRange": spot(1, 8, 12), "children": [inner]}
    found = read(root, "document_symbols", [outer])
    assert [(s.path, s.kind, s.signature) for s in found] == [("Cart", "class", ""), ("Cart.add", "method", "(x)")]
    assert found[0] == Symbol("Cart", "class", "", span(2, 9, 13), span(2, 3, 18), language="python")


def test_a_symbol_of_which_only_the_whole_is_told_stands_at_its_name(root: Path) -> None:
    place = {"uri": (root / "a.py").as_uri(), "range": spot(1, 2, 17)}
    (found,) = read(root, "workspace_symbols", [{"name": "Cart", "kind": 5, "location": place, "containerName": "m"}])
    assert (found.path, found.span, found.extent) == ("m.Cart", span(2, 9, 13), span(2, 3, 18))
    (lost,) = read(root, "workspace_symbols", [{"name": "Other", "kind": 99, "location": place}])
    assert (lost.kind, lost.span) == ("symbol", span(2, 3, 3))


def test_calls_know_their_places(root: Path) -> None:
    uri = (root / "a.py").as_uri()
    item = {"name": "f", "kind": 12, "uri": uri, "range": spot(0, 0, 12), "selectionRange": spot(0, 0, 1)}
    symbol = Symbol("f", "function", "", span(1, 1, 2), span(1, 1, 12), language="python")
    assert read(root, "callers", [{"from": item, "fromRanges": [Y]}]) == [Call(symbol, (span(1, 10, 11),))]
    assert read(root, "callees", [{"to": item, "fromRanges": [Y], "askedUri": uri}]) == [
        Call(symbol, (span(1, 10, 11),))
    ]


@pytest.mark.parametrize("form", ["changes", "documents"])
def test_a_rename_in_both_its_forms(root: Path, form: str) -> None:
    uri = (root / "a.py").as_uri()
    edit = {"range": Y, "newText": "z"}
    result: Any = {"changes": {uri: [edit]}}
    if form == "documents":
        created = {"kind": "rename", "oldUri": uri, "newUri": uri + "2"}
        result = {"documentChanges": [created, {"textDocument": {"uri": uri, "version": 1}, "edits": [edit]}]}
    assert read(root, "rename", result) == [TextEdit(span(1, 10, 11), "z")]


def test_diagnostics_and_actions(root: Path) -> None:
    said = [
        {"range": Y, "message": "no", "severity": 2, "source": "tool", "code": {"value": "E1"}},
        {"range": Y, "message": "never", "severity": 77, "code": 3},
    ]
    found = read(root, "diagnostics", {"kind": "full", "items": said})
    assert [(d.severity, d.message, d.source, d.code) for d in found] == [
        ("warning", "no", "tool", "E1"), ("error", "never", "", "3"),
    ]  # fmt: skip
    edit = {"changes": {(root / "a.py").as_uri(): [{"range": Y, "newText": "z"}]}}
    (first, second) = read(root, "code_actions", [{"title": "Fix", "kind": "quickfix", "edit": edit}, {"title": "Run"}])
    assert (first.title, first.kind, len(first.edits)) == ("Fix", "quickfix", 1)
    assert second.edits == ()


@pytest.mark.parametrize(
    "nonsense", [7, "text", [7], [{"uri": 7}], {"range": Y}, [{"uri": "file:///a", "range": "here"}]]
)
def test_what_has_not_the_form_is_an_error_of_its_own_kind(root: Path, nonsense: Any) -> None:
    with pytest.raises((KeyError, TypeError, ValueError, AttributeError)):
        read(root, "definition", nonsense)


def test_languages_and_places(root: Path) -> None:
    assert [language_of(path) for path in ("a/b.py", "x.TSX", "y.unknown", "Makefile")] == [
        "python",
        "typescriptreact",
        "",
        "",
    ]
    text = Files(root).text(root / "a.py")
    assert place_of(text, Position(1, 10)) == {"line": 0, "character": 10}

"""The editor's door as a process, spoken to in raw frames: life cycle, review, faults, ends."""

from __future__ import annotations

import contextlib
import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.editor.client import Editor, Inside


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    """A folder with a `.git` and two risky lines, with a name that needs encoding in a URI."""
    folder = tmp_path / "größe 50% #1"
    (folder / ".git").mkdir(parents=True)
    (folder / "a b.py").write_text("fine\nrisky one\n", encoding="utf-8")
    (folder / "ü.py").write_text("risky two\n", encoding="utf-8")
    return folder


@pytest.fixture
def editor() -> Iterator[Editor]:
    with Editor() as editor:
        yield editor


def full(changed: dict[str, Any]) -> bool:
    return bool(changed["upserts"])


# ── life ────────────────────────────────────────────────────────────────────────────────────────────
def test_the_ordinary_life(editor: Editor, repo: Path) -> None:
    hello = editor.initialize(repo)
    assert hello["serverInfo"] == {"name": "sidecar", "version": "1.2.3"}
    sync = hello["capabilities"]["textDocumentSync"]
    assert (sync["openClose"], sync["change"], sync["save"]) == (True, 2, True)
    editor.notify("initialized", {})
    assert editor.told("sidecar/statusChanged")["workspace"] == str(repo)
    changed = editor.told("sidecar/threads/changed", full)
    assert [(t["uri"], t["startLine"], t["endLine"]) for t in changed["upserts"]] == [
        ((repo / "a b.py").as_uri(), 1, 1),
        ((repo / "ü.py").as_uri(), 0, 0),
    ]
    assert editor.leave() == 0
    assert "services closed" in editor.whole_log()


def test_the_dashboard_is_handed_through(editor: Editor, repo: Path) -> None:
    editor.open(repo)
    assert editor.ask("sidecar/dashboard", {"target": "/api/status"}) == {
        "media": "application/json",
        "text": '{"name":"ü"}',
    }
    error = editor.refusal("sidecar/dashboard", {"target": "/api/nothing"})
    assert "Nothing at /api/nothing" in error["message"]


def test_threads_answer_replies_and_states(editor: Editor, repo: Path) -> None:
    status = editor.open(repo)
    assert status["state"] == "ready"
    first = editor.told("sidecar/threads/changed", full)["upserts"][0]
    status = editor.ask("sidecar/status")
    assert (status["openThreads"], status["score"], status["band"]) == (2, 0.5, "high")
    replied = editor.ask("sidecar/thread/reply", {"id": first["id"], "body": "why?"})
    assert [(c["author"], c["name"], c["body"]) for c in replied["comments"]] == [
        ("sidecar", "Sidecar", "x" * 10),
        ("user", "You", "why?"),
        ("model", "fake", "You said: why?"),
    ]
    resolved = editor.ask("sidecar/thread/setState", {"id": first["id"], "state": "resolved"})
    assert resolved["state"] == "resolved"
    assert editor.told("sidecar/statusChanged", lambda s: s["openThreads"] == 1)
    snapshot = editor.ask("sidecar/threads/snapshot", {})
    assert (snapshot["full"], len(snapshot["upserts"])) == (True, 2)
    since = editor.ask("sidecar/threads/snapshot", {"sinceRevision": replied["revision"]})
    assert [t["id"] for t in since["upserts"]] == [first["id"]]
    assert since["full"] is False


def test_what_is_typed_is_looked_at_before_it_is_saved(editor: Editor, repo: Path) -> None:
    editor.open(repo)
    editor.told("sidecar/threads/changed", full)
    uri, before = (repo / "a b.py").as_uri(), (repo / "a b.py").read_text(encoding="utf-8")
    document = {"uri": uri, "languageId": "python", "version": 1, "text": before}
    editor.notify("textDocument/didOpen", {"textDocument": document})
    start = {"line": 0, "character": 0}
    typed = [{"range": {"start": start, "end": start}, "text": "new\nrisky more\n"}]
    editor.notify("textDocument/didChange", {"textDocument": {"uri": uri, "version": 2}, "contentChanges": typed})
    changed = editor.told("sidecar/threads/changed")
    assert sorted(t["startLine"] for t in changed["upserts"]) == [1, 3]
    assert (repo / "a b.py").read_text(encoding="utf-8") == before
    editor.notify("textDocument/didClose", {"textDocument": {"uri": uri}})
    changed = editor.told("sidecar/threads/changed")
    assert [t["startLine"] for t in changed["upserts"]] == [1], "what was not saved is gone"


def test_a_saved_edit_moves_opens_and_closes_threads(editor: Editor, repo: Path) -> None:
    editor.open(repo)
    editor.told("sidecar/threads/changed", full)
    file = repo / "a b.py"
    file.write_text("risky new\nfine\n", encoding="utf-8")
    editor.notify("textDocument/didSave", {"textDocument": {"uri": file.as_uri()}})
    changed = editor.told("sidecar/threads/changed")
    assert [t["startLine"] for t in changed["upserts"]] == [0]
    assert len(changed["removes"]) == 1
    file.write_text("fine\n", encoding="utf-8")
    events = {"changes": [{"uri": file.as_uri(), "type": 2}, {"uri": "untitled:Untitled-1", "type": 1}]}
    editor.notify("workspace/didChangeWatchedFiles", events)
    assert len(editor.told("sidecar/threads/changed")["removes"]) == 1
    assert editor.ask("sidecar/review", {}) | {"revision": 0} == {
        "revision": 0,
        "score": 0.5,
        "band": "high",
        "openThreads": 1,
    }


def test_only_what_matters_causes_a_look(editor: Editor, repo: Path) -> None:
    with Inside(editor.open(repo)["port"]) as inside:
        editor.told("sidecar/threads/changed", full)
        before = inside.do("looks")
        assert before == [None]
        elsewhere = [(repo / ".git/index.lock").as_uri(), (repo.parent / "x.py").as_uri(), "file:///%00"]
        editor.notify("workspace/didChangeWatchedFiles", {"changes": [{"uri": u, "type": 2} for u in elsewhere]})
        editor.notify(
            "textDocument/didOpen",
            {"textDocument": {"uri": (repo / "ü.py").as_uri(), "languageId": "python", "version": 1, "text": ""}},
        )
        editor.notify("textDocument/didClose", {"textDocument": {"uri": (repo / "ü.py").as_uri()}})
        editor.ask("sidecar/status")
        assert inside.do("looks") == before
        editor.notify(
            "workspace/didChangeWatchedFiles", {"changes": [{"uri": (repo / ".git/index").as_uri(), "type": 2}]}
        )
        editor.ask("sidecar/review", {"paths": ["ü.py", (repo / "a b.py").as_uri()]})
        until = time.monotonic() + 30
        while len(looks := inside.do("looks")[1:]) < 2 and time.monotonic() < until:
            pass  # the first of them nobody waited for
        assert sorted(looks, key=str) == [None, ["a b.py", "ü.py"]]


def test_a_folder_that_is_no_repository_has_a_status_and_no_review(editor: Editor, tmp_path: Path) -> None:
    assert editor.open(tmp_path)["state"] == "ready"
    empty = {"revision": 0, "upserts": [], "removes": [], "full": True}
    assert editor.ask("sidecar/threads/snapshot", {}) == empty
    assert "git init" in editor.refusal("sidecar/review", {})["message"]
    assert editor.leave() == 0


def test_without_a_folder_it_serves_all_the_same(editor: Editor) -> None:
    assert editor.open(None)["workspace"] == ""
    assert editor.leave() == 0


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"fail": "DATABRICKS_API_KEY is missing: set it."}, "DATABRICKS_API_KEY is missing: set it."),
        ({"crash": "secret inside"}, "Sidecar could not open this workspace (RuntimeError); its log says more."),
    ],
)
def test_services_that_cannot_be_opened_leave_a_degraded_server(
    editor: Editor, repo: Path, options: dict[str, str], sentence: str
) -> None:
    status = editor.open(repo, **options)
    assert (status["state"], status["message"], status["port"]) == ("degraded", sentence, 0)
    assert any(m.get("method") == "window/logMessage" and m["params"]["message"] == sentence for m in editor.heard)
    assert editor.refusal("sidecar/review", {})["message"] == sentence
    assert not any(m.get("method") == "window/showMessage" for m in editor.heard)
    assert editor.leave() == 0


def test_a_fault_of_the_endpoint_is_told(editor: Editor, repo: Path) -> None:
    with Inside(editor.open(repo)["port"]) as inside:
        inside.do("become", message="Port 8080 is taken.")
        assert (
            editor.told("sidecar/statusChanged", lambda s: s["state"] == "degraded")["message"] == "Port 8080 is taken."
        )


# ── ends ────────────────────────────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize("opened", [True, False])
@pytest.mark.parametrize("way", ["eof", "SIGINT", "SIGTERM", "SIGHUP", "exit"])
def test_every_end_is_in_order(editor: Editor, repo: Path, way: str, opened: bool) -> None:
    if way.startswith("SIG") and sys.platform == "win32":
        pytest.skip("no such signals")
    if opened:
        editor.open(repo)
    else:
        editor.initialize(repo)
    begun = time.monotonic()
    if way == "eof":
        editor.process.stdin.close()
    elif way == "exit":
        editor.notify("exit")
    else:
        editor.process.send_signal(getattr(signal, way))
    assert editor.wait() == (1 if way == "exit" else 0)
    assert time.monotonic() - begun < 10
    assert ("services closed" in editor.whole_log()) is opened


def test_exit_before_initialize_is_a_failure(editor: Editor) -> None:
    editor.notify("exit")
    assert editor.wait() == 1


def test_services_that_hang_do_not_keep_the_process(editor: Editor, repo: Path) -> None:
    editor.open(repo, hang_at_close=True)
    begun = time.monotonic()
    assert editor.leave() == 0
    assert time.monotonic() - begun < 10


def test_an_opening_that_hangs_is_given_up_at_once(editor: Editor, repo: Path) -> None:
    editor.initialize(repo, initializationOptions={"hang": True})
    editor.notify("initialized", {})
    assert editor.told("sidecar/statusChanged")["state"] == "starting"
    waiting = editor.request("sidecar/threads/snapshot", {})
    begun = time.monotonic()
    editor.ask("shutdown")
    assert any(m.get("id") == waiting and m["error"]["code"] == -32800 for m in editor.heard)
    editor.notify("exit")
    assert editor.wait() == 0
    assert time.monotonic() - begun < 5


@pytest.mark.parametrize("dead_before", [True, False])
def test_it_dies_with_the_editor_even_while_the_pipe_is_open(editor: Editor, repo: Path, dead_before: bool) -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as parent:
        if dead_before:
            parent.kill()
            parent.wait()
        editor.initialize(repo, processId=parent.pid)
        with contextlib.suppress(BrokenPipeError):  # it may have seen by now that the editor is dead
            editor.notify("initialized", {})
        begun = time.monotonic()
        if not dead_before:
            editor.told("sidecar/threads/changed", full)
            parent.kill()
            parent.wait()
        assert editor.wait() == 0
        assert time.monotonic() - begun < 10


# ── the pipe ────────────────────────────────────────────────────────────────────────────────────────
def test_an_editor_that_stops_reading_does_not_stop_the_loop(editor: Editor, repo: Path) -> None:
    with Inside(editor.open(repo, body=300_000)["port"]) as inside:
        editor.told("sidecar/threads/changed", full)
        editor.pause()
        snapshots = [editor.request("sidecar/threads/snapshot", {}) for _ in range(5)]
        revision = 0
        for _ in range(20):
            revision = inside.do("touch", times=20)
            assert inside.do("ping") == "pong"
        heard = len(editor.heard)
        editor.resume()
        for msg_id in snapshots:
            assert len(editor.answer(msg_id)["result"]["upserts"]) == 2
        editor.told("sidecar/threads/changed", lambda c: c["revision"] == revision)
        news = [m for m in editor.heard[heard:] if m.get("method") == "sidecar/threads/changed"]
        assert len(news) <= 3
        assert editor.leave() == 0


def test_an_editor_that_never_reads_again_is_given_up(editor: Editor, repo: Path) -> None:
    editor.open(repo, body=4_000_000)
    editor.told("sidecar/threads/changed", full)
    editor.pause()
    for _ in range(8):
        editor.request("sidecar/threads/snapshot", {})
    assert editor.wait() == 1
    assert "stopped reading" in editor.whole_log()


def test_prints_and_children_do_not_reach_the_protocol(editor: Editor, repo: Path) -> None:
    with Inside(editor.open(repo)["port"]) as inside:
        inside.do("print")
        assert inside.do("child_input") == "''"
        assert editor.ask("sidecar/status")["state"] == "ready"
    assert editor.leave() == 0
    assert "a stray print" in editor.whole_log()
    assert "a child speaks" in editor.log.decode()
    assert b"a stray" not in editor.raw
    assert b"speaks" not in editor.raw


def test_a_big_message_comes_through_whole(editor: Editor, repo: Path) -> None:
    editor.open(repo)
    thread = editor.told("sidecar/threads/changed", full)["upserts"][0]
    body = "é" * 3_000_000
    assert editor.ask("sidecar/thread/reply", {"id": thread["id"], "body": body})["comments"][1]["body"] == body


def test_a_frame_that_is_far_too_large_ends_the_connection(editor: Editor) -> None:
    editor.send_bytes(b"Content-Length: 99999999999\r\n\r\n")
    assert editor.wait() == 1
    assert "99999999999 bytes" in editor.whole_log()


# ── the wire ────────────────────────────────────────────────────────────────────────────────────────
def test_the_table_of_handlers_stays_flat(editor: Editor, repo: Path) -> None:
    with Inside(editor.open(repo)["port"]) as inside:
        editor.told("sidecar/threads/changed", full)
        before = inside.do("pending")
        uri = (repo / "ü.py").as_uri()
        for version in range(1000):
            editor.notify(
                "textDocument/didChange",
                {"textDocument": {"uri": uri, "version": version}, "contentChanges": [{"text": "x"}]},
            )
            editor.notify("textDocument/didSave", {"textDocument": {"uri": uri}})
            editor.notify("$/setTrace", {"value": "off"})
        editor.ask("sidecar/status")
        assert inside.do("pending") <= before + 1
        assert len(inside.do("looks")) < 1000


REFUSED = [
    ("sidecar/thread/reply", {"id": "t99", "body": "x"}, -32602, "There is no thread 't99' any more."),
    ("sidecar/thread/reply", {"id": "t1", "body": "  "}, -32602, "The reply is empty; write something."),
    ("sidecar/thread/reply", {"id": "t1"}, -32602, "`sidecar/thread/reply`: body: Field required."),
    ("sidecar/thread/reply", [1], -32602, "`sidecar/thread/reply`: params: "),
    ("sidecar/thread/setState", {"id": "t1", "state": "gone"}, -32602, "`sidecar/thread/setState`: state: "),
    ("sidecar/review", {"paths": ["../x"]}, -32602, "The path '../x' is not in this repository"),
    ("sidecar/review", {"paths": ["file:///elsewhere/x"]}, -32602, "The path 'file:///elsewhere/x' is not"),
    ("textDocument/hover", {"textDocument": 3}, -32602, "The parameters of `textDocument/hover` do not"),
    ("no/such", {}, -32601, "Method Not Found: no/such"),
    ("initialize", {"processId": None, "rootUri": None, "capabilities": {}}, -32600, "`initialize` was sent before."),
    ("initialized", {}, -32600, "`initialized` is a notification."),
]


def test_what_is_wrong_is_refused_with_a_sentence(editor: Editor, repo: Path) -> None:
    editor.open(repo)
    editor.told("sidecar/threads/changed", full)
    for method, params, code, sentence in REFUSED:
        error = editor.refusal(method, params)
        assert error["code"] == code, error
        assert error["message"].startswith(sentence), error
        assert "traceback" not in str(error).lower()
    assert editor.leave() == 0
    assert "Traceback" not in editor.whole_log()


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"{not json", -32700),
        (b"\xff\xfe{}", -32700),
        (b"[" * 100_000, -32700),
        (b"[]", -32600),
        (b"17", -32600),
        (b"{}", -32600),
        (b'{"jsonrpc": "1.0", "id": 1, "method": "initialize"}', -32600),
        (b'{"jsonrpc": "2.0", "id": [1], "method": "initialize"}', -32600),
        (b'{"jsonrpc": "2.0", "id": 1, "method": 7}', -32600),
        (b'{"jsonrpc": "2.0", "method": "initialize", "params": 3}', None),
        (b'{"jsonrpc": "2.0", "id": 77, "result": {}}', None),
        (b'{"jsonrpc": "2.0", "id": null, "error": {}}', None),
    ],
)
def test_malformed_frames_do_no_harm(editor: Editor, body: bytes, code: int | None) -> None:
    editor.send_bytes(b"X-Other: 1\r\nContent-Length: %d\r\nContent-Type: x\r\n\r\n%s" % (len(body), body))
    if code is not None:
        assert editor.answer(None)["error"]["code"] == code
    editor.send_bytes(b"garbage\r\nContent-Length: nonsense\r\n\r\n")
    assert editor.refusal("sidecar/status")["code"] == -32002
    editor.process.stdin.close()
    assert editor.wait() == 0


def test_the_life_cycle_is_kept_to_the_letter(editor: Editor, repo: Path) -> None:
    assert editor.refusal("sidecar/status")["message"] == "Send `initialize` first."
    editor.notify("initialized", {})
    editor.open(repo)
    editor.ask("shutdown")
    assert editor.refusal("sidecar/status")["code"] == -32600
    editor.notify("textDocument/didSave", {"textDocument": {"uri": "file:///x"}})
    editor.notify("exit")
    assert editor.wait() == 0


def test_a_cut_frame_is_the_end_of_input(editor: Editor) -> None:
    editor.send_bytes(b"Content-Length: 1000\r\n\r\n{")
    editor.process.stdin.close()
    assert editor.wait() == 0


def test_a_request_can_be_cancelled(editor: Editor, repo: Path) -> None:
    editor.initialize(repo, initializationOptions={"hang": True})
    editor.notify("initialized", {})
    waiting = editor.request("sidecar/review", {})
    editor.notify("$/cancelRequest", {"id": waiting})
    editor.notify("$/cancelRequest", {"id": 4711})
    assert editor.answer(waiting)["error"]["code"] == -32800


# ── our own questions to the editor ─────────────────────────────────────────────────────────────────
def question(message: dict[str, Any]) -> bool:
    return message.get("method") == "editor/question"


def test_answers_arrive_as_they_were_sent(editor: Editor, repo: Path) -> None:
    answer = {"_c": 1, "class": 2, "type_name": "eaten?", "inner": {"jsonrpc": "2.0", "id": 5, "method": "tools/list"}}
    with Inside(editor.open(repo)["port"]) as inside:
        inside._lines.write('{"do": "ask", "deadline": 30}\n')
        inside._lines.flush()
        asked = editor.hear(question)
        assert asked["params"] == {"class": 1, "type_name": "x"}
        editor.send({"jsonrpc": "2.0", "id": asked["id"], "result": answer})
        assert json.loads(json.loads(inside._lines.readline())) == answer
        assert inside.do("pending") == 0


@pytest.mark.parametrize("what", [{"do": "ask", "deadline": 0.05}, {"do": "ask_and_drop"}])
def test_a_late_answer_is_dropped_quietly(editor: Editor, repo: Path, what: dict[str, Any]) -> None:
    with Inside(editor.open(repo)["port"]) as inside:
        assert inside.do(what.pop("do"), **what) in {"TimeoutError", None}
        asked = editor.hear(question)
        assert editor.told("$/cancelRequest")["id"] == asked["id"]
        assert inside.do("pending") == 0
        editor.send({"jsonrpc": "2.0", "id": asked["id"], "result": 1})
        editor.send({"jsonrpc": "2.0", "id": asked["id"], "error": {"code": -32800, "message": "cancelled"}})
        assert editor.ask("sidecar/status")["state"] == "ready"
    assert not any(m.get("method") == "window/showMessage" for m in editor.heard)
    assert editor.leave() == 0
    assert "InvalidState" not in editor.whole_log()


def test_files_are_watched_where_the_editor_can(editor: Editor, repo: Path) -> None:
    watching = {"dynamicRegistration": True, "relativePatternSupport": True}
    editor.initialize(repo, capabilities={"workspace": {"didChangeWatchedFiles": watching}})
    editor.notify("initialized", {})
    asked = editor.hear(lambda m: m.get("method") == "client/registerCapability")
    watchers = asked["params"]["registrations"][0]["registerOptions"]["watchers"]
    assert watchers[0]["globPattern"] == "**/*"
    assert watchers[1]["globPattern"]["baseUri"] == repo.as_uri()
    editor.send({"jsonrpc": "2.0", "id": asked["id"], "error": {"code": -32601, "message": "no"}})
    assert editor.ask("sidecar/status")["version"] == "1.2.3"
    assert editor.leave() == 0


def test_a_window_that_is_not_trusted_reads_only(repo: Path) -> None:
    with Editor() as editor:
        editor.open(repo, restricted=True)
        threads = editor.told("sidecar/threads/changed", lambda p: len(p["upserts"]) > 0)["upserts"]
        assert editor.ask("sidecar/review/outline")["files"]
        assert editor.ask("sidecar/review")["openThreads"] == len(threads)
        for method, params in [
            ("sidecar/thread/reply", {"id": threads[0]["id"], "body": "Why?"}),
            ("sidecar/thread/setState", {"id": threads[0]["id"], "state": "resolved"}),
            ("sidecar/proposal/get", {"id": "1"}),
        ]:
            refused = editor.refusal(method, params)
            assert "Restricted Mode" in refused["message"]
            assert "Trust it" in refused["message"]
        assert editor.ask("sidecar/threads/snapshot")["upserts"] == threads
        assert editor.leave() == 0


def test_another_diff_is_shown_instead(repo: Path) -> None:
    """With fake services there is none, which is said, and what was shown stays."""
    with Editor() as editor:
        status = editor.open(repo)
        assert status["scope"] == {"kind": "working", "ref": "", "title": "Working tree"}
        assert editor.ask("sidecar/review/scopes")["scopes"] == [status["scope"]]
        refused = editor.refusal("sidecar/review", {"scope": {"kind": "staged", "ref": "", "title": ""}})
        assert "Only this one diff" in refused["message"]
        assert editor.ask("sidecar/review", {"scope": status["scope"]})["openThreads"] > 0
        assert editor.leave() == 0

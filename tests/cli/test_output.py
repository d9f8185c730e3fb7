"""Data on standard output, talk on standard error."""

from __future__ import annotations

import io
import json
import re
import threading

import pytest

from sidecar.cli import output
from sidecar.cli.output import Output, ReaderGone, paint, patience, voice, wants_color


class Terminal(io.StringIO):
    def isatty(self):
        return True


class Watched(Terminal):
    """A terminal that tells when something was written to it."""

    def __init__(self):
        super().__init__()
        self.written = threading.Event()

    def write(self, text):
        self.written.set()
        return super().write(text)


def test_what_takes_longer_is_told_at_a_terminal(monkeypatch):
    monkeypatch.setattr(output, "PATIENCE", 0.01)
    monkeypatch.setattr("sys.stderr", terminal := Watched())
    with patience(["risk", "--json"]):
        assert terminal.written.wait(30)
    assert terminal.getvalue() == "sidecar risk is at work; Ctrl-C leaves off.\n"


@pytest.mark.parametrize(("stream", "arguments"), [(io.StringIO, ["risk"]), (Terminal, ["risk", "-q"])])
def test_nobody_who_wants_no_talk_is_told(monkeypatch, stream, arguments):
    monkeypatch.setattr(output, "Timer", None)  # there would be an error if it were started
    monkeypatch.setattr("sys.stderr", terminal := stream())
    with patience(arguments):
        pass
    assert terminal.getvalue() == ""


def test_what_is_quick_is_not_told(monkeypatch):
    monkeypatch.setattr(output, "PATIENCE", 3600)
    monkeypatch.setattr("sys.stderr", terminal := Terminal())
    before = threading.active_count()
    with patience(["risk"]):
        assert threading.active_count() == before + 1
        waiting = [one for one in threading.enumerate() if isinstance(one, threading.Timer)]
    waiting[-1].join(30)
    assert not waiting[-1].is_alive()
    assert terminal.getvalue() == ""


@pytest.mark.parametrize(
    ("out", "talk"),
    [
        (Output(), "said\nsidecar: wrong\n"),
        (Output(quiet=True), "sidecar: wrong\n"),
        (Output(verbose=True), "said\nmore\nsidecar: wrong\n"),
    ],
)
def test_who_says_what_where(capsys, out, talk):
    out.data("data")
    out.record({"a": 1})
    out.say("said")
    out.detail("more")
    out.complain("wrong")
    shown = capsys.readouterr()
    assert shown.out == 'data\n{"a":1}\n'
    assert shown.err == talk


def test_a_letter_that_the_terminal_lacks_is_escaped(monkeypatch):
    raw = io.BytesIO()
    monkeypatch.setattr("sys.stdout", io.TextIOWrapper(raw, encoding="ascii"))
    Output().data("→ grün")
    assert raw.getvalue() == b"\\u2192 gr\\xfcn\n"


def test_no_streams_at_all_is_no_fault(monkeypatch):
    monkeypatch.setattr("sys.stdout", None)
    monkeypatch.setattr("sys.stderr", None)
    Output().data("x")
    Output().complain("x")


class Broken(io.StringIO):
    def write(self, text):
        raise BrokenPipeError


def test_a_reader_that_has_gone(monkeypatch):
    monkeypatch.setattr("sys.stdout", Broken())
    monkeypatch.setattr("sys.stderr", Broken())
    Output().complain("nobody hears it")
    with pytest.raises(ReaderGone):
        Output().data("x")


@pytest.mark.parametrize(
    ("stream", "env", "wanted"),
    [
        (Terminal(), {}, True),
        (Terminal(), {"NO_COLOR": "1"}, False),
        (Terminal(), {"NO_COLOR": ""}, True),
        (Terminal(), {"TERM": "dumb"}, False),
        (io.StringIO(), {}, False),
    ],
)
def test_color(stream, env, wanted):
    assert wants_color(stream, env) is wanted


def test_paint(monkeypatch):
    assert paint("x", "red") == "x"
    monkeypatch.setattr("sys.stdout", Terminal())
    assert paint("x", "red") == "\x1b[31mx\x1b[0m"


def test_a_voice_holds_for_all_that_is_said_inside(capsys):
    with voice(quiet=True, verbose=True):
        Output().say("talk")
        Output().detail("more")
        Output().data("data")
        Output().complain("wrong")
    Output().say("after")
    Output().detail("nothing")
    assert capsys.readouterr() == ("data\n", "more\nsidecar: wrong\nafter\n")


WILD = "a\x1b]0;title\x07b\x1b[2Jc\x9b31md\u202ee\x08f\rg\u2028h\ti\nj"


def test_nothing_that_is_said_moves_a_terminal(capsys):
    out = Output(verbose=True)
    for speak in (out.data, out.say, out.detail, out.complain):
        speak(WILD)
    out.record({"name": WILD})
    told = capsys.readouterr()
    for text in (told.out, told.err):
        assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u202e]", text)
    assert r"a\x1b]0;title\x07b\x1b[2Jc\x9b31md\u202ee\x08f\rg\u2028h" in told.out
    assert json.loads(told.out.splitlines()[-1]) == {"name": WILD}


def test_our_own_colours_stay(capsys, monkeypatch):
    monkeypatch.setattr("sidecar.cli.output.wants_color", lambda stream, env: True)
    Output().data(paint("high", "red") + "\x1b[41mx")
    assert capsys.readouterr().out == "\x1b[31mhigh\x1b[0m\\x1b[41mx\n"


@pytest.mark.parametrize(("machine", "told"), [(True, '{"a":1}\n'), (False, "one\n")])
def test_what_was_asked_for_is_told_to_machines_or_people(capsys, machine, told):
    Output(machine).tell({"a": 1}, "one")
    assert capsys.readouterr() == (told, "")

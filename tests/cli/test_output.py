"""Data on standard output, talk on standard error."""

from __future__ import annotations

import io

import pytest

from sidecar.cli.output import Output, ReaderGone, paint, voice, wants_color


class Terminal(io.StringIO):
    def isatty(self):
        return True


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

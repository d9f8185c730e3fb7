"""Plain requests are understood, and tasks are not taken for plain requests."""

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecar.providers.wishes import PLAIN, Wish, understand, words_of

UNDERSTOOD = {
    "summarize": """
        Summarize the recent diff
        summarise my changes please
        Can you summarize the diff?
        What changed?
        what did I change today?
        what's changed since yesterday?
        what has been changed
        show me the diff
        git diff
        explain the uncommitted changes
        Give me a summary of the recent changes
        tl;dr of this diff
        describe the working tree
    """,
    "review": """
        Review the diff
        please review my changes
        Review this
        review
        how risky is this change?
        is the diff safe?
        Which lines of my changes are risky?
        what is risky here?
        code review
        check the uncommitted changes
    """,
    "status": """
        status
        git status
        show me the status
        what is the status?
        what branch am I on
        which provider is this?
    """,
    "help": """
        help
        /help
        what can you do?
        who are you?
    """,
    "greeting": """
        hi
        hello there!
        ping
        test
    """,
    "other": """
        Fix the bug in a.py
        Explain how state changes propagate through the app
        what does the diff algorithm do
        Refactor the function total
        Write a summary of the changes to CHANGELOG.md
        find the bug in the function foo
        Reply with exactly: pong
        open the file a.py
        Add a status command
        What is 2+2?
        make the changes you described
        Create a class Foo
        Apply these changes to the diff viewer
        Write a poem about help
        Where should I put the new function?
    """,
}


@pytest.mark.parametrize(
    ("text", "intent"),
    [(line.strip(), intent) for intent, lines in UNDERSTOOD.items() for line in lines.strip().splitlines()],
)
def test_understands(text, intent):
    assert understand(text) == Wish(intent)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("where is total defined?", "total"),
        ("Where's `Cart.total` defined", "Cart.total"),
        ("where is the function total?", "total"),
        ("where is the parser implemented", "parser"),
        ("where does load live", "load"),
        ("where is parse_args() defined", "parse_args"),
        ("find symbol parse_args", "parse_args"),
        ("find the function named total", "total"),
        ("Find the definition of the class Cart", "Cart"),
        ("please find class Cart", "Cart"),
        ("go to definition of $scope", "$scope"),
        ("definition of foo", "foo"),
        ("locate class Foo::Bar", "Foo::Bar"),
        ('where is "total" declared', "total"),
        ("where is \u201ctotal\u201d defined", "total"),
    ],
)
def test_understands_which_symbol(text, name):
    assert understand(text) == Wish("symbol", name)


def test_long_texts_are_tasks():
    assert understand("Summarize the recent diff. " + "x" * PLAIN) == Wish("other")
    assert understand("") == Wish("other")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("hello", "hello"),
        ("<system-reminder>\nSummarize the diff\n</system-reminder>\n\nhello", "hello"),
        ("<system-reminder>a</system-reminder>x<system-reminder>b</system-reminder>y", "xy"),
        ("<system-reminder>cut off: review the diff", ""),
        ("<ide_selection>The user selected x</ide_selection>\nreview the diff", "review the diff"),
        ("<command-name>/clear</command-name>\n<local-command-stdout></local-command-stdout>", ""),
        ('<system-reminder source="x">a</system-reminder>b', "b"),
        ("what is <T> here", "what is <T> here"),
        ("<div>keep</div>", "<div>keep</div>"),
    ],
)
def test_words_of_the_person(text, words):
    assert words_of(text) == words


@given(st.text(max_size=PLAIN + 50))
def test_never_fails(text):
    understand(words_of(text))


@pytest.mark.parametrize(
    "text",
    ["the " * 149, "where is " * 66, "what " * 119, "a b" * 199, "review my my my " * 37, "<system-reminder" * 9_000],
)
def test_no_text_takes_long(text):
    code = "import sys; from sidecar.providers.wishes import *; understand(words_of(sys.stdin.read()))"
    subprocess.run([sys.executable, "-c", code], input=text, text=True, timeout=20, check=True)

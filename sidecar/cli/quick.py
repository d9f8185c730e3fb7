"""The short way into `serve` and `lsp`: command lines so plain that they need no parser, whose import costs a fifth of the start.

Plain are options that are spelled out, each with its value. Help, abbreviations and every mistake are the parser's.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

VALUES: Final = {f"--{name}": name for name in ("workspace", "host", "port", "provider", "auth")}
SWITCHES: Final = {
    "--json": "json",
    "--quiet": "quiet",
    "-q": "quiet",
    "--verbose": "verbose",
    "-v": "verbose",
    "--until-eof": "until_eof",
}
COMMANDS: Final = {
    "serve": frozenset({*VALUES.values(), *SWITCHES.values()}),
    "lsp": frozenset({"host", "port", "provider", "auth", "quiet", "verbose"}),
}
"""Command → the parameters that its function takes."""


def plain(arguments: Sequence[str]) -> dict[str, str | bool] | None:
    """The parameters that a command line gives to its command, the first word; None where the parser has to look."""
    if not arguments or arguments[0] not in COMMANDS:
        return None
    known = COMMANDS[arguments[0]]
    given: dict[str, str | bool] = {}
    words = iter(arguments[1:])
    for word in words:
        option, mark, value = word.partition("=")
        if word in SWITCHES and SWITCHES[word] in known:
            given[SWITCHES[word]] = True
        elif option in VALUES and VALUES[option] in known:
            said = value if mark else next(words, "-")
            if said.startswith("-"):
                return None
            given[VALUES[option]] = said
        else:
            return None
    return given

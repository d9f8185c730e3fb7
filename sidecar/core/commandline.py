"""A command line of a shell, taken apart without running it: its commands, and the texts that are commands in turn.

What only a running shell can know (a variable, a substitution, a pattern) is `HIDDEN` in a word.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

HIDDEN: Final = "\0"

_DEEPEST: Final = 40
_PLAIN: Final = re.compile(r"""[^ \t\r\n\\'"`$<>;|&()*?\[{#]+""")
_BRACES: Final = re.compile(r"\{[^\s{},]*(?:,|\.\.)[^\s{}]*\}")
_CLASS: Final = re.compile(r"\[[^\s\]]+\]")
_NAME: Final = re.compile(r"\w+|[@*#?$!-]")
_REDIRECTION: Final = re.compile(r"&>>?|>>|>\||>&|<&|<>|[<>]")
_DESCRIPTOR: Final = re.compile(r"\d+|\{\w+\}")
_DELIMITER: Final = re.compile(r"""<<(-?)[ \t]*((?:'[^']*'|"[^"]*"|\\.|[^\s;&|<>()'"\\])+)""")
_ANSI: Final = re.compile(r"\\(x[0-9A-Fa-f]{1,2}|u[0-9A-Fa-f]{1,4}|U[0-9A-Fa-f]{1,8}|[0-7]{1,3}|.)", re.DOTALL)
_ANSI_END: Final = re.compile(r"((?:[^'\\]|\\.)*)'", re.DOTALL)
_TICKS: Final = re.compile(r"((?:[^`\\]|\\.)*)`", re.DOTALL)
_IN_QUOTES: Final = re.compile(r"""[^"\\$`]+""")
_BRACE: Final = re.compile(r"\\.|[{}]", re.DOTALL)
_INSTEAD: Final = re.compile(r"[\w@*#?]+:?[-=+](.+)", re.DOTALL)
_BEFORE_CASE: Final = frozenset(
    ["if", "then", "else", "elif", "while", "until", "do", "{", "!", "time", "-p", "--", "coproc", "function",
     "}", "fi", "done", "esac"]
)  # fmt: skip
"""Words behind which another word of a shell's own can stand; behind `function` there is a name first."""
_ESCAPES: Final = {"n": "\n", "t": "\t", "r": "\r", "a": "\a", "b": "\b", "e": "\x1b", "f": "\f", "v": "\v"}


@dataclass(slots=True)
class Command:
    """One command: its words without their quotes, what it is fed (here-documents, here-strings), whether a pipe leads to it."""

    words: list[str] = field(default_factory=list)
    fed: list[str] = field(default_factory=list)
    piped: bool = False


@dataclass(slots=True)
class Script:
    """`commands` holds those of substitutions, too; `inner` are texts that a shell may put in a command's place."""

    commands: list[Command] = field(default_factory=list)
    inner: list[str] = field(default_factory=list)
    nested: bool = False
    """Whether there is a substitution in it."""


def read_commands(text: str) -> Script:
    """The commands of a text. Raises ValueError for what is not closed."""
    reader = _Reader(text.replace(HIDDEN, ""), Script(), 0)
    reader.script("")
    return reader.found


class _Line:
    """The command that is being read, and its last word."""

    def __init__(self) -> None:
        self.begin()

    def begin(self) -> None:
        """The next command."""
        self.command = Command()
        self.word: list[str] | None = None
        self.wanted = ""  # what the next word is: a file to skip, or what the command is fed
        self.bare: list[
            str
        ] = []  # the words as they can be a shell's own: empty where something is quoted or redirected
        self._bare = True

    def add(self, text: str, *, bare: bool = False) -> None:
        if self.word is None:
            self.word, self._bare = [], True
        self.word.append(text)
        self._bare = self._bare and bare

    def end_word(self) -> None:
        if self.word is None:
            return
        word = "".join(self.word)
        self.bare.append(word if self._bare and not self.wanted else "")
        if self.wanted == "fed":
            self.command.fed.append(word)
        elif not self.wanted:
            self.command.words.append(word)
        self.word, self.wanted = None, ""


class _Blocks:
    """The parentheses and `case`s that are open in a script: a parenthesis behind a pattern ends nothing.

    What a shell would refuse is taken as it comes; whoever asks looks at such a text in another way as well.
    """

    def __init__(self) -> None:
        self._open: list[str] = []  # of "(", and of each case: "patterns", "a pattern in parentheses", "commands"

    def end_command(self, bare: Sequence[str]) -> None:
        """What the words of a command open and close."""
        words = list(bare)
        if self._open[-1:] == ["a pattern in parentheses"]:
            return
        if self._open[-1:] == ["patterns"]:
            if words[:1] == ["esac"] or words[:2] == ["in", "esac"]:
                self._open.pop()
            return
        while words and words[0] in _BEFORE_CASE:
            if words[0] == "esac" and self._open[-1:] == ["commands"]:
                self._open.pop()
            del words[: 2 if words[0] == "function" else 1]
        if words[:1] == ["case"] and words[2:4] != ["in", "esac"]:
            self._open.append("patterns")

    def end_clause(self) -> None:
        """At `;;`, `;&` or `;;&`: patterns are next."""
        if self._open and self._open[-1] == "commands":
            self._open[-1] = "patterns"

    def open(self, *, first: bool) -> None:
        """At an opening parenthesis, which stands `first` where a pattern could."""
        if first and self._open and self._open[-1] == "patterns":
            self._open[-1] = "a pattern in parentheses"
        else:
            self._open.append("(")

    def close(self) -> bool:
        """At a closing parenthesis: whether it closes something in this script."""
        while self._open and self._open[-1] == "commands":
            self._open.pop()
        if not self._open:
            return False
        if self._open[-1] == "(":
            self._open.pop()
        else:
            self._open[-1] = "commands"
        return True


class _Reader:
    def __init__(self, text: str, found: Script, depth: int) -> None:
        self.text = text
        self.found = found
        self.at = 0
        self._depth = depth
        self._awaited: list[tuple[str, bool, Command]] = []  # here-documents: their end, whether tabs go, whose

    def script(self, closer: str) -> None:
        """Read commands up to a closing parenthesis (or the end)."""
        if self._depth > _DEEPEST:
            raise ValueError("nested too deeply")
        line, blocks = _Line(), _Blocks()
        while self.at < len(self.text):
            char = self.text[self.at]
            if char in "()":
                first = line.word is None and line.bare[-1:] in ([], ["in"])
                self._end(line, blocks)
                self.at += 1
                if char == "(":
                    blocks.open(first=first)
                elif not blocks.close() and closer:
                    return
            elif char in ";|&\n" and not self.text.startswith("&>", self.at):
                self._end(line, blocks)
                if self.text.startswith((";;", ";&"), self.at):
                    blocks.end_clause()
                self._separator(line, char)
            else:
                self._piece(line, char)
        if closer:
            raise ValueError("not closed")
        self._end(line, blocks)

    def _end(self, line: _Line, blocks: _Blocks) -> None:
        line.end_word()
        blocks.end_command(line.bare)
        if line.command.words or line.command.fed:
            self.found.commands.append(line.command)
        line.begin()

    def _separator(self, line: _Line, char: str) -> None:
        self.at += 1
        if char == "|":
            line.command.piped = not self.text.startswith("|", self.at)
            self.at += self.text[self.at : self.at + 1] in {"|", "&"}
        elif char == "\n":
            for end, tabs, command in self._awaited:
                command.fed.append(self._document(end, tabs=tabs))
            self._awaited.clear()

    def _document(self, end: str, *, tabs: bool) -> str:
        lines: list[str] = []
        while self.at < len(self.text):
            line = self._rest_of_line()
            self.at += len(line) + 1
            if (line.lstrip("\t") if tabs else line) == end:
                break
            lines.append(line)
        return "\n".join(lines)

    def _rest_of_line(self) -> str:
        stop = self.text.find("\n", self.at)
        return self.text[self.at : stop if stop >= 0 else len(self.text)]

    def _piece(self, line: _Line, char: str) -> None:
        """What stands here of a word, or between words."""
        if char in " \t\r":
            line.end_word()
            self.at += 1
        elif char == "#" and line.word is None:
            self.at += len(self._rest_of_line())
        elif char in "<>&":
            self._redirect(line)
        elif char == "$":
            self._dollar(line, quoted=False)
        elif char == "`":
            self._ticks(line)
        elif char == '"':
            self._quoted(line)
        elif char == "'":
            stop = self.text.index("'", self.at + 1)
            line.add(self.text[self.at + 1 : stop])
            self.at = stop + 1
        elif char == "\\":
            following = self.text[self.at + 1 : self.at + 2]
            if following != "\n":
                line.add(following)
            self.at += 2
        else:
            self._plain(line, char)

    def _plain(self, line: _Line, char: str) -> None:
        pattern = {"{": _BRACES, "[": _CLASS}.get(char)
        unknown = pattern.match(self.text, self.at) if pattern is not None else None
        if char in "*?" or unknown:
            line.add(HIDDEN)
            self.at = unknown.end() if unknown else self.at + 1
            return
        same = _PLAIN.match(self.text, self.at)
        line.add(same[0] if same else char, bare=True)
        self.at = same.end() if same else self.at + 1

    def _redirect(self, line: _Line) -> None:
        if self.text.startswith(("<(", ">("), self.at):
            self.at += 2
            self._nested()
            line.add(HIDDEN)
            return
        if line.word is not None and _DESCRIPTOR.fullmatch("".join(line.word)):
            line.word = None
        line.end_word()
        if self.text.startswith("<<<", self.at):
            self.at += 3
            line.wanted = "fed"
        elif document := _DELIMITER.match(self.text, self.at):
            self.at = document.end()
            self._awaited.append((re.sub(r"['\"\\]", "", document[2]), bool(document[1]), line.command))
        elif operator := _REDIRECTION.match(self.text, self.at):
            self.at = operator.end()
            line.wanted = "file"

    def _nested(self) -> list[Command]:
        """Read up to the parenthesis that closes a substitution; what commands it holds."""
        before = len(self.found.commands)
        self.found.nested = True
        self._depth += 1
        self.script(")")
        self._depth -= 1
        return self.found.commands[before:]

    def _dollar(self, line: _Line, *, quoted: bool) -> None:
        following = self.text[self.at + 1 : self.at + 2]
        if following == "(":
            self.at += 2
            line.add(_said(self._nested()))
        elif following == "{":
            self._braced(line, quoted=quoted)
        elif following == "'" and not quoted:
            self._ansi(line)
        elif following == '"' and not quoted:
            self.at += 1
        elif name := _NAME.match(self.text, self.at + 1):
            self.at = name.end()
            self._value(line, name, quoted=quoted)
        else:
            line.add("$")
            self.at += 1

    def _value(self, line: _Line, name: re.Match[str] | None, *, quoted: bool) -> None:
        if name is not None and name[0] == "IFS" and not quoted:
            line.end_word()
        else:
            line.add(HIDDEN)

    def _braced(self, line: _Line, *, quoted: bool) -> None:
        self.at += 2
        start, left = self.at, 1
        while left:
            step = _BRACE.search(self.text, self.at)
            if step is None:
                raise ValueError("not closed")
            left += {"{": 1, "}": -1}.get(step[0], 0)
            self.at = step.end()
        told = _INSTEAD.match(self.text[start : self.at - 1])
        if told is not None:
            self.found.inner.append(told[1])  # `${x:-git push}`
        self._value(line, _NAME.match(self.text, start), quoted=quoted)

    def _ansi(self, line: _Line) -> None:
        stop = _ANSI_END.match(self.text, self.at + 2)
        if stop is None:
            raise ValueError("not closed")
        line.add(_ANSI.sub(_escape, stop[1]))
        self.at = stop.end()

    def _ticks(self, line: _Line) -> None:
        stop = _TICKS.match(self.text, self.at + 1)
        if stop is None:
            raise ValueError("not closed")
        inner = _Reader(re.sub(r"\\([`$\\])", r"\1", stop[1]), self.found, self._depth + 1)
        inner.script("")
        self.found.nested = True
        line.add(HIDDEN)
        self.at = stop.end()

    def _quoted(self, line: _Line) -> None:
        line.add("")
        self.at += 1
        while True:
            plain = _IN_QUOTES.match(self.text, self.at)
            if plain is not None:
                line.add(plain[0])
                self.at = plain.end()
            char = self.text[self.at : self.at + 1]
            if char == '"':
                self.at += 1
                return
            if char == "\\":
                following = self.text[self.at + 1 : self.at + 2]
                line.add({"\n": ""}.get(following, following if following in '$`"\\' else char + following))
                self.at += 2
            elif char == "$":
                self._dollar(line, quoted=True)
            elif char == "`":
                self._ticks(line)
            else:
                raise ValueError("not closed")


def _said(commands: Sequence[Command]) -> str:
    """What a substitution brings, where that is plain: `$(cat <<'END' …)`, the usual way to write a long message."""
    if len(commands) == 1 and commands[0].words == ["cat"] and len(commands[0].fed) == 1:
        text = commands[0].fed[0]
        return text.rstrip("\n") if not re.search(r"[$`]", text) else HIDDEN
    return HIDDEN


def _escape(found: re.Match[str]) -> str:
    told = found[1]
    if told[0] in "xuU" and len(told) > 1:
        code = int(told[1:], 16)
    elif told[0] in "01234567":
        code = int(told, 8)
    else:
        return _ESCAPES.get(told, told)
    return chr(code) if 0 < code < 0x110000 and not 0xD800 <= code < 0xE000 else HIDDEN

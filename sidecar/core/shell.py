"""What a command line would make git do, as far as it can be read without running it.

It errs on the safe side: what looks like a guarded act of git counts as one, in any wrapper. A script's inside cannot
be seen; for that there is git's own `pre-push` hook.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

from sidecar.core.policy import GitAct

_SEPARATORS: Final = frozenset("();<>|&\n")
_TALK: Final = frozenset({"echo", "printf", "grep", "rg", "man", "which", "type", "cat", "ls", "#"})
"""Commands that only speak of others."""
_SHELLS: Final = re.compile(r"(?:ba|z|da|k|fi|a|c|tc)?sh(?:\.exe)?|pwsh|powershell(?:\.exe)?")
_WITH_VALUE: Final = frozenset({"-C", "-c", "--git-dir", "--work-tree", "--namespace", "--config-env", "--attr-source"})
_INNER: Final = re.compile(r"\$\((.*)\)|`([^`]*)`", re.DOTALL)
_LOOSE: Final = re.compile(
    r"\bgit\b[^\n;|&]{0,300}?\b(push|send-pack|commit|pull|reset|rebase|merge|cherry-pick|revert)\b"
)
_SETTING: Final = re.compile(
    r"(?i)(core\.(hookspath|sshcommand|fsmonitor)|alias\..+|url\..+|remote\..+\.(push)?url)(=.*)?"
)
_SETTING_LONG: Final = re.compile(r"(?i)-c[ =]?(core\.hookspath|alias\.)")
_DEEPEST: Final = 5
_LONGEST: Final = 32_768
_MOST_WORDS: Final = 200
"""Words behind a `git` that are looked at."""

_OTHER_NAMES: Final = {
    "send-pack": "push", "http-push": "push", "dcommit": "push", "switch": "checkout", "filter-branch": "rewrite",
    "revert": "cherry-pick", "filter-repo": "rewrite", "update-ref": "rewrite", "replace": "rewrite",
}  # fmt: skip


def git_acts(command: str, aliases: Mapping[str, str] | None = None) -> tuple[GitAct, ...]:
    """The guarded acts that a command line holds; `aliases` are git's own (`p` → `push`)."""
    return tuple(dict.fromkeys(_acts(command, aliases or {}, 0)))


def is_single(command: str) -> bool:
    """Whether a command line holds one command and nothing around it."""
    if len(command) > _LONGEST:
        return False
    try:
        return sum(bool(words) for words in _simple_commands(command)) == 1 and not _INNER.search(command)
    except ValueError:
        return False


def _acts(command: str, aliases: Mapping[str, str], depth: int) -> Iterator[GitAct]:
    if depth > _DEEPEST or len(command) > _LONGEST:
        yield from _guessed(command)
        return
    try:
        commands = list(_simple_commands(command))
    except ValueError:  # an open quote: a here-document, or a form that only a shell understands
        yield from _guessed(command)
        return
    for inner in _INNER.finditer(command):
        yield from _acts(inner[1] or inner[2] or "", aliases, depth + 1)
    for words in commands:
        yield from _one(words, aliases, depth)


def _simple_commands(command: str) -> Iterator[list[str]]:
    """The words of each command between separators. Raises ValueError for an open quote."""
    lexer = shlex.shlex(command.replace("\\\n", " "), posix=True, punctuation_chars="();<>|&\n")
    lexer.whitespace = " \t\r"
    lexer.whitespace_split = True
    lexer.commenters = ""
    words: list[str] = []
    for token in lexer:
        if token and set(token) <= _SEPARATORS:
            yield words
            words = []
        else:
            words.append(token)
    yield words


def _one(words: Sequence[str], aliases: Mapping[str, str], depth: int) -> Iterator[GitAct]:
    names = [re.split(r"[/\\]", word)[-1] for word in words]
    first = next((name for word, name in zip(words, names, strict=True) if not re.match(r"\w+=", word)), "")
    if first in _TALK:
        return
    if first == "eval":
        yield from _acts(" ".join(words[names.index("eval") + 1 :]), aliases, depth + 1)
    for at, name in enumerate(names):
        rest = words[at + 1 : at + 1 + _MOST_WORDS]
        if name in {"git", "git.exe"} or (at == 0 and name.startswith("$") and rest):
            yield from _git(rest, aliases, depth)
        elif name.startswith("git-") and len(name) > 4:
            yield from _git([name[4:].removesuffix(".exe"), *rest], aliases, depth)
        elif _SHELLS.fullmatch(name):
            yield from _script(rest, aliases, depth)
        elif name in {"-c", "-e", "--eval"} and rest and at > 0 and not _SHELLS.fullmatch(names[at - 1]):
            yield from _guessed(rest[0])


def _script(rest: Sequence[str], aliases: Mapping[str, str], depth: int) -> Iterator[GitAct]:
    """What a shell is given on its command line (`sh -c '…'`, `bash -lc '…'`)."""
    for at, word in enumerate(rest[:-1]):
        if re.fullmatch(r"-\w*c|-Command", word):
            yield from _acts(rest[at + 1], aliases, depth + 1)


def _git(words: Sequence[str], aliases: Mapping[str, str], depth: int) -> Iterator[GitAct]:
    at = 0
    while at < len(words) and words[at].startswith("-"):
        value = words[at + 1] if words[at] in _WITH_VALUE and at + 1 < len(words) else words[at]
        if words[at].startswith(("-c", "--config-env")) and _SETTING.fullmatch(value.removeprefix("-c")):
            yield GitAct("settings")
        at += 2 if words[at] in _WITH_VALUE else 1
    if at >= len(words):
        return
    verb, rest = words[at], list(words[at + 1 :])
    if verb in aliases and depth < _DEEPEST:
        told = aliases[verb]
        line = told[1:] if told.startswith("!") else f"git {told}"
        yield from _acts(f"{line} {shlex.join(rest)}", aliases, depth + 1)
        return
    if verb in {"subtree", "svn"} and rest[:1] and rest[0] in {"push", "pull", "dcommit", "add", "merge", "rebase"}:
        verb, rest = rest[0].replace("add", "merge"), []
    act = _READERS.get(_OTHER_NAMES.get(verb, verb))
    found = act(rest) if act is not None else None
    if found is not None:
        yield found


def _has(rest: Sequence[str], short: str, *long: str) -> bool:
    """Whether an option is among the words: in a cluster of short ones, or a long one that may be shortened."""
    for word in rest:
        if word == "--":
            return False
        if re.fullmatch(r"-[A-Za-z]+", word) and short and set(short) & set(word[1:]):
            return True
        name = word.partition("=")[0]
        if len(name) > 4 and any(one.startswith(name) or name == one for one in long):
            return True
    return False


def _plain(rest: Sequence[str]) -> list[str]:
    return [word for word in rest if not word.startswith("-")]


def _push(rest: Sequence[str]) -> GitAct:
    specs = _plain(rest)[1:]
    gone = _has(rest, "d", "--delete", "--prune", "--mirror") or any(spec.startswith(":") for spec in specs)
    force = gone or _has(rest, "f", "--force", "--force-with-lease", "--force-if-includes")
    force = force or any(spec.startswith("+") for spec in specs)
    targets = tuple(spec.lstrip("+").rpartition(":")[2] for spec in specs)
    return GitAct("push", force=force, targets=tuple(t for t in targets if t and t != "HEAD"))


def _commit(rest: Sequence[str]) -> GitAct:
    message: list[str] = []
    whole = True
    words = iter(rest)
    for word in words:
        value = re.fullmatch(r"(?:--message|--mess?a?g?)=(.*)", word, re.DOTALL)
        cluster = re.fullmatch(r"-([A-Za-z]*)m(.*)", word, re.DOTALL)
        if value:
            message.append(value[1])
        elif word == "--message":
            message.append(next(words, ""))
        elif cluster and not word.startswith("--"):
            message.append(cluster[2] or next(words, ""))
            whole = whole and not set(cluster[1]) & set("aiop")
        elif word in {"-F", "-C", "-c", "-t", "--file", "--author", "--date", "--trailer", "--cleanup"}:
            next(words, "")
        else:
            whole = whole and not (re.match(r"-[a-zA-Z]*[aiop]|--(al|am|in|on|pat|inter)", word) or word[:1] != "-")
    return GitAct("commit", message="\n\n".join(message) if message else None, whole=whole)


def _reset(rest: Sequence[str]) -> GitAct | None:
    return GitAct("rewrite", force=True) if _has(rest, "", "--hard", "--merge", "--keep") else None


def _checkout(rest: Sequence[str]) -> GitAct | None:
    if _has(rest, "BC", "--force-create"):
        return GitAct("rewrite", force=True, targets=tuple(_plain(rest)[:1]))
    return GitAct("discard", force=True) if _has(rest, "f", "--force", "--discard-changes") else None


def _branch(rest: Sequence[str]) -> GitAct | None:
    if _has(rest, "dD", "--delete"):
        return GitAct("delete", force=_has(rest, "D", "--force"), targets=tuple(_plain(rest)))
    if _has(rest, "fMC", "--force"):
        return GitAct("rewrite", force=True, targets=tuple(_plain(rest)[-2:]))
    return None


def _config(rest: Sequence[str]) -> GitAct | None:
    keys = [word for word in rest if _SETTING.fullmatch(word)]
    reads = _has(rest, "l", "--get", "--get-all", "--get-regexp", "--list") or "get" in rest[:1]
    return GitAct("settings") if keys and not reads and len(_plain(rest)) > 1 else None


def _merge(rest: Sequence[str]) -> GitAct | None:
    if _has(rest, "", "--no-commit", "--squash", *_GIVEN_UP):
        return None
    return GitAct("merge", untested=not _has(rest, "", "--ff-only"))


_GIVEN_UP: Final = ("--abort", "--quit")

_READERS: Final[Mapping[str, Callable[[Sequence[str]], GitAct | None]]] = {
    "push": _push,
    "pull": lambda rest: GitAct("pull", force=_has(rest, "f", "--force"), untested=not _has(rest, "", "--ff-only")),
    "commit": _commit,
    "merge": _merge,
    "cherry-pick": lambda rest: None if _has(rest, "n", "--no-commit", *_GIVEN_UP) else GitAct("merge", untested=True),
    "am": lambda rest: None if _has(rest, "", "--show-current-patch", *_GIVEN_UP) else GitAct("merge", untested=True),
    "reset": _reset,
    "checkout": _checkout,
    "branch": _branch,
    "config": _config,
    "rebase": lambda rest: None if _has(rest, "", *_GIVEN_UP) else GitAct("rewrite", untested=True),
    "rewrite": lambda _: GitAct("rewrite", force=True),
    "clean": lambda rest: GitAct("discard", force=True) if _has(rest, "f", "--force") else None,
}


def _guessed(text: str) -> Iterator[GitAct]:
    """Acts in a text that cannot be taken apart, by their words alone."""
    if _SETTING_LONG.search(text):
        yield GitAct("settings")
    for found in _LOOSE.finditer(text):
        match found[1]:
            case "push" | "send-pack":
                yield GitAct("push", force=bool(re.search(r"\s(--force|-f|\+)", text)))
            case "commit":
                yield GitAct("commit", whole=False)
            case "pull":
                yield GitAct("pull", untested="--ff-only" not in text)
            case "merge" | "cherry-pick" | "revert":
                yield GitAct("merge", untested=True)
            case "reset" if "--hard" in text:
                yield GitAct("rewrite", force=True)
            case "rebase":
                yield GitAct("rewrite", untested=True)

"""What a command line would make git do, as far as it can be read without running it.

It errs on the safe side: what looks like a guarded act of git counts as one, in any wrapper. A script's inside cannot
be seen; for that there is git's own `pre-push` hook.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from sidecar.core.commandline import HIDDEN, Command, read_commands
from sidecar.core.gitverbs import DECIDING, SETTING, act_of
from sidecar.core.policy import GitAct

_TALK: Final = frozenset({"echo", "printf", "grep", "rg", "man", "which", "type", "cat", "ls", "#"})
"""Commands that only speak of others."""
_SHELL: Final = re.compile(r"(?:ba|z|da|rba|mk|k|fi|a|c|tc)?sh\d*(?:\.exe)?|pwsh|powershell(?:\.exe)?|cmd(?:\.exe)?")
_CODE: Final = re.compile(r"(?:python|perl|ruby|node|php|lua|[gmn]?awk|deno|bun|tclsh|osascript)[\d.]*(?:\.exe)?")
_RUNNERS: Final = frozenset(
    {"env", "sudo", "doas", "su", "runuser", "xargs", "parallel", "watch", "ssh", "trap", "timeout", "nice", "ionice", "nohup",
     "script", "flock", "setsid", "stdbuf", "time", "exec", "command", "builtin", "coproc", "eval", "source", ".", "strace",
     "unshare", "nsenter", "chroot", "tmux", "screen", "at", "batch", "crontab", "entr", "busybox", "docker", "podman", "kubectl",
     "wsl", "start", "find", "fd", "make", "npx", "systemd-run", "alias", "tar", "gdb", "vim", "vi", "hyperfine", "concurrently",
     "nix-shell", "nix", "guix", "devbox", "distrobox", "toolbox", "flatpak-spawn", "pkexec", "firejail"}
)  # fmt: skip
"""Commands that run what their words say."""
_RESERVED: Final = frozenset(["if", "then", "else", "elif", "while", "until", "do", "{", "!", "time"])
_FEEDERS: Final = frozenset({"xargs", "parallel", "at", "batch", "crontab", "source", ".", "eval"})
_WITH_VALUE: Final = frozenset(
    {"-C", "-c", "--git-dir", "--work-tree", "--namespace", "--config-env", "--attr-source", "--super-prefix",
     "--shallow-file"}
)  # fmt: skip
_RUNS_WORDS: Final = frozenset(
    {"submodule", "rebase", "bisect", "difftool", "mergetool", "grep", "filter-branch", "for-each-repo", "config", "archive",
     "send-email", "hook"}
)  # fmt: skip
"""Verbs of git that run commands they are given."""
_VERB: Final = re.compile(r"[A-Za-z0-9][\w.-]*")
_LOOSE: Final = re.compile(
    r"\bgit\b[^\n;|&]{0,300}?\b(push|send-pack|commit|pull|reset|rebase|merge|cherry-pick|revert|branch|clean|update-ref"
    r"|filter-branch|filter-repo|stash|checkout|switch)\b"
)
_SETTING_LONG: Final = re.compile(r"(?i)(-c|config)[ =]?[^\n]{0,40}?(core\.hookspath|alias\.)")
_BY_VARIABLE: Final = re.compile(r"(?i)GIT_CONFIG_KEY_\d+=(.*)|(GIT_CONFIG_PARAMETERS)=.*", re.DOTALL)
_OWN_RULES: Final = re.compile(r"(POLICY_GIT_\w+|SIDECAR_CONFIG\w*)=.*", re.DOTALL)
_ASSIGNED: Final = re.compile(r"\w+\+?=(.*)", re.DOTALL)
_DEEPEST: Final = 5
_LONGEST: Final = 32_768
_MOST_WORDS: Final = 200
"""Words behind a `git` that are looked at."""


def git_acts(command: str, aliases: Mapping[str, str] | None = None) -> tuple[GitAct, ...]:
    """The guarded acts that a command line holds; `aliases` are git's own (`p` → `push`)."""
    return tuple(dict.fromkeys(_acts(command, aliases or {}, 0)))


def is_single(command: str) -> bool:
    """Whether a command line holds one command and nothing around it."""
    if len(command) > _LONGEST:
        return False
    try:
        script = read_commands(command)
    except ValueError:
        return False
    return len(script.commands) == 1 and not script.nested and not script.inner and not script.commands[0].fed


def _acts(text: str, aliases: Mapping[str, str], depth: int) -> Iterator[GitAct]:
    if depth > _DEEPEST or len(text) > _LONGEST:
        yield from _guessed(text)
        return
    try:
        script = read_commands(text)
    except ValueError:  # an open quote, or a form that only a shell understands
        yield from _guessed(text)
        return
    for command in script.commands:
        yield from _one(command, aliases, depth)
    for inner in (*script.inner, *(fed for command in script.commands for fed in command.fed)):
        yield from _acts(inner, aliases, depth + 1)
    if any(_blind(command) for command in script.commands) or (script.nested and re.search(r"\bcase\b", text)):
        yield from _guessed(text)


def _names(words: Sequence[str]) -> list[str]:
    return [re.split(r"[/\\]", word)[-1] for word in words]


def _blind(command: Command) -> bool:
    """Whether a command runs what cannot be seen in its words: what it is fed, or what a variable holds."""
    names = [name for word, name in zip(command.words, _names(command.words), strict=True) if not _ASSIGNED.match(word)]
    if names and not names[0].strip(HIDDEN):
        return True
    if command.words and not command.piped and not command.fed and not any(HIDDEN in word for word in command.words):
        return False
    return any(name in _FEEDERS or _SHELL.fullmatch(name) or _CODE.fullmatch(name) for name in names)


def _one(command: Command, aliases: Mapping[str, str], depth: int) -> Iterator[GitAct]:
    words, names = command.words, _names(command.words)
    first_at = next((at for at, word in enumerate(words) if not _ASSIGNED.match(word)), len(words))
    yield from _prefixed(words, aliases, depth, assigned=first_at)
    first = names[first_at] if first_at < len(names) else ""
    if first in _TALK:
        return
    yield from _told(words[first_at:], names[first_at:], aliases, depth)
    feeder = runner = False
    for at, name in enumerate(names):
        rest = _until_end(words[at + 1 : at + 1 + _MOST_WORDS])
        if name.lower() in {"git", "git.exe", "hub"} or (at == first_at and rest and _may_be_git(name)):
            yield from _git([*rest, *([HIDDEN] * feeder)], aliases, depth, sure=runner or at == first_at)
        elif name.startswith("git-") and len(name) > 4:
            yield from _git([name[4:].removesuffix(".exe"), *rest], aliases, depth)
        feeder = feeder or name in _FEEDERS
        runner = (runner or name in _RUNNERS or name in _RESERVED) and name not in _TALK


def _until_end(rest: list[str]) -> list[str]:
    """What is left before the end of what `find -exec` runs."""
    return rest[: rest.index(";")] if ";" in rest else rest


def _prefixed(words: Sequence[str], aliases: Mapping[str, str], depth: int, *, assigned: int) -> Iterator[GitAct]:
    """What variables before a command make git run (`GIT_EDITOR='git push'`), and settings that are given by them."""
    for at, word in enumerate(words):
        by_variable = _BY_VARIABLE.fullmatch(word)
        if by_variable is not None and (by_variable[2] or SETTING.fullmatch(by_variable[1])):
            yield GitAct("settings")
        if _OWN_RULES.fullmatch(word):
            yield GitAct("rules")
        value = _ASSIGNED.match(word)
        if value is not None and at < assigned < len(words) and re.search(r"\s", value[1]):
            yield from _acts(value[1], aliases, depth + 1)


def _told(words: Sequence[str], names: Sequence[str], aliases: Mapping[str, str], depth: int) -> Iterator[GitAct]:
    """What a command is told to run: `sh -c '…'`, `watch '…'`, `python -c '…'`; and Sidecar's own rules, taken away."""
    if not names:
        return
    if names[0] == "alias" and any(word.endswith("=git") for word in words):
        yield GitAct("hidden")
    if names[0] == "eval":
        yield from _acts(" ".join(words[1:]), aliases, depth + 1)
    if "sidecar" in names and {"hooks", "remove"} <= set(words):
        yield GitAct("rules")
    if any(name in _RUNNERS or name in _RESERVED or _SHELL.fullmatch(name) for name in names):
        for word in words[1:]:
            yield from _as_text(word, aliases, depth)
    if any(_CODE.fullmatch(name) for name in names):
        yield from (act for word in words[1:] if re.search(r"\s|[(`]", word) for act in _guessed(word))
    for at, name in enumerate(names[1:-1], 1):
        if (
            name in {"-c", "-e", "--eval"}
            and not _SHELL.fullmatch(names[at - 1])
            and names[0] not in {"git", "git.exe"}
        ):
            yield from _guessed(words[at + 1])


def _as_text(word: str, aliases: Mapping[str, str], depth: int) -> Iterator[GitAct]:
    """A word that is a command line itself, or holds one (`--extcmd=git push`, `-Ogit push`)."""
    if not re.search(r"\s", word.strip()):
        return
    yield from _acts(word, aliases, depth + 1)
    behind = re.match(r"\S*=!?(.*)|-\w(.*)|[+:!]+(.*)", word, re.DOTALL)
    if behind is not None:
        yield from _acts(next(filter(None, behind.groups()), ""), aliases, depth + 1)


def _may_be_git(name: str) -> bool:
    """Whether a command's name that holds something unknown may turn out to be git's."""
    if HIDDEN not in name:
        return False
    pattern = ".*".join(re.escape(part) for part in name.split(HIDDEN))
    return re.fullmatch(pattern, "git") is not None


def _git(words: Sequence[str], aliases: Mapping[str, str], depth: int, *, sure: bool = False) -> Iterator[GitAct]:
    at = 0
    while at < len(words) and words[at].startswith("-"):
        value = words[at + 1] if words[at] in _WITH_VALUE and at + 1 < len(words) else words[at]
        if words[at].startswith(("-c", "--config-env")):
            setting = value.removeprefix("--config-env=").removeprefix("-c")
            if DECIDING.fullmatch(setting):
                yield GitAct("settings")
            yield from _as_text(setting, aliases, depth)
        at += 2 if words[at] in _WITH_VALUE else 1
    if at >= len(words):
        return
    if not _VERB.fullmatch(words[at]):
        yield from [GitAct("hidden")] * sure
        return
    yield from _verb(words[at], list(words[at + 1 :]), aliases, depth)


def _verb(verb: str, rest: list[str], aliases: Mapping[str, str], depth: int) -> Iterator[GitAct]:
    if verb in aliases and depth < _DEEPEST:
        told = aliases[verb]
        line = told[1:] if told.startswith("!") else f"git {told}"
        yield from _acts(f"{line} {shlex.join(word.replace(HIDDEN, '$x') for word in rest)}", aliases, depth + 1)
        return
    if verb in _RUNS_WORDS:
        for word in rest:
            yield from _as_text(word, aliases, depth)
    found = act_of(verb, rest)
    if found is not None:
        yield found


def _guessed(text: str) -> Iterator[GitAct]:
    """Acts in a text that cannot be taken apart, by their words alone."""
    text = re.sub(r"\\\n|[\\'\"]", "", text)
    if _SETTING_LONG.search(text):
        yield GitAct("settings")
    for found in _LOOSE.finditer(text):
        match found[1]:
            case "update-ref" | "filter-branch" | "filter-repo":
                yield GitAct("rewrite", force=True)
            case "branch" if re.match(r"[^\n;|&]*\s-(-delete|-force|[a-zA-Z]*[dDfMC])", text[found.end() :]):
                yield GitAct("delete", force=True)
            case "clean" if re.match(r"[^\n;|&]*\s-(-force|[a-zA-Z]*f)", text[found.end() :]):
                yield GitAct("discard", force=True)
            case "stash" if re.match(r"[^\n;|&\w]*(drop|clear)", text[found.end() :]):
                yield GitAct("discard", force=True)
            case "push" | "send-pack":
                behind = re.match(
                    r"[^\n;|&]*\s(--(force|mirror|delete|prune)|-[a-zA-Z]*[fd]|[+:])", text[found.end() :]
                )
                yield GitAct("push", force=bool(behind or re.search(r"\s(--force|-f|\+)", text)))
            case "checkout" | "switch" if re.match(
                r"[^\n;|&]*\s(--(force|discard)|-[a-zA-Z]*[fBC])", text[found.end() :]
            ):
                yield GitAct("discard", force=True)
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

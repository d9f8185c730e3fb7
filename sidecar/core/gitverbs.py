"""What a verb of git with its words would do, as acts that the rules know. Pure: nothing is asked of a repository."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from sidecar.core.commandline import HIDDEN
from sidecar.core.policy import GitAct

SETTING: Final = re.compile(
    r"(?i)(core\.(hookspath|sshcommand|fsmonitor|gitproxy|askpass)|alias\..+|url\..+|include(if\..+)?\.path"
    r"|remote\..+\.((push)?url|push|receivepack|uploadpack|vcs)|filter\..+|diff\.external|diff\..+\.(command|textconv)"
    r"|merge\..+\.driver|credential\.(.+\.)?helper|gpg\.(.+\.)?program)(=.*)?",
    re.DOTALL,
)
DECIDING: Final = re.compile(
    r"(?i)(core\.(hookspath|sshcommand|fsmonitor)|alias\..+|url\..+|remote\..+\.(push)?(url)?)(=.*)?", re.DOTALL
)
"""Settings that are not even given for one command (`-c`)."""

_OTHER_NAMES: Final = {
    "send-pack": "push", "http-push": "push", "dcommit": "push", "switch": "checkout", "filter-branch": "rewrite",
    "revert": "cherry-pick", "filter-repo": "rewrite", "update-ref": "rewrite", "replace": "rewrite",
}  # fmt: skip
_WITHIN: Final = {
    "subtree": {"push", "pull", "add", "merge"}, "svn": {"dcommit", "rebase"}, "lfs": {"push"}, "p4": {"submit"},
}  # fmt: skip


def act_of(verb: str, rest: Sequence[str]) -> GitAct | None:
    """What `git verb rest…` does that is guarded; None where it is none of our business."""
    if rest[:1] and rest[0] in _WITHIN.get(verb, ()):
        verb, rest = {"add": "merge", "submit": "push"}.get(rest[0], rest[0]), []
    act = _READERS.get(_OTHER_NAMES.get(verb, verb))
    return act(rest) if act is not None else None


def _has(rest: Sequence[str], short: str, *long: str) -> bool:
    """Whether an option is among the words: in a cluster of short ones, or a long one that may be shortened.

    A word that is another option's value counts as well, so it must be what forbids, not what allows.
    """
    for word in rest:
        if word == "--":
            return False
        if re.fullmatch(r"-[A-Za-z]+", word) and short and set(short) & set(word[1:]):
            return True
        name = word.partition("=")[0]
        if len(name) > 2 and any(one.startswith(name) or name == one for one in long):
            return True
    return False


def _surely(rest: Sequence[str], *long: str, but: Sequence[str] = ()) -> bool:
    """Whether an option that makes an act harmless is given, whole, as nobody's value, and not taken back by `but`."""
    if any(word in but for word in rest):
        return False
    pairs = zip(("", *rest), rest, strict=False)
    return any(word in long and (not before.startswith("-") or _FLAG.fullmatch(before)) for before, word in pairs)


def _plain(rest: Sequence[str]) -> list[str]:
    return [word for word in rest if not word.startswith("-")]


def _push(rest: Sequence[str]) -> GitAct:
    specs = _plain(rest)[1:]
    gone = _has(rest, "d", "--delete", "--prune", "--mirror") or any(spec.startswith(":") for spec in specs)
    force = gone or _has(rest, "f", "--force", "--force-with-lease", "--force-if-includes")
    force = force or any(spec.startswith("+") for spec in specs)
    targets = [spec.lstrip("+").rpartition(":")[2] for spec in specs]
    if _has(rest, "", "--all", "--branches", "--mirror"):
        targets.append("*")
    return GitAct("push", force=force, targets=tuple(t for t in targets if t and t not in {"HEAD", "@"}))


def _fetch(rest: Sequence[str]) -> GitAct | None:
    """A fetch into branches of one's own that may replace what they hold."""
    force = _has(rest, "f", "--force")
    pairs = [spec.partition(":") for spec in _plain(rest)[1:]]
    targets = [into for source, _, into in pairs if into and (force or source.startswith("+"))]
    own = tuple(into for into in targets if not into.startswith(("refs/remotes/", "refs/tags/")))
    return GitAct("rewrite", force=True, targets=own) if own else None


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
    known = message and not any(HIDDEN in part for part in message)
    return GitAct("commit", message="\n\n".join(message) if known else None, whole=whole)


def _reset(rest: Sequence[str]) -> GitAct | None:
    return GitAct("rewrite", force=True) if _has(rest, "", "--hard", "--merge", "--keep") else None


def _checkout(rest: Sequence[str]) -> GitAct | None:
    if _has(rest, "BC", "--force-create"):
        return GitAct("rewrite", force=True, targets=tuple(_plain(rest)[:1]))
    gone = _has(rest, "f", "--force", "--discard-changes") or _everything(rest)
    return GitAct("discard", force=True) if gone else None


def _branch(rest: Sequence[str]) -> GitAct | None:
    if _has(rest, "dD", "--delete"):
        return GitAct("delete", force=_has(rest, "D", "--force"), targets=tuple(_plain(rest)))
    if _has(rest, "fMC", "--force"):
        return GitAct("rewrite", force=True, targets=tuple(_plain(rest)[-2:]))
    return None


def _config(rest: Sequence[str]) -> GitAct | None:
    if _has(rest, "l", "--get", "--get-all", "--get-regexp", "--get-urlmatch", "--list") or rest[:1] in (
        ["get"],
        ["list"],
    ):
        return None
    taken = _has(rest, "e", "--unset", "--unset-all", "--remove-section", "--rename-section", "--edit")
    taken = taken or rest[:1] in (["unset"], ["edit"], ["remove-section"], ["rename-section"])
    keys = [word for word in rest if SETTING.fullmatch(word)]
    return GitAct("settings") if (keys and (taken or len(_plain(rest)) > 1)) or (taken and _whole(rest)) else None


def _whole(rest: Sequence[str]) -> bool:
    """Whether whole sections, or the file, are edited."""
    words = _plain(rest)
    section = re.compile(r"(?i)(core|alias|url|filter|remote|include|credential|diff|merge|gpg)(\..*)?", re.DOTALL)
    return (
        _has(rest, "e", "--edit")
        or rest[:1] == ["edit"]
        or (any("section" in word for word in rest) and any(section.fullmatch(word) for word in words))
    )


def _remote(rest: Sequence[str]) -> GitAct | None:
    return GitAct("settings") if rest[:1] == ["set-url"] else None


def _merge(rest: Sequence[str]) -> GitAct | None:
    if _surely(rest, "--no-commit", "--squash", *_GIVEN_UP, but=("--commit", "--no-squash", "--no-no-commit")):
        return None
    return GitAct("merge", untested=not _surely(rest, "--ff-only", but=("--ff", "--no-ff", "--no-ff-only")))


def _picked(rest: Sequence[str]) -> GitAct | None:
    """cherry-pick and revert."""
    alone = rest[:1] == ["-n"] or _surely(rest, "-n", "--no-commit", *_GIVEN_UP, but=("--commit", "--no-no-commit"))
    return None if alone else GitAct("merge", untested=True)


def _stash(rest: Sequence[str]) -> GitAct | None:
    return GitAct("discard", force=True) if rest[:1] in (["drop"], ["clear"]) else None


def _restore(rest: Sequence[str]) -> GitAct | None:
    """Throwing away all that is uncommitted; single files are let pass, as with `git checkout -- a.py`."""
    staged_only = _has(rest, "S", "--staged") and not _has(rest, "W", "--worktree")
    return None if staged_only or not _everything(rest) else GitAct("discard", force=True)


def _everything(rest: Sequence[str]) -> bool:
    return any(word in {".", "./", ":/", ":", "*"} for word in rest)


def _reflog(rest: Sequence[str]) -> GitAct | None:
    return GitAct("rewrite", force=True) if rest[:1] in (["expire"], ["delete"]) else None


def _worktree(rest: Sequence[str]) -> GitAct | None:
    gone = rest[:1] == ["remove"] and _has(rest, "f", "--force")
    return GitAct("discard", force=True) if gone else None


_GIVEN_UP: Final = ("--abort", "--quit")
_FLAG: Final = re.compile(
    r"--no-\w[\w-]*|--ff|--ff-only|--squash|--quiet|--verbose|--progress|--signoff|--stat|--log|--edit|--rebase|--tags"
    r"|--prune|--all|--autostash|--allow-unrelated-histories|-[qvnexr]+"
)
"""Options that take no value."""

_READERS: Final[Mapping[str, Callable[[Sequence[str]], GitAct | None]]] = {
    "push": _push,
    "pull": lambda rest: GitAct(
        "pull",
        force=_has(rest, "f", "--force"),
        untested=not _surely(rest, "--ff-only", but=("--ff", "--no-ff", "--no-ff-only", "--rebase", "-r")),
    ),
    "fetch": _fetch,
    "remote": _remote,
    "stash": _stash,
    "restore": _restore,
    "reflog": _reflog,
    "worktree": _worktree,
    "read-tree": lambda rest: GitAct("discard", force=True) if _has(rest, "u", "--reset") else None,
    "checkout-index": lambda rest: GitAct("discard", force=True) if _has(rest, "f", "--force") else None,
    "commit": _commit,
    "merge": _merge,
    "cherry-pick": _picked,
    "am": lambda rest: None if _surely(rest, "--show-current-patch", *_GIVEN_UP) else GitAct("merge", untested=True),
    "reset": _reset,
    "checkout": _checkout,
    "branch": _branch,
    "config": _config,
    "rebase": lambda rest: None if _surely(rest, *_GIVEN_UP) else GitAct("rewrite", untested=True),
    "rewrite": lambda _: GitAct("rewrite", force=True),
    "clean": lambda rest: GitAct("discard", force=True) if _has(rest, "f", "--force") else None,
}

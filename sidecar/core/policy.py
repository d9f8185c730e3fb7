"""What the assistant may do, as pure rules: names that are off, paths that are protected, what git may be made to do.

Each rule answers with the sentence that refuses, for the model and the user to act upon; empty where nothing is refused.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Final, Literal

_PROTECTED_FOLDERS: Final = frozenset(
    {".git", ".vscode", ".claude", ".cursor", ".sidecar", ".idea", ".husky", ".devcontainer", ".circleci", ".buildkite",
     ".woodpecker", ".vs", ".run", ".zed", ".windsurf", ".gemini", ".codex", ".kiro", ".continue",
     ".opencode", ".roo", ".amazonq", ".junie", ".qwen"}
)  # fmt: skip
_PROTECTED_FILES: Final = (
    ".mcp*", "mcp.json", ".sidecar*", ".bash*", ".zsh*", ".zprofile", ".zlogin", ".profile", ".login", ".cshrc", ".kshrc",
    ".inputrc", ".envrc", ".gitconfig", ".gitmodules", ".gitlab-ci.yml", "jenkinsfile", "azure-pipelines.y*ml",
    ".travis.yml", ".drone.y*ml", ".woodpecker.y*ml", "bitbucket-pipelines.y*ml", "appveyor.y*ml", ".appveyor.y*ml",
    "cloudbuild.y*ml", ".pre-commit-config.y*ml", "lefthook.*", ".lefthook.*", "*.code-workspace", ".vimrc", ".nvimrc",
    ".exrc", ".gdbinit", ".lldbinit", "mise.toml", ".mise.toml", "opencode.json*",
)  # fmt: skip
_PROTECTED_PLACES: Final = (
    (".github", "workflows"), (".github", "actions"), (".config", "fish"), (".config", "git"), (".config", "autostart"), (".config", "systemd"),
)  # fmt: skip

_SECRET_FOLDERS: Final = frozenset({".ssh", ".aws", ".gnupg", ".kube", ".azure", ".gcloud"})
_SECRET_FILES: Final = (
    ".env", ".env.*", "*.env", "*.pem", "*.key", "*.p12", "*.pfx", "*.jks", "*.keystore", "*.kdbx", "*.ppk", "id_rsa*",
    "id_dsa*", "id_ecdsa*", "id_ed25519*", ".netrc", "_netrc", ".pgpass", ".npmrc", ".pypirc", ".git-credentials",
    ".htpasswd", ".databrickscfg", "credentials.json", "service-account*.json", "secrets.y*ml",
)  # fmt: skip
_IGNORED: Final = re.compile("[\u200c-\u200f\u202a-\u202e\u206a-\u206f\ufeff]")
"""What HFS+ takes for nothing in a name: `.g\u200cit` is `.git` there."""
_HARMLESS: Final = ("*.example", "*.sample", "*.template", "*.dist", "*.pub", "*.defaults")

_PRIVATE_KEY: Final = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY(?: BLOCK)?-----.*?(?:-----END [A-Z ]*PRIVATE KEY(?: BLOCK)?-----|\Z)", re.DOTALL
)

_BEGIN_KEY: Final = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY(?: BLOCK)?-----")
_KEY_ROW: Final = re.compile(
    r"(?=\S*[A-Z])(?=\S*[a-z])(?=\S*\d)(?:[A-Za-z0-9+/]{64}|[A-Za-z0-9+/]{70}|[A-Za-z0-9+/]{76})={0,2}"
)
"""A line of a key's body, as keys are written; a digest has no letters of both cases."""
LEFT_OUT: Final = "[private key left out]"

GitVerb = Literal["push", "pull", "commit", "merge", "rewrite", "discard", "delete", "settings", "hidden", "rules"]
"""`merge`: a commit is made of others' (merge, cherry-pick, revert, am). `rewrite`: history of a branch is replaced (reset, rebase, forced branch). `discard`: uncommitted work is thrown away.
`delete`: a branch goes. `settings`: the repository's configuration is made to run or send something else.
`hidden`: git is started with what cannot be read before it runs. `rules`: these very rules are taken away."""


def protected(path: str) -> str:
    """Why a path (relative, with `/`) may not be written by a tool."""
    parts = _parts(path)
    name = parts[-1] if parts else ""
    hidden = next((part for part in parts if part in _PROTECTED_FOLDERS or part.startswith("git~")), None)
    place = next((place for place in _PROTECTED_PLACES if _holds(parts, place)), None)
    if hidden is None and place is None and not any(fnmatchcase(name, pattern) for pattern in _PROTECTED_FILES):
        return ""
    what = hidden or ("/".join(place) if place else parts[-1])
    return f"{path} is protected: what lies in {what} decides what may be run here. Ask the user to change it by hand."


def secret(path: str) -> str:
    """Why a path (relative, with `/`) may not be read by a tool."""
    parts = _parts(path)
    name = parts[-1] if parts else ""
    if ".git" in parts:
        return f"{path} belongs to git itself, and may hold credentials: use the git tools."
    kept = any(fnmatchcase(name, pattern) for pattern in _SECRET_FILES) and not any(
        fnmatchcase(name, pattern) for pattern in _HARMLESS
    )
    if kept or _SECRET_FOLDERS & set(parts):
        return (
            f"{path} looks like a place of keys or passwords, so it is not read; ask the user for what you need of it."
        )
    return ""


def _parts(path: str) -> list[str]:
    """A path's names as a file system may take them: in any case, without what some leave out or cut off."""
    return [
        _IGNORED.sub("", part).partition(":")[0].rstrip(" .").casefold() or part for part in path.split("/") if part
    ]


def without_keys(text: str) -> str:
    """A text whose private keys are replaced by a mark; of a diff also what looks like a stretch of one."""
    text = _PRIVATE_KEY.sub(LEFT_OUT, text) if "PRIVATE KEY" in text else text
    if "@@ -" not in text:
        return text
    return "\n".join(map(_keyless_row, text.split("\n")))


def _keyless_row(row: str) -> str:
    """A row of a diff; git repeats a line behind a hunk's numbers as well."""
    head = re.match(r"[-+ ]|@@ [-+\d, ]{3,60} @@ ", row)
    return head[0] + LEFT_OUT if head is not None and is_key_row(row[head.end() :]) else row


def is_key_row(line: str) -> bool:
    """Whether a line by itself looks like one of a private key's body: a diff may show no more of it."""
    return len(line) < 200 and _KEY_ROW.fullmatch(line.strip().strip("\"',;\\").removesuffix("\\n")) is not None


def lines_of_keys(lines: Sequence[str]) -> frozenset[int]:
    """Which lines of a whole text, counted from 1, hold a private key or a part of one."""
    found: set[int] = set()
    inside = False
    for number, line in enumerate(lines, 1):
        inside = inside or ("PRIVATE KEY" in line and _BEGIN_KEY.search(line) is not None)
        if inside:
            found.add(number)
        inside = inside and "-----END " not in line
    return frozenset(found)


@dataclass(frozen=True, slots=True)
class GitAct:
    """Something that git is about to be made to do.

    `targets` are the branches that it is about, empty for the current one. `force`: it may destroy what is there.
    `message` is a commit's, None where it is not known.
    """

    verb: GitVerb
    force: bool = False
    targets: tuple[str, ...] = ()
    message: str | None = None
    whole: bool = True
    """Whether a commit takes what is staged, and nothing more (`-a`, paths and `--amend` take more)."""
    untested: bool = False
    """Whether commits come of it that nobody could test before (a merge, a rebase, a pull that is no fast-forward)."""


@dataclass(frozen=True, slots=True)
class GitRules:
    """What git may be made to do here (`POLICY_GIT_…`)."""

    allow_push: bool = False
    allow_pull: bool = True
    allow_commit: bool = True
    allow_force: bool = False
    require_tests: bool = False
    commit_regex: str | None = None
    protected: tuple[str, ...] = ()

    def refusal(self, act: GitAct, branch: str = "") -> str:
        """Why an act is refused; `branch` is the current one, empty when HEAD is detached."""
        off = {"push": not self.allow_push, "pull": not self.allow_pull, "commit": not self.allow_commit}
        off["merge"] = off["commit"]
        if off.get(act.verb):
            return _OFF[act.verb.replace("merge", "commit")]
        if act.verb in _NEVER:
            return _NEVER[act.verb]
        kept = _covered(act.targets or ((branch,) if branch else ()), self.protected)
        if kept and act.verb in {"push", "rewrite", "delete"}:
            return (
                f"The branch {kept} is protected (POLICY_GIT_PROTECTED_BRANCHES): it is not pushed to, rewritten or "
                "deleted from here. Work on another branch and let the user bring it in."
            )
        if act.force and not self.allow_force:
            return (
                "This could destroy work (force, hard reset, rewriting, deleting), which is switched off "
                "(POLICY_GIT_ALLOW_FORCE=false). Find a way that keeps everything, or ask the user."
            )
        if act.untested and self.require_tests:
            return _UNTESTED[act.verb]
        return self._message_refusal(act)

    def _message_refusal(self, act: GitAct) -> str:
        if act.verb != "commit" or self.commit_regex is None:
            return ""
        if act.message is None:
            return f"The commit's message must match {self.commit_regex}, so give it with -m (POLICY_GIT_COMMIT_REGEX)."
        if re.search(self.commit_regex, act.message) is None:
            return f"The commit's message must match {self.commit_regex} (POLICY_GIT_COMMIT_REGEX); write it again."
        return ""


_OFF: Final[dict[str, str]] = {
    "push": (
        "Pushing is switched off here (POLICY_GIT_ALLOW_PUSH=false). Leave the commits where they are and say so: "
        "the user can push, or allow it by setting POLICY_GIT_ALLOW_PUSH=true."
    ),
    "pull": (
        "Pulling is switched off here (POLICY_GIT_ALLOW_PULL=false). Work with what is there, or ask the user to pull."
    ),
    "commit": (
        "Committing is switched off here (POLICY_GIT_ALLOW_COMMIT=false). Leave the change uncommitted and say what "
        "you would commit."
    ),
}


_NEVER: Final[Mapping[GitVerb, str]] = {
    "settings": "This setting of git decides what runs or where code is sent, so it is not changed here; ask the user.",
    "hidden": (
        "What git is to do here cannot be read before it runs: a variable, a substitution or a pattern stands where its "
        "command belongs. Write the command out."
    ),
    "rules": "This would take away the rules for git that the user set, so only the user does it.",
}

_TESTS: Final = (
    "Tests must pass before a commit (POLICY_GIT_REQUIRE_TESTS), and of this come commits that nobody has tested. "
)
_UNTESTED: Final[dict[GitVerb, str]] = {
    "merge": (
        f"{_TESTS}Bring the change in without committing it (git merge --no-commit --no-ff, git cherry-pick -n, git revert -n, "
        "git apply), stage it, then run `git commit` alone; so is one concluded that is under way."
    ),
    "pull": f"{_TESTS}Pull with --ff-only, or fetch, then merge with --no-commit --no-ff and run `git commit` alone.",
    "rewrite": (
        f"{_TESTS}Use the tool git_rebase, which takes the rebase back unless the tests of its result pass, or merge "
        "with --no-commit --no-ff and run `git commit` alone."
    ),
}


def disallowed(name: str, given: Collection[str]) -> str:
    """Why a tool may not run; `name` is the tool's own, aliases are resolved before. `given` may hold `git_*`."""
    pattern = next((one for one in given if fnmatchcase(name.casefold(), one.casefold())), None)
    if pattern is None:
        return ""
    return f"The tool {name} is switched off here (POLICY_DISALLOWED_TOOLS holds {pattern}); do without it."


def _covered(targets: Sequence[str], kept: Sequence[str]) -> str:
    """The first target that a protected name or pattern covers; a target that may be any branch counts as the first of these."""
    names = [target.removeprefix("refs/").removeprefix("heads/") for target in targets]
    if kept and any(set(name) & set("*?[$\0") for name in names):
        return kept[0]
    return next((name for name in names if any(fnmatchcase(name, pattern) for pattern in kept)), "")


def _holds(parts: Sequence[str], place: Sequence[str]) -> bool:
    return any(tuple(parts[at : at + len(place)]) == tuple(place) for at in range(len(parts)))

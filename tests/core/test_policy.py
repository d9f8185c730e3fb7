"""Rules without a world: protected and secret paths, switched-off names, what git may be made to do."""

import pytest

from sidecar.core.policy import (
    GitAct,
    GitRules,
    GitVerb,
    disallowed,
    is_key_row,
    lines_of_keys,
    protected,
    secret,
    without_keys,
)


@pytest.mark.parametrize(
    "path",
    [
        ".git/hooks/pre-commit", "sub/.git/config", ".GIT/config", ".git./config", ".vscode/tasks.json", ".claude/settings.json",
        ".mcp.json", ".mcp", "sub/.mcp.json", ".cursor/mcp.json", ".sidecar.toml", ".sidecar/x", ".bashrc", ".zshrc", ".profile",
        ".github/workflows/ci.yml", ".gitlab-ci.yml", "Jenkinsfile", ".envrc", ".pre-commit-config.yaml", "a.code-workspace",
        ".opencode/x.json", ".roo/mcp.json", ".config/git/config", ".config/autostart/x.desktop", ".config/systemd/user/x.service",
    ],
)  # fmt: skip
def test_what_decides_about_running_is_protected(path: str) -> None:
    assert path in protected(path)
    assert "Ask the user" in protected(path)


@pytest.mark.parametrize("path", ["a.py", "src/git/x.py", ".github/ISSUE_TEMPLATE.md", "docs/mcp.md", ".gitignore", ""])
def test_ordinary_files_are_not(path: str) -> None:
    assert protected(path) == ""


@pytest.mark.parametrize(
    ("path", "refused"),
    [
        (".env", True), ("deploy/.env.production", True), (".env.example", False), ("id_rsa", True), ("id_ed25519.pub", False),
        ("server.KEY", True), (".ssh/config", True), (".netrc", True), (".git/config", True), ("environment.py", False),
        ("keys.py", False), ("credentials.json", True), (".npmrc", True),
    ],
)  # fmt: skip
def test_places_of_keys_are_not_read(path: str, refused: bool) -> None:
    assert bool(secret(path)) is refused


def test_private_keys_in_texts_are_left_out() -> None:
    key = "-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----"
    assert without_keys(f"a\n{key}\nb") == "a\n[private key left out]\nb"
    assert without_keys("a\n-----BEGIN PRIVATE KEY-----\nMIIE") == "a\n[private key left out]"
    assert without_keys("nothing here") == "nothing here"


def test_names_that_are_off() -> None:
    assert "POLICY_DISALLOWED_TOOLS" in disallowed("git_push", ("web_fetch", "git_*"))
    assert disallowed("git_push", ("GIT_PUSH",))
    assert disallowed("git_push", ("web_fetch",)) == ""


@pytest.mark.parametrize(
    ("rules", "act", "branch", "word"),
    [
        (GitRules(), GitAct("push"), "main", "POLICY_GIT_ALLOW_PUSH"),
        (GitRules(allow_push=True), GitAct("push"), "main", ""),
        (GitRules(allow_push=True), GitAct("push", force=True), "topic", "POLICY_GIT_ALLOW_FORCE"),
        (GitRules(allow_push=True, allow_force=True), GitAct("push", force=True), "topic", ""),
        (GitRules(allow_push=True, protected=("main",)), GitAct("push"), "main", "POLICY_GIT_PROTECTED_BRANCHES"),
        (GitRules(allow_push=True, protected=("main",)), GitAct("push", targets=("topic",)), "main", ""),
        (GitRules(allow_push=True, protected=("rel/*",)), GitAct("push", targets=("refs/heads/rel/1",)), "", "rel/1"),
        (GitRules(protected=("main",), allow_force=True), GitAct("rewrite", force=True), "main", "protected"),
        (GitRules(protected=("main",)), GitAct("commit"), "main", ""),
        (GitRules(), GitAct("rewrite"), "topic", ""),
        (GitRules(), GitAct("delete", targets=("old",)), "topic", ""),
        (GitRules(allow_pull=False), GitAct("pull"), "main", "POLICY_GIT_ALLOW_PULL"),
        (GitRules(), GitAct("pull"), "main", ""),
        (GitRules(allow_commit=False), GitAct("commit"), "main", "POLICY_GIT_ALLOW_COMMIT"),
        (GitRules(allow_commit=False), GitAct("merge"), "main", "POLICY_GIT_ALLOW_COMMIT"),
        (GitRules(commit_regex="^feat: "), GitAct("merge"), "main", ""),
        (GitRules(require_tests=True), GitAct("merge", untested=True), "main", "--no-commit --no-ff"),
        (GitRules(require_tests=True), GitAct("pull", untested=True), "main", "--ff-only"),
        (GitRules(require_tests=True), GitAct("rewrite", untested=True), "main", "git_rebase"),
        (GitRules(require_tests=True), GitAct("merge"), "main", ""),
        (GitRules(), GitAct("merge", untested=True), "main", ""),
        (GitRules(commit_regex="^feat: "), GitAct("commit", message="wip"), "main", "POLICY_GIT_COMMIT_REGEX"),
        (GitRules(commit_regex="^feat: "), GitAct("commit"), "main", "-m"),
        (GitRules(commit_regex="^feat: "), GitAct("commit", message="feat: x"), "main", ""),
        (GitRules(), GitAct("settings"), "main", "ask the user"),
    ],
)
def test_what_git_may_be_made_to_do(rules: GitRules, act: GitAct, branch: str, word: str) -> None:
    told = rules.refusal(act, branch)
    assert word in told
    assert bool(told) is bool(word)


BODY = "MIIEpAIBAAKCAQEA0Z3VS5JJcds3xfn/ygWyF0a1b2c3d4e5f6g7h8i9j0k1l2m3"  # as long as a key's lines are, and of no key


@pytest.mark.parametrize(
    ("row", "hidden"),
    [
        (BODY, True), (f'    "{BODY}\\n"', True), (f"{BODY}ABCDEF", True), ("0123456789abcdef" * 4, False),
        (BODY[:40], False), (f"x = {BODY}", False), ("A" * 64, False),
    ],
)  # fmt: skip
def test_a_row_of_a_key_is_known_by_itself(row: str, hidden: bool) -> None:
    assert is_key_row(row) is hidden


def test_a_diff_shows_no_stretch_of_a_key() -> None:
    diff = f"@@ -9,2 +9,2 @@ {BODY}\n {BODY}\n-{BODY}\n+{BODY}\n x\n"
    assert without_keys(diff) == (
        "@@ -9,2 +9,2 @@ [private key left out]\n [private key left out]\n-[private key left out]\n+[private key left out]\n x\n"
    )
    assert without_keys(BODY) == BODY


def test_lines_of_keys_are_numbered() -> None:
    text = (
        'a\nb = "-----BEGIN EC PRIVATE KEY-----\nMII\n-----END EC PRIVATE KEY-----\nc\n-----BEGIN PRIVATE KEY-----\nx'
    )
    assert lines_of_keys(text.split("\n")) == {2, 3, 4, 6, 7}
    assert lines_of_keys(["-----BEGIN PUBLIC KEY-----", "x"]) == frozenset()


@pytest.mark.parametrize(
    "path",
    [
        ".g\u200cit/hooks/x", ".git\ufeff/config", ".git::$INDEX_ALLOCATION/config", ".drone.yml", "bitbucket-pipelines.yml",
        ".buildkite/pipeline.yml", "x/.gemini/settings.json", ".codex/config.toml", "lefthook.yml", ".gdbinit",
    ],
)  # fmt: skip
def test_other_places_that_decide_what_runs(path: str) -> None:
    assert protected(path)


def test_a_key_by_another_spelling_is_a_key() -> None:
    assert secret(".s\u200csh/config")
    assert secret(".env::$DATA")


@pytest.mark.parametrize("verb", ["hidden", "rules", "settings"])
def test_some_acts_are_never_allowed(verb: GitVerb) -> None:
    everything = GitRules(allow_push=True, allow_force=True)
    assert everything.refusal(GitAct(verb))


@pytest.mark.parametrize("target", ["*", "refs/heads/*", "heads/main", "refs/heads/main", "\0", "$x"])
def test_what_may_be_a_protected_branch_is_one(target: str) -> None:
    rules = GitRules(allow_push=True, protected=("main",))
    assert "The branch main is protected" in rules.refusal(GitAct("push", targets=(target,)), "topic")
    assert GitRules(allow_push=True).refusal(GitAct("push", targets=(target,)), "topic") == ""

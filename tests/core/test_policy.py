"""Rules without a world: protected and secret paths, switched-off names, what git may be made to do."""

import pytest

from sidecar.core.policy import GitAct, GitRules, disallowed, protected, secret, without_keys


@pytest.mark.parametrize(
    "path",
    [
        ".git/hooks/pre-commit", "sub/.git/config", ".GIT/config", ".git./config", ".vscode/tasks.json", ".claude/settings.json",
        ".mcp.json", ".mcp", "sub/.mcp.json", ".cursor/mcp.json", ".sidecar.toml", ".sidecar/x", ".bashrc", ".zshrc", ".profile",
        ".github/workflows/ci.yml", ".gitlab-ci.yml", "Jenkinsfile", ".envrc", ".pre-commit-config.yaml", "a.code-workspace",
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

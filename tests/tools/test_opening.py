"""The toolbox of a workspace as the settings make it."""

from sidecar.core.errors import NotARepository
from sidecar.core.ports import Desk
from sidecar.core.tool import Caller
from sidecar.settings import load
from sidecar.store.database import Database
from sidecar.tools import FAMILIES
from sidecar.tools.aliases import ALIASES
from sidecar.tools.opening import bench_of, judges_of, open_box, program_environment, rules_of
from tests.fakes.repository import Repository


def settings(repo: Repository, **environment: str):
    return load({"server.workspace": str(repo.root)}, environment, None)


async def test_families_rules_and_trust(repo: Repository, database: Database) -> None:
    async def opened() -> Database:
        return database

    chosen = settings(
        repo,
        POLICY_GIT_ALLOW_PUSH="true",
        POLICY_DISALLOWED_TOOLS="web_*",
        SIDECAR_TRUSTED_FOLDERS=str(repo.root.parent),
    )
    box = open_box(chosen, bench_of(chosen, opened))
    names = [spec.name for spec in box.specs()]
    assert len(names) == len(set(names))
    assert {name.split("_")[0] for name in names} >= set(FAMILIES) - {"web", "symbols", "command"}
    assert rules_of(chosen).allow_push
    assert chosen.trusted
    assert not settings(repo).trusted
    assert not settings(repo, SIDECAR_TRUSTED_FOLDERS=str(repo.root / "src")).trusted
    result = await box.call("git_status", {}, Caller())
    assert "On branch main" in result.text

    async def no_desk() -> Desk:
        raise NotARepository("There is none.")

    judges = judges_of(chosen, opened, no_desk, lambda _: None)
    assert await judges.judge({}) == {}
    push = {"hook_event_name": "PreToolUse", "tool_name": "Bash", "tool_input": {"command": "git push -f"}}
    assert (await judges.judge(push))["hookSpecificOutput"]["permissionDecision"] == "deny"
    edit = {"hook_event_name": "PreToolUse", "tool_name": "Write", "tool_input": {"file_path": "a.py", "content": "x"}}
    assert await judges.judge(edit) == {}


def test_a_workspace_cannot_trust_itself(repo: Repository) -> None:
    repo.write({".sidecar.toml": f'[server]\ntrusted_folders = ["{repo.root}"]\n[git]\nallow_push = true\n'})
    chosen = load({"server.workspace": str(repo.root)}, {}, None)
    assert not chosen.trusted
    assert not rules_of(chosen).allow_push


def test_programs_do_not_get_our_keys(repo: Repository, monkeypatch) -> None:
    for name, value in {
        "SIDECAR_TOKEN": "t" * 20,
        "ANTHROPIC_API_KEY": "k" * 20,
        "COPY": "k" * 20,
        "OTHER": "y",
    }.items():
        monkeypatch.setenv(name, value)
    given = program_environment(settings(repo, SIDECAR_TOKEN="t" * 20, ANTHROPIC_API_KEY="k" * 20))
    assert not {"SIDECAR_TOKEN", "ANTHROPIC_API_KEY", "COPY"} & set(given)
    assert given["OTHER"] == "y"


def test_the_predecessors_names_are_all_taken() -> None:
    told = {
        "fs_read", "fs_write", "edit_patch", "workspace_edit_history", "workspace_edit_revert", "shell", "python_exec",
        "web_search", "web_fetch", "workspace_list", "workspace_search", "workspace_index_rebuild", "project_summary",
        "workspace_symbol_search", "workspace_symbol_references", "workspace_goto_definition", "workspace_diff",
        "workspace_diff_summary", "workspace_diff_review", "workspace_diff_comments", "workspace_diff_by_commit",
        "workspace_git_status", "workspace_git_stage", "workspace_git_unstage", "workspace_git_commit", "workspace_git_push",
        "workspace_git_pull", "workspace_git_merge", "workspace_git_rebase", "workspace_git_conflicts",
        "workspace_git_branches", "workspace_git_checkout", "workspace_git_stash", "workspace_git_patch_plan",
        "workspace_release_notes", "workspace_changelog_generate", "workspace_pr_template_generate",
        "workspace_tasks_list", "workspace_task_get", "workspace_task_create", "workspace_task_update",
        "workspace_task_set_status", "workspace_task_delete", "workspace_test_run", "workspace_test_history",
        "workspace_test_summary", "workspace_mcp_servers", "workspace_mcp_call", "workspace_sandbox_sessions",
    }  # fmt: skip
    assert len(told) == 49
    assert told <= set(ALIASES)

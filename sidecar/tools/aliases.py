"""Names that other backends gave to such tools, and ours for them. They are resolved before any policy looks."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

ALIASES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "fs_read": "files_read",
        "fs_write": "files_write",
        "edit_patch": "files_patch",
        "workspace_edit_history": "files_history",
        "workspace_edit_revert": "files_revert",
        "workspace_list": "files_list",
        "workspace_search": "files_search",
        "shell": "command_run",
        "python_exec": "command_run",
        "workspace_sandbox_sessions": "mcp_servers",
        "workspace_index_rebuild": "symbols_summary",
        "project_summary": "symbols_summary",
        "workspace_symbol_search": "symbols_search",
        "workspace_symbol_references": "symbols_references",
        "workspace_goto_definition": "symbols_definition",
        "workspace_diff": "git_diff",
        "workspace_diff_summary": "review_summary",
        "workspace_diff_review": "review_diff",
        "workspace_diff_comments": "review_threads",
        "workspace_diff_by_commit": "git_log",
        "workspace_git_status": "git_status",
        "workspace_git_stage": "git_stage",
        "workspace_git_unstage": "git_unstage",
        "workspace_git_commit": "git_commit",
        "workspace_git_push": "git_push",
        "workspace_git_pull": "git_pull",
        "workspace_git_merge": "git_merge",
        "workspace_git_rebase": "git_rebase",
        "workspace_git_conflicts": "git_conflicts",
        "workspace_git_branches": "git_branch",
        "workspace_git_checkout": "git_checkout",
        "workspace_git_stash": "git_stash",
        "workspace_git_patch_plan": "review_patch_plan",
        "workspace_release_notes": "review_release_notes",
        "workspace_changelog_generate": "review_changelog",
        "workspace_pr_template_generate": "review_pull_request",
        "workspace_tasks_list": "tasks_list",
        "workspace_task_get": "tasks_get",
        "workspace_task_create": "tasks_create",
        "workspace_task_update": "tasks_update",
        "workspace_task_set_status": "tasks_set_status",
        "workspace_task_delete": "tasks_delete",
        "workspace_test_run": "tests_run",
        "workspace_test_history": "tests_history",
        "workspace_test_summary": "tests_last",
        "workspace_mcp_servers": "mcp_servers",
        "workspace_mcp_call": "mcp_call",
        "web_search": "web_search",
        "web_fetch": "web_fetch",
        # short forms that were taken as well
        "push": "git_push",
        "pull": "git_pull",
        "commit": "git_commit",
    }
)

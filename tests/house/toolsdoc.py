"""Writes docs/tools.md from the registry: `python -m tests.house.toolsdoc`."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import Any, cast

from sidecar.assistant.skills import Skills
from sidecar.core.tool import ToolSpec
from sidecar.mcp.servers import McpServers, Options
from sidecar.settings import load
from sidecar.tools import FAMILIES
from sidecar.tools.aliases import ALIASES
from sidecar.tools.mcp import McpTools
from sidecar.tools.opening import bench_of, open_box
from sidecar.tools.skills import SkillTools

ROOT = Path(__file__).resolve().parents[2]
PATH = ROOT / "docs" / "tools.md"

HEAD = """\
# Tools

What Sidecar's own tools do for a model. Where they are offered and run: [the loop](#the-loop). This file is written from the
registry by `make docs`.

| effect | means | allowed |
| --- | --- | --- |
| read | looks at the workspace or Sidecar's own state | always |
| write | changes files, the repository or Sidecar's own state | by policy; never protected places (.git, .vscode, .claude, MCP manifests, CI workflows, shell start-up files) or places of keys |
| run | starts programs that the workspace brings along (its tests, git's hooks) | in a trusted workspace (`SIDECAR_TRUSTED_FOLDERS`) |
| send | something leaves this machine (push, fetch, web) | by policy: `POLICY_GIT_ALLOW_PUSH`, `WEB_FETCH_ALLOWED_HOSTS` |

Whatever git does to the repository needs a trusted workspace. `POLICY_DISALLOWED_TOOLS` switches tools off by name or pattern
(`git_*`). All settings: [settings.md](settings.md).

A result longer than 40,000 characters comes in pieces; `more_of_result` gives the next. A wrong argument, a refusal and a fault are
results with a sentence that says what to do.

## The loop

For a client that brings no tools of its own (`curl`, a script), the tools below are offered to the model and run here until it
answers; the answer says so with `x-sidecar-changed: tools`. Claude Code is not offered them that way: it brings its own, and gets ours over
[MCP](mcp.md), as other clients can. Tools of MCP servers that the user approved stand beside them, as `<server>__<tool>`;
[skills](skills.md) say how tasks are done with them.

| `SIDECAR_TOOLS` | ours are offered |
| --- | --- |
| `auto` (default) | to clients that bring no tools, never to Claude Code, never to the `offline` provider |
| `always` | beside the client's own tools, too; calls of ours are carried by the client as `server_tool_use` and `<name>_tool_result` blocks and become calls again before the provider sees them |
| `never` | to nobody |

In a workspace that is not trusted only tools that read are offered and run. A turn ends with a sentence, not an error, when it has asked the
model `POLICY_MAX_STEPS` times, would take more than `POLICY_MAX_TOOL_CALLS` calls, or `POLICY_MAX_SECONDS` are over. When the client
leaves, the tool that runs is ended. An answer for which a tool ran is not kept by the [prompt cache](cache.md).

## Guards on other roads

`sidecar hooks install` lets Claude Code ask before its own Bash makes git push, pull, commit, rewrite or destroy something; see
[commands.md](commands.md). The same rules (`POLICY_GIT_…`) hold on every road: these tools, their other names, Bash, `sh -c`, and,
with `--git`, scripts.
"""


def families() -> dict[str, list[ToolSpec]]:
    """Every family's tools, as they are where everything is there."""
    anything = cast("Any", object())

    async def nothing() -> Any:
        raise NotImplementedError

    settings = load({"server.workspace": str(ROOT)}, {"POLICY_ALLOW_COMMANDS": "true"}, None)
    bench = bench_of(settings, nothing, desk=nothing, symbols=anything, summarizer=anything)
    found: dict[str, list[ToolSpec]] = defaultdict(list)
    box = open_box(settings, bench)
    box.put("skills", SkillTools(Skills(user=None, workspace=ROOT, trusted=False), box).tools())
    box.put("mcp", McpTools(McpServers(Options(ROOT), None, {}, "0"), box).tools())
    for spec in box.specs():
        prefix = spec.name.split("_")[0]
        found[prefix if prefix in {*FAMILIES, "skills", "mcp"} else "results"].append(spec)
    return found


def text() -> str:
    """The whole document."""
    others: dict[str, list[str]] = defaultdict(list)
    for alias, name in ALIASES.items():
        if alias != name:
            others[name].append(alias)
    parts = [HEAD]
    for family, specs in families().items():
        parts.append(f"## {family.capitalize()}\n")
        parts += [_tool(spec, others[spec.name]) for spec in specs]
    return "\n".join(parts).rstrip() + "\n"


def _tool(spec: ToolSpec, aliases: list[str]) -> str:
    lines = [f"### `{spec.name}`\n", f"*{spec.effect}.* {spec.description}\n"]
    if aliases:
        lines.append(f"Also called {', '.join(f'`{alias}`' for alias in sorted(aliases))}.\n")
    fields = spec.input_schema.get("properties", {})
    if fields:
        lines += ["| argument | type | default | meaning |", "| --- | --- | --- | --- |"]
        needed = set(spec.input_schema.get("required", ()))
        lines += [_row(name, field, required=name in needed) for name, field in fields.items()]
        lines.append("")
    return "\n".join(lines)


def _row(name: str, field: dict[str, Any], *, required: bool) -> str:
    default = "" if required else f"`{_plain(field.get('default'))}`"
    return f"| `{name}` | {_type(field)} | {default} | {field.get('description', '')} |"


def _type(field: dict[str, Any]) -> str:
    if "enum" in field:
        return ", ".join(f"`{value}`" for value in field["enum"])
    if "const" in field:
        return f"`{field['const']}`"
    if "anyOf" in field:
        return " or ".join(_type(one) for one in field["anyOf"] if one.get("type") != "null")
    if field.get("type") == "array":
        return f"list of {_type(field.get('items', {}))}"
    return str(field.get("type", "any"))


def _plain(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return "none" if value is None else '""' if value == "" else str(value)


if __name__ == "__main__":
    PATH.write_text(text(), encoding="utf-8")

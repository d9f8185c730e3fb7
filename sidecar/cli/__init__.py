"""The command line: arguments to settings, then the application. Each family of commands is one file, loaded when named."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Final

from sidecar import __version__
from sidecar.cli.command import Command
from sidecar.cli.output import Output, ReaderGone, forsake_stdout
from sidecar.core.errors import NotFound, SidecarError

OK: Final = 0
NEGATIVE: Final = 1
MISUSE: Final = 2
INTERRUPTED: Final = 130
PIPE_CLOSED: Final = 141


COMMANDS: Final[dict[str, Command]] = {
    "serve": Command("serve:serve", "Serve the Messages API.", "sidecar serve --port 8080 --provider databricks"),
    "lsp": Command("serve:lsp", "Serve an editor, and the Messages API beside it.", "sidecar lsp --port 0"),
    "claude": Command(
        "claude:claude",
        "Run the Claude Code CLI against this workspace's sidecar.",
        'sidecar claude -p "Summarize the recent diff"',
    ),
    "env": Command("claude:env", "Print exports for the running sidecar.", 'eval "$(sidecar env)"'),
    "doctor": Command("doctor:doctor", "Find what is wrong, and how to mend it.", "sidecar doctor --json"),
    "risk": Command("risk:risk", "Score the risk of a change.", "sidecar risk --staged --fail-over 0.5"),
    "review": Command("review:review", "Review a change in words.", "sidecar review --base main"),
    "notes": Command("notes:notes", "Write release notes and the like.", "sidecar notes v1.2.0..HEAD"),
    "definition": Command(
        "lookup:definition", "Show where a symbol is defined.", "sidecar definition src/cart.py:12:9"
    ),
    "references": Command("lookup:references", "Show where a symbol is used.", "sidecar references Cart.add"),
    "index": Command("index:index", "Index the workspace's symbols.", "sidecar index --rebuild"),
    "symbols": Command("index:symbols", "Find symbols by name.", "sidecar symbols Cart.total"),
    "summary": Command("summary:summary", "Show or write the block for CLAUDE.md.", "sidecar summary --write"),
    "usage": Command("usage:usage", "Show requests, tokens and cost.", "sidecar usage --since 7d --by model"),
    "dashboard": Command(
        "dashboard:dashboard", "Show usage, tests, coverage and risk in a browser.", "sidecar dashboard --open"
    ),
    "traces": Command("traces:traces", "List or show traced requests.", "sidecar traces show req_0a1b2c3d4e5f"),
    "logs": Command("logs:logs", "Show the log.", "sidecar logs --follow --level warning"),
    "test": Command("test:run_tests", "Run the workspace's tests.", "sidecar test --changed"),
    "tasks": Command(
        about="The tasks of this workspace.",
        parts={
            "list": Command("tasks:show_all", "List them.", "sidecar tasks list --status todo"),
            "add": Command("tasks:add", "Note one.", 'sidecar tasks add "Mend the parser" --tag bug --file a.py'),
            "show": Command("tasks:show", "Show one.", "sidecar tasks show 3"),
            "update": Command("tasks:update", "Change one.", "sidecar tasks update 3 --priority 5"),
            "done": Command("tasks:done", "Say that one is done.", "sidecar tasks done 3"),
            "delete": Command("tasks:delete", "Forget one.", "sidecar tasks delete 3"),
        },
    ),
    "hooks": Command(
        about="Guard what Claude Code's own tools do.",
        parts={
            "install": Command("hooks:install", "Put the guards in place.", "sidecar hooks install --git"),
            "remove": Command("hooks:remove", "Take them away.", "sidecar hooks remove --git"),
            "status": Command("hooks:status", "Tell which are there.", "sidecar hooks status --json"),
            "check": Command("hookcalls:check", "Answer Claude Code's hook.", "sidecar hooks check < payload.json"),
            "edit": Command(
                "hookcalls:edit", "Answer Claude Code's hook on edits.", "sidecar hooks edit < payload.json"
            ),
            "pre-push": Command("hookcalls:pre_push", "Answer git's hook.", "sidecar hooks pre-push < refs"),
        },
    ),
    "cache": Command(
        about="Look at the prompt cache, or empty it.",
        parts={
            "stats": Command("cache:stats", "Show what is kept.", "sidecar cache stats --json"),
            "clear": Command("cache:clear", "Forget all kept answers.", "sidecar cache clear"),
        },
    ),
    "mcp": Command(
        about="Look at MCP servers, approve them, or be one.",
        parts={
            "list": Command("mcp:list_servers", "List the servers that were found.", "sidecar mcp list"),
            "approve": Command("mcp:approve", "Allow a server, after a look at it.", "sidecar mcp approve github"),
            "revoke": Command("mcp:revoke", "Take that back.", "sidecar mcp revoke github"),
            "test": Command("mcp:try_servers", "Start approved servers and list their tools.", "sidecar mcp test"),
            "serve": Command("mcp:serve", "Serve our tools on standard input and output.", "sidecar mcp serve"),
        },
    ),
    "config": Command(
        about="Show the settings and their origins.",
        parts={
            "show": Command("config:show", "Show every setting.", "sidecar config show --origin"),
            "path": Command("config:path", "Print your file's place.", '$EDITOR "$(sidecar config path)"'),
            "schema": Command(
                "config:print_schema", "Print your file's JSON schema.", "sidecar config schema > sidecar.schema.json"
            ),
        },
    ),
}


_UNPARSED: Final = {("hooks", "check"), ("hooks", "edit"), ("hooks", "pre-push")}


def main() -> None:
    """Entry point of the command `sidecar`; ends the process with its exit code."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: Sequence[str]) -> int:
    """Run one command line: 0 good, 1 a negative result, 2 misuse or set-up, 130 interrupted. No error gets out."""
    out = Output()
    try:
        return _dispatch(list(arguments))
    except KeyboardInterrupt:
        return INTERRUPTED
    except (ReaderGone, BrokenPipeError):
        forsake_stdout()
        return PIPE_CLOSED
    except Exception as error:  # noqa: BLE001 - the door of the command line
        if {"-v", "--verbose"} & set(arguments):
            traceback.print_exc()
        return _told(error, arguments, out)


def _dispatch(arguments: list[str]) -> int:
    if arguments in (["--version"], ["-V"]):
        Output().data(f"sidecar {__version__}")
        return OK
    if arguments[:1] == ["claude"] and arguments[1:] != ["--help"]:
        # Everything behind it belongs to the other program: no option of it may be taken for one of ours.
        handed_on = arguments[2:] if arguments[1:2] == ["--"] else arguments[1:]
        return int(COMMANDS["claude"].load()(handed_on))
    if tuple(arguments) in _UNPARSED:  # somebody waits for each of them, and they take no options
        return int(COMMANDS["hooks"].parts[arguments[1]].load()())
    # Loaded by their names: `--version` and `claude` do without either, a plain `serve` without the parser.
    given = import_module("sidecar.cli.quick").plain(arguments)
    if given is not None:
        return int(getattr(import_module("sidecar.cli.serving"), arguments[0])(**given))
    return int(import_module("sidecar.cli.parser").parse_and_run(arguments, COMMANDS))


def _told(error: Exception, arguments: Sequence[str], out: Output) -> int:
    """Say an error in a sentence with its mend; what nobody foresaw is named with the place where more is written."""
    if isinstance(error, SidecarError):
        out.complain(error.sentence)
        return NEGATIVE if isinstance(error, NotFound) else MISUSE
    if type(error).__name__ == "Abort":
        return INTERRUPTED
    message = getattr(error, "format_message", None)
    if type(error).__name__ == "NoArgsIsHelpError" and message is not None:
        out.say(message())
        return MISUSE
    if message is not None:
        said = message().replace("Value error, ", "")
        out.complain(f"{said}{'' if said.endswith(('.', '?')) else '.'} See `{_help_for(error, arguments)}`.")
        return MISUSE
    place = _place(error)
    out.complain(f"something unforeseen went wrong ({type(error).__name__}: {error}{place}); please report it.")
    return MISUSE


def _place(error: Exception) -> str:
    """Where in our own files an unforeseen error arose."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if "sidecar" in frame.filename]
    return f", at {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""


def _help_for(error: Exception, arguments: Sequence[str]) -> str:
    context = getattr(error, "ctx", None)
    named = " ".join(["sidecar", *(word for word in arguments[:1] if word in COMMANDS)])
    return f"{context.command_path if context is not None else named} --help"

"""What stands around the Claude Code CLI and would lead it past us, or switch its safety off: looked for, never changed.

Names of variables are told, values never: they may be keys. Seen with Claude Code 2.1.197 and 2.1.330: `env` in any of
its settings files wins over the process's environment.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from sidecar.cli.finding import Finding, first_line
from sidecar.core.messages import object_in

INSTALL: Final = "npm install -g @anthropic-ai/claude-code"
_OLDEST_CLAUDE: Final = (2, 1, 197)
"""The oldest release that is tried with each change of ours."""

_PROXIES: Final = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy")
_UNSAFE: Final = ("CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "DISABLE_TELEMETRY", "DISABLE_GROWTHBOOK")
"""They also switch off the check behind auto mode: its commands are refused then."""

ELSEWHERE: Final = ("CLAUDE_CODE_USE_BEDROCK", "CLAUDE_CODE_USE_VERTEX", "CLAUDE_CODE_USE_FOUNDRY")
"""With one of these the CLI asks another provider itself, whatever its base URL."""

_TOKEN: Final = "ANTHROPIC_AUTH_TOKEN"  # noqa: S105 - a variable's name
_OURS: Final = ("ANTHROPIC_BASE_URL", _TOKEN, *ELSEWHERE)
_SHELL_FILES: Final = (
    ".profile", ".bash_profile", ".bash_login", ".bashrc", ".zshenv", ".zprofile", ".zshrc", ".config/fish/config.fish",
)  # fmt: skip
_EXPORT: Final = re.compile(rf"^\s*(?:export|set\s+-\w*x\w*)\s+(?P<name>{'|'.join(_OURS)}|{'|'.join(_UNSAFE)})[=\s]")
_LARGEST: Final = 1024 * 1024
_OFF: Final = frozenset({"", "0", "false", "no", "off"})


@dataclass(frozen=True, slots=True)
class ClientSettings:
    """One of the CLI's settings files, and the variables that it sets."""

    file: Path
    env: Mapping[str, str]


def check_claude(env: Mapping[str, str]) -> Finding:
    """The Claude Code CLI is there, starts, and is not older than what we are tried with. Node is not needed."""
    program = shutil.which("claude", path=env.get("PATH"))
    if program is None:
        return Finding("claude", "warn", "the Claude Code CLI is not on your PATH", INSTALL)
    said = first_line([program, "--version"])
    if not said:
        return Finding("claude", "warn", f"{program} does not start", INSTALL)
    version = tuple(int(part) for part in re.findall(r"\d+", said)[:3])
    if version < _OLDEST_CLAUDE:
        oldest = ".".join(str(part) for part in _OLDEST_CLAUDE)
        return Finding("claude", "warn", f"{said} is older than {oldest}, the oldest that is tried", INSTALL)
    return Finding("claude", "ok", f"{said} ({program})")


def check_proxies(env: Mapping[str, str]) -> Finding:
    """No proxy stands between `claude` and the loopback address."""
    proxies = [name for name in _PROXIES if env.get(name)]
    past = f"{env.get('NO_PROXY', '')},{env.get('no_proxy', '')}".replace(" ", "").split(",")
    if not proxies or "*" in past or ({"127.0.0.1", "localhost"} & set(past)):
        return Finding("proxy", "ok", "none in the way" if not proxies else "loopback goes past it")
    mend = "export NO_PROXY=127.0.0.1,localhost (`sidecar claude` does so by itself)"
    return Finding("proxy", "warn", f"{proxies[0]} would also catch requests to this machine", mend)


def check_way(env: Mapping[str, str], files: list[ClientSettings], base_url: str, token: str = "") -> Finding:
    """Nothing leads the CLI past the sidecar at `base_url`, or with another token: no settings file, no variable."""
    if (leading := leads_past(files, base_url)) is not None:
        file, name = leading
        text = f"{file} sets {name}, which goes before everything else: `claude` does not ask this sidecar"
        return Finding("way", "fail", text, f'take "{name}" out of "env" in {file}')
    for one in (one for one in files if one.env.get(_TOKEN, token) != token):
        text = f"{one.file} sets {_TOKEN}, which goes before the sidecar's: refused where the token is demanded"
        return Finding("way", "warn", text, f'take "{_TOKEN}" out of "env" in {one.file}')
    for name in (name for name in ELSEWHERE if _is_on(env, name)):
        return Finding("way", "fail", f"{name} is set: `claude` asks another provider itself", f"unset {name}")
    url = env.get("ANTHROPIC_BASE_URL", "")
    if url.rstrip("/").endswith("/v1"):
        return Finding("way", "fail", "ANTHROPIC_BASE_URL must end before /v1", 'eval "$(sidecar env)"')
    if url and not _same(url, base_url):
        text = "ANTHROPIC_BASE_URL in this shell leads elsewhere than to this workspace's sidecar"
        return Finding("way", "warn", text, 'eval "$(sidecar env)", or start the CLI with `sidecar claude`')
    return Finding("way", "ok", "nothing leads `claude` past the sidecar")


def check_safety(env: Mapping[str, str], files: list[ClientSettings]) -> Finding:
    """Nothing switches off the check behind the CLI's auto mode."""
    for file, name in _set_in(files, _UNSAFE):
        text = f"{file} sets {name}, which also switches off the check behind auto mode: it then refuses commands"
        return Finding("safety", "warn", text, f'take "{name}" out of "env" in {file}')
    for name in (name for name in _UNSAFE if _is_on(env, name)):
        text = f"{name} also switches off the check behind auto mode: it then refuses commands"
        return Finding("safety", "warn", text, f"unset {name}, or start `claude --permission-mode default`")
    return Finding("safety", "ok", "the check behind auto mode is not switched off")


def check_shell(home: Path | None) -> Finding:
    """No file of the user's shells sets what the extension sets for its terminals: theirs would come last and win."""
    for file in _SHELL_FILES:
        for number, line in enumerate(_text(home / file).splitlines() if home is not None else (), 1):
            if found := _EXPORT.match(line):
                text = f"~/{file} line {number} exports {found['name']}; in VS Code's terminals that wins over Sidecar"
                return Finding("shell", "warn", text, f"take that line out of ~/{file}, then open a new terminal")
    return Finding("shell", "ok", "your shell's files leave the CLI's variables alone")


def home_of(env: Mapping[str, str]) -> Path | None:
    """The user's home folder; None where there is none."""
    named = env.get("HOME") or env.get("USERPROFILE")
    return Path(named) if named else None


def client_settings(env: Mapping[str, str], workspace: Path) -> list[ClientSettings]:
    """The CLI's settings files of this user and this workspace that can be read, the one that wins first."""
    home = home_of(env)
    own = Path(env["CLAUDE_CONFIG_DIR"]) if env.get("CLAUDE_CONFIG_DIR") else home / ".claude" if home else None
    folder = workspace / ".claude"
    files = [folder / "settings.local.json", folder / "settings.json", *([own / "settings.json"] if own else [])]
    read = [(file, object_in(_text(file))) for file in files]
    return [ClientSettings(file, _env_in(told.get("env"))) for file, told in read if told]


def leads_past(files: list[ClientSettings], base_url: str) -> tuple[Path, str] | None:
    """The file, and the variable in it, that lead the CLI elsewhere than to `base_url`; None where none does."""
    for one in files:
        for name in ("ANTHROPIC_BASE_URL", *ELSEWHERE):
            ours = name == "ANTHROPIC_BASE_URL" and _same(one.env.get(name, ""), base_url)
            if _is_on(one.env, name) and not ours:
                return one.file, name
    return None


def _same(url: str, base_url: str) -> bool:
    return url.rstrip("/").replace("//localhost:", "//127.0.0.1:") == base_url


def _set_in(files: list[ClientSettings], names: tuple[str, ...]) -> Iterator[tuple[Path, str]]:
    for one in files:
        yield from ((one.file, name) for name in names if _is_on(one.env, name))


def _is_on(env: Mapping[str, str], name: str) -> bool:
    return env.get(name, "").strip().lower() not in _OFF


def _env_in(value: Any) -> dict[str, str]:
    return {str(name): str(one) for name, one in value.items()} if isinstance(value, dict) else {}


def _text(file: Path) -> str:
    """A small file's text; "" where it cannot be read, or is no file: a workspace may hold a pipe of that name."""
    try:
        if not file.is_file():
            return ""
        with file.open("rb") as opened:
            return opened.read(_LARGEST).decode("utf-8", "replace")
    except OSError:
        return ""

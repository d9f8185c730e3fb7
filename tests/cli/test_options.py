"""Options that commands share mean the same everywhere."""

from sidecar.cli import COMMANDS


def test_a_shared_option_has_one_name():
    """Every parameter called `json` is `--json`, `workspace` is `--workspace`, and so on."""
    seen = {}
    for command in COMMANDS.values():
        for part in command.parts.values() or [command]:
            for name, annotation in part.load().__annotations__.items():
                if name in {"json", "quiet", "verbose", "workspace", "host", "port", "provider", "auth"}:
                    seen.setdefault(name, set()).add(annotation)
    assert seen
    assert {name: kinds for name, kinds in seen.items() if kinds != {name.capitalize()}} == {}

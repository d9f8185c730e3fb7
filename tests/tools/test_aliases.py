"""Other names for our tools: each leads to one name, in lower case, and none hides a tool of its own."""

from sidecar.tools.aliases import ALIASES


def test_aliases_are_plain() -> None:
    for alias, name in ALIASES.items():
        assert alias == alias.casefold()
        assert name not in ALIASES or ALIASES[name] == name

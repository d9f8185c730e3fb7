"""Which messages speak of a fix."""

import pytest

from sidecar.risk.fixes import is_fix

CASES = {
    "Fix crash on empty input": True,
    "fix: handle None": True,
    "fix(parser)!: handle None": True,
    "fix(deps): update x": False,
    "feat: add a wrong-answer page": False,
    "docs: fix typo": False,
    "chore(ci): fix pipeline": False,
    "Fix typo": False,
    "Fixed failing tests": False,
    "Fix lint": False,
    "Handle the race condition in close": True,
    "The cache leaked": False,
    "Plug memory leak in cache": True,
    "CVE-2024-1234: check bounds": True,
    "Doesn't work on Windows": True,
    "Don't hang on shutdown": True,
    'Revert "Fix crash"': False,
    "Handle empty input\n\nFixes #12": True,
    "Add streaming\n\nFixes #12": False,
    "core: add streaming\n\nResolves GH-12": False,
    "Improve speed\n\nfixes issue #9": False,
    "Merge pull request #1 from x/fix": False,
    "": False,
    "Tidy": False,
    "prefix handling": False,
}


@pytest.mark.parametrize(("message", "expected"), CASES.items())
def test_is_fix(message, expected):
    assert is_fix(message) is expected

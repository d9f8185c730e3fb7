"""Versions in the names of models."""

from __future__ import annotations

import pytest

from sidecar.core.families import version_of


@pytest.mark.parametrize(
    ("name", "version"),
    [
        ("claude-sonnet-4-5", (4, 5)),
        ("claude-opus-4-1-20250805", (4, 1)),
        ("claude-sonnet-4-20250514", (4, 0)),
        ("claude-3-5-haiku-20241022", (3, 5)),
        ("claude-3.5-sonnet", (3, 5)),
        ("databricks-claude-opus-5-5", (5, 5)),
        ("anthropic.claude-opus-4-6-v1", (4, 6)),
        ("claude-opus-5", (5, 0)),
        ("claude-2.1", (2, 1)),
        ("gpt-4o", None),
        ("llama-4-maverick", None),
        ("", None),
    ],
)
def test_versions(name, version):
    assert version_of(name) == version

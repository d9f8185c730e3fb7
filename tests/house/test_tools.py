"""Each tool says what it is: a valid schema, a sentence for each argument, its effect; and the docs say the same."""

import re

import jsonschema
import pytest

from sidecar.core.tool import ToolSpec
from sidecar.tools import FAMILIES
from sidecar.tools.aliases import ALIASES
from tests.house.toolsdoc import PATH, families, text

SPECS = [spec for specs in families().values() for spec in specs]


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.name)
def test_a_tool_is_told_whole(spec: ToolSpec) -> None:
    jsonschema.Draft202012Validator.check_schema(dict(spec.input_schema))
    assert spec.input_schema["type"] == "object"
    assert re.fullmatch(r"[a-z]+(_[a-z]+)+", spec.name)
    assert re.match(r"[A-Z].{10,}", spec.description)
    assert len(spec.description) < 1_000
    assert spec.effect in {"read", "write", "run", "send"}
    for name, field in spec.input_schema["properties"].items():
        assert str(field.get("description", "")).endswith("."), f"{name} has no sentence"


def test_names_are_unique_and_every_family_has_some() -> None:
    names = [spec.name for spec in SPECS]
    assert len(names) == len(set(names))
    assert set(families()) == {*FAMILIES, "results", "skills", "mcp"}


def test_every_alias_leads_to_a_tool_of_ours_or_of_the_servers() -> None:
    names = {spec.name for spec in SPECS}
    assert sorted(name for name in ALIASES.values() if name not in names) == []


def test_the_docs_are_the_registrys() -> None:
    assert PATH.read_text(encoding="utf-8") == text(), "run `make docs`"

"""The schema says of each kind of setting what a TOML file may hold."""

from pathlib import Path
from typing import Annotated, Literal

import jsonschema
import pytest

from sidecar.core.secret import SecretStr
from sidecar.settings.fields import BeforeValidator, Group, Setting
from sidecar.settings.file_schema import schema_of


class Kinds(Group):
    """One of each."""

    text: Annotated[str, BeforeValidator(str)] = Setting("x", "A text.", {"env": ["TEXT"]}, {"min_length": 1})
    shape: str = Setting("a", "One with a shape.", {}, {"pattern": "^[a-c]$"})
    whole: int = Setting(1, "A number.", {}, {"ge": 1, "le": 9})
    perhaps: int | None = Setting(None, "Perhaps one.", {}, {"ge": 1})
    truth: bool = Setting(False, "A truth.")
    word: Literal["a", "b"] = Setting("a", "A word.")
    many: tuple[Path, ...] = Setting((), "Places.")
    table: dict[str, dict[str, float]] = Setting({}, "A table.")
    place: Path = Setting(Path("p"), "A place.")
    key: SecretStr | None = Setting(None, "A key.")


SCHEMA = schema_of({"kinds": Kinds}, "All of it.")


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        ("text", ["a"], ["", 5]),
        ("shape", ["b"], ["d"]),
        ("whole", [1, 9], [0, 10, "1"]),
        ("perhaps", [None, 1], [0, "x"]),
        ("truth", [True], ["yes"]),
        ("word", ["b"], ["c"]),
        ("many", [[], ["/a"]], ["/a", [1]]),
        ("table", [{"m": {"input": 1.5}}], [{"m": 1}, []]),
        ("place", ["/a"], [1]),
        ("key", ["k", None], [1]),
    ],
)
def test_takes_what_fits(name, good, bad):
    validator = jsonschema.Draft202012Validator(SCHEMA)
    for value in good:
        validator.validate({"kinds": {name: value}})
    for value in bad:
        assert list(validator.iter_errors({"kinds": {name: value}})), value


def test_tells_what_is_known_of_each():
    text = SCHEMA["$defs"]["Kinds"]["properties"]["text"]
    assert (text["description"], text["default"], text["env"]) == ("A text.", "x", ["TEXT"])
    assert SCHEMA["$defs"]["Kinds"]["properties"]["many"]["default"] == []
    assert SCHEMA["$defs"]["Kinds"]["properties"]["place"]["default"] == "p"
    assert SCHEMA["$defs"]["Kinds"]["properties"]["key"]["anyOf"][0]["writeOnly"]
    assert (SCHEMA["description"], SCHEMA["$defs"]["Kinds"]["description"]) == ("All of it.", "One of each.")
    assert SCHEMA["additionalProperties"] is False

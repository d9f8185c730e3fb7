"""Kinds of settings: what each takes, what it makes of it, and what it says of the rest."""

from pathlib import Path
from typing import Annotated, Literal

import pytest

from sidecar.core.secret import SecretStr
from sidecar.settings.fields import AfterValidator, BeforeValidator, Group, Setting, Wrong, checked, settings_of

Names = Annotated[tuple[str, ...], BeforeValidator(lambda v: v.split() if isinstance(v, str) else v)]


@pytest.mark.parametrize(
    ("kind", "value", "made"),
    [
        (str, "a", "a"),
        (int, 5, 5),
        (int, " -5 ", -5),
        (int, "1_000", 1000),
        (int, 5.0, 5),
        (int, "9" * 4000, int("9" * 4000)),
        (bool, True, True),
        (bool, "Yes", True),
        (bool, "on", True),
        (bool, 0, False),
        (bool, " f ", False),
        (float, 5, 5.0),
        (float, "1.5", 1.5),
        (Path, "/a", Path("/a")),
        (Path, Path("a"), Path("a")),
        (SecretStr, "s", SecretStr("s")),
        (SecretStr, SecretStr("s"), SecretStr("s")),
        (str | None, None, None),
        (str | None, "a", "a"),
        (Literal["a", "b"], "b", "b"),
        (tuple[int, ...], ["1", 2], (1, 2)),
        (dict[str, float], {"a": 1}, {"a": 1.0}),
        (dict[str, dict[str, float]], {"a": {"b": "2"}}, {"a": {"b": 2.0}}),
        (Names, "a b", ("a", "b")),
        (Names, ["a"], ("a",)),
        (Annotated[str, AfterValidator(str.upper)] | None, "a", "A"),
    ],
)
def test_takes(kind, value, made):
    assert checked(value, kind) == made
    assert type(checked(value, kind)) is type(made)


@pytest.mark.parametrize(
    ("kind", "value", "said"),
    [
        (str, 5, "text"),
        (str, None, "text"),
        (int, "x", "whole number"),
        (int, "1.5", "whole number"),
        (int, 1.5, "whole number"),
        (int, True, "whole number"),
        (int, "", "whole number"),
        (int, "_1", "whole number"),
        (int, "٣", "whole number"),
        (int, "9" * 5000, "whole number"),
        (int, None, "whole number"),
        (int, float("inf"), "whole number"),
        (bool, "ye", "true or false"),
        (bool, 2, "true or false"),
        (bool, [], "true or false"),
        (float, "x", "number"),
        (float, [], "number"),
        (Path, 5, "path"),
        (SecretStr, 5, "text"),
        (Literal["a", "b"], "c", "one of a, b"),
        (Literal["a", "b"], 1, "one of a, b"),
        (tuple[int, ...], "12", "list"),
        (tuple[int, ...], ["x"], "whole number"),
        (dict[str, float], [], "table"),
        (dict[str, float], {"a": "x"}, "number"),
        (dict[str, str], {1: "x"}, "text"),
        (Annotated[str, AfterValidator(int)], "x", "invalid literal"),
    ],
)
def test_refuses(kind, value, said):
    with pytest.raises(Wrong, match=said):
        checked(value, kind)


@pytest.mark.parametrize(
    ("kind", "limits", "good", "bad", "said"),
    [
        (int, {"ge": 1}, 1, 0, "at least 1"),
        (int, {"le": 9}, "9", "10", "at most 9"),
        (str, {"min_length": 1}, "a", "", "empty"),
        (str, {"min_length": 3}, "abc", "ab", "at least 3 characters"),
        (str, {"pattern": "^[a-c]+$"}, "abc", "abd", "look like"),
        (int | None, {"ge": 1}, None, 0, "at least 1"),
    ],
)
def test_limits(kind, limits, good, bad, said):
    checked(good, kind, limits)
    with pytest.raises(Wrong, match=said):
        checked(bad, kind, limits)


class Sample(Group):
    """For these tests."""

    size: int = Setting(3, "How large.", {"env": ["SIZE"]}, {"ge": 1})
    name: str | None = Setting(None, "Its name.")


def test_a_group_has_its_defaults_and_what_it_was_given():
    assert dict(Sample()) == {"size": 3, "name": None}
    assert dict(Sample(size="7")) == {"size": 7, "name": None}
    assert repr(Sample(name="x")) == "Sample(size=3, name='x')"
    assert Sample().size == 3


def test_a_wrong_value_is_named():
    with pytest.raises(Wrong) as caught:
        Sample(name="x", size=0)
    assert caught.value.name == "size"
    with pytest.raises(KeyError):
        Sample(sise=1)


def test_a_group_is_frozen():
    with pytest.raises(AttributeError, match="frozen"):
        Sample().size = 5


def test_settings_are_told_with_their_kinds():
    told = settings_of(Sample)
    assert told["size"].annotation is int
    assert told["name"].annotation == str | None
    assert (told["size"].default, told["size"].description, told["size"].extra) == (3, "How large.", {"env": ["SIZE"]})

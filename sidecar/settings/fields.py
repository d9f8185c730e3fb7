"""What a setting is: its default, its sentence, its kind; and the check of a value against that kind.

Written by hand for the dozen kinds that settings have. A library that does it for all kinds takes a quarter of the
time in which `sidecar serve` starts.
"""

from __future__ import annotations

import re
import typing
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, ClassVar, Final, Literal, Union, dataclass_transform, get_args, get_origin

from sidecar.core.secret import SecretStr

_WHOLE: Final = re.compile(r"\s*[+-]?\d{1,4000}(?:_\d{1,100})*\s*", re.ASCII)
_TRUE: Final = frozenset({"true", "t", "yes", "y", "on", "1"})
_FALSE: Final = frozenset({"false", "f", "no", "n", "off", "0"})


class Wrong(ValueError):
    """A value that cannot be taken: what is wrong with it, behind its name. `mend` tells whether an example helps."""

    def __init__(self, said: str, *, mend: bool = True, among: tuple[str, ...] = ()) -> None:
        super().__init__(said)
        self.said = said
        self.mend = mend
        self.among = among
        self.name = ""


@dataclass(frozen=True, slots=True)
class BeforeValidator:
    """In an annotation: a change of the value before it is checked. It raises ValueError with half a sentence."""

    change: Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class AfterValidator:
    """The same behind the check."""

    change: Callable[[Any], Any]


@dataclass(slots=True)
class Setting:
    """One setting. `limits` are `ge`, `le`, `min_length` and `pattern`; `extra` is what else is told of it."""

    default: Any
    description: str
    extra: Mapping[str, Any] = field(default_factory=dict)
    limits: Mapping[str, Any] = field(default_factory=dict)
    annotation: Any = None


@dataclass_transform(kw_only_default=True, frozen_default=True)
class Group:
    """Settings that belong together; a room is handed its own. Its fields are checked when it is made, then frozen."""

    _settings: ClassVar[Mapping[str, Setting]] = {}
    _kinds: ClassVar[Mapping[str, Any]] = {}

    def __init_subclass__(cls) -> None:
        cls._settings = {name: value for name, value in vars(cls).items() if isinstance(value, Setting)}
        for name, setting in cls._settings.items():
            setting.annotation = cls.__annotations__[name]
            setattr(cls, name, setting.default)

    def __init__(self, **values: Any) -> None:
        kinds = _kinds_of(type(self)) if values else {}
        for name, value in values.items():
            limits = self._settings[name].limits
            try:
                self.__dict__[name] = checked(value, kinds[name], limits)
            except Wrong as wrong:
                wrong.name = name
                raise

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"{type(self).__name__}.{name} is frozen")

    def __iter__(self) -> Iterator[tuple[str, Any]]:
        return ((name, getattr(self, name)) for name in self._settings)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in self)})"


def settings_of(group: type[Group]) -> Mapping[str, Setting]:
    """A group's settings by name, each with its kind in place of the words for it."""
    kinds = _kinds_of(group)
    for name, setting in group._settings.items():  # noqa: SLF001 - this file's own
        setting.annotation = kinds[name]
    return group._settings  # noqa: SLF001


def _kinds_of(group: type[Group]) -> Mapping[str, Any]:
    """The kinds of a group's settings, read from its annotations when they are first needed."""
    if not group._kinds:  # noqa: SLF001 - this file's own
        group._kinds = typing.get_type_hints(group, include_extras=True)  # noqa: SLF001
    return group._kinds  # noqa: SLF001


def checked(value: Any, kind: Any, limits: Mapping[str, Any] = {}) -> Any:
    """The value as this kind has it. Raises Wrong."""
    if get_origin(kind) is Annotated:
        return _annotated(value, kind, limits)
    if get_origin(kind) in {Union, UnionType}:
        inner = next(one for one in get_args(kind) if one is not NoneType)
        return None if value is None else checked(value, inner, limits)
    made = _composed(value, kind) if get_origin(kind) is not None else _SIMPLE[kind](value)
    _limit(made, limits)
    return made


def _annotated(value: Any, kind: Any, limits: Mapping[str, Any]) -> Any:
    inner, *marks = get_args(kind)
    try:
        for mark in marks:
            if isinstance(mark, BeforeValidator):
                value = mark.change(value)
        value = checked(value, inner, limits)
        for mark in marks:
            if isinstance(mark, AfterValidator):
                value = mark.change(value)
    except Wrong:
        raise
    except ValueError as error:
        raise Wrong(str(error), mend=False) from None
    return value


def _composed(value: Any, kind: Any) -> Any:
    origin, inner = get_origin(kind), get_args(kind)
    if origin is Literal:
        if value not in inner:
            raise Wrong(f"must be one of {', '.join(inner)}", mend=False, among=inner)
        return value
    if origin is tuple:
        if not isinstance(value, (list, tuple)):
            raise Wrong("must be a list")
        return tuple(checked(item, inner[0]) for item in value)
    if not isinstance(value, Mapping):
        raise Wrong("must be a table")
    return {checked(key, inner[0]): checked(item, inner[1]) for key, item in value.items()}


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise Wrong("must be a text")
    return value


def _whole(value: Any) -> int:
    if isinstance(value, str) and _WHOLE.fullmatch(value):
        return int(value)
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if not isinstance(value, int) or isinstance(value, bool):
        raise Wrong("is not a whole number")
    return value


def _truth(value: Any) -> bool:
    said = str(value).strip().lower() if isinstance(value, (str, bool, int)) else ""
    if said not in _TRUE | _FALSE:
        raise Wrong("must be true or false", mend=False)
    return said in _TRUE


def _number(value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):
        raise Wrong("must be a number") from None


def _path(value: Any) -> Path:
    if not isinstance(value, (str, Path)):
        raise Wrong("must be a path")
    return Path(value)


def _secret(value: Any) -> SecretStr:
    return value if isinstance(value, SecretStr) else SecretStr(_text(value))


_SIMPLE: Final[Mapping[Any, Callable[[Any], Any]]] = {
    str: _text,
    int: _whole,
    bool: _truth,
    float: _number,
    Path: _path,
    SecretStr: _secret,
}


def _limit(value: Any, limits: Mapping[str, Any]) -> None:
    for name, limit in limits.items():
        if name == "ge" and value < limit:
            raise Wrong(f"must be at least {limit}")
        if name == "le" and value > limit:
            raise Wrong(f"must be at most {limit}")
        if name == "min_length" and len(value) < limit:
            raise Wrong("is empty" if limit == 1 else f"must have at least {limit} characters")
        if name == "pattern" and not re.search(limit, value):
            raise Wrong(f"must look like {limit}")

"""The JSON schema of the user's TOML file, for editors that complete it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Final, Literal, Union, get_args, get_origin

from sidecar.core.secret import SecretStr
from sidecar.settings.fields import Group, Setting, settings_of

_SIMPLE: Final[Mapping[Any, Mapping[str, Any]]] = {
    str: {"type": "string"},
    int: {"type": "integer"},
    bool: {"type": "boolean"},
    float: {"type": "number"},
    Path: {"type": "string", "format": "path"},
    SecretStr: {"type": "string", "format": "password", "writeOnly": True},
}
_LIMITS: Final = {"ge": "minimum", "le": "maximum", "min_length": "minLength", "pattern": "pattern"}


def schema_of(groups: Mapping[str, type[Group]], about: str) -> dict[str, Any]:
    """The schema of a file with these groups as its tables."""
    tables = {kind.__name__: _table(kind.__doc__ or "", _properties(kind)) for kind in groups.values()}
    refs = {name: {"$ref": f"#/$defs/{kind.__name__}"} for name, kind in groups.items()}
    return {"$defs": dict(sorted(tables.items())), **_table(about, refs.items())}


def _table(about: str, properties: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    return {"type": "object", "description": about, "additionalProperties": False, "properties": dict(properties)}


def _properties(group: type[Group]) -> Iterable[tuple[str, dict[str, Any]]]:
    for name, setting in settings_of(group).items():
        yield name, {**_kind(setting.annotation, setting), "description": setting.description, **setting.extra}


def _kind(kind: Any, setting: Setting) -> dict[str, Any]:
    told = _with_limits(_bare(kind), setting.limits)
    default = setting.default
    if isinstance(default, (tuple, Path)):
        default = str(default) if isinstance(default, Path) else list(default)
    return {**told, "default": default}


def _with_limits(told: dict[str, Any], limits: Mapping[str, Any]) -> dict[str, Any]:
    bounds = {_LIMITS[name]: limit for name, limit in limits.items()}
    if "anyOf" in told:
        return {"anyOf": [{**told["anyOf"][0], **bounds}, *told["anyOf"][1:]]}
    return {**told, **bounds}


def _bare(kind: Any) -> dict[str, Any]:
    origin, inner = get_origin(kind), get_args(kind)
    if origin is Annotated:
        return _bare(inner[0])
    if origin in {Union, UnionType}:
        return {"anyOf": [_bare(next(one for one in inner if one is not NoneType)), {"type": "null"}]}
    if origin is Literal:
        return {"type": "string", "enum": list(inner)}
    if origin is tuple:
        return {"type": "array", "items": _bare(inner[0])}
    if origin is dict:
        return {"type": "object", "additionalProperties": _bare(inner[1])}
    return dict(_SIMPLE[kind])

"""Sentences for values that cannot be taken, and near matches for names that do not exist."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from typing import Any

from sidecar.core.errors import SetupError
from sidecar.settings.groups import extra_of, field_of
from sidecar.settings.values import spelled


def near(name: str, known: Iterable[str]) -> str:
    """` (did you mean X?)`, or nothing when no known name is like it."""
    found = difflib.get_close_matches(name, list(known), 1, 0.75)
    return f" (did you mean {found[0]}?)" if found else ""


def explain(path: str, value: object, origin: str, problem: Mapping[str, Any]) -> SetupError:
    """The error for a setting whose value pydantic refused: who set it, to what (a secret is not shown), and the mend."""
    info = field_of(path)
    extra = extra_of(info)
    set_by_name = re.fullmatch(r"[A-Z0-9_]+|-\S+", origin) is not None
    name = origin if set_by_name else f"{path} (in {origin})"
    shown = "" if "SecretStr" in str(info.annotation) else f" is {_short(value)}"
    variables = extra.get("env", [])
    variable = origin if origin in variables else next(iter(variables), None)
    wrong = _wrong(problem, value, extra.get("example", ""))
    return SetupError(f"{name}{shown}: it {wrong}{'' if wrong.endswith('?') else '.'}", variable)


def _wrong(problem: Mapping[str, Any], value: object, example: str) -> str:
    kind, context = str(problem["type"]), problem.get("ctx", {})
    mend = f"; write for example {example}" if example else ""
    match kind:
        case "int_parsing" | "int_type" | "int_from_float" | "int_parsing_size":
            said = f"is not a whole number{mend}"
        case "bool_parsing" | "bool_type":
            said = "must be true or false"
        case "greater_than_equal":
            said = f"must be at least {context['ge']}{mend}"
        case "less_than_equal":
            said = f"must be at most {context['le']}{mend}"
        case "literal_error":
            names = re.findall(r"'([^']+)'", str(context["expected"]))
            said = f"must be one of {', '.join(names)}{near(str(spelled(value)), names)}"
        case "value_error":
            said = str(context["error"])
        case _:
            said = f"cannot be used ({str(problem['msg'])[:1].lower()}{str(problem['msg'])[1:]}){mend}"
    return said


def _short(value: object) -> str:
    text = str(value) if isinstance(value, (str, int, float)) else repr(value)
    return f'"{text}"' if len(text) <= 80 else f'"{text[:77]}…"'

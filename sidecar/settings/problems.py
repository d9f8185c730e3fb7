"""Sentences for values that cannot be taken, and near matches for names that do not exist."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable

from sidecar.core.errors import SetupError
from sidecar.settings.fields import Wrong
from sidecar.settings.values import spelled
from sidecar.settings.whole import extra_of, field_of


def near(name: str, known: Iterable[str]) -> str:
    """` (did you mean X?)`, or nothing when no known name is like it."""
    found = difflib.get_close_matches(name, list(known), 1, 0.75)
    return f" (did you mean {found[0]}?)" if found else ""


def explain(path: str, value: object, origin: str, wrong: Wrong) -> SetupError:
    """The error for a setting whose value was refused: who set it, to what (a secret is not shown), and the mend."""
    info = field_of(path)
    extra = extra_of(info)
    set_by_name = re.fullmatch(r"[A-Z0-9_]+|-\S+", origin) is not None
    name = origin if set_by_name else f"{path} (in {origin})"
    shown = "" if "SecretStr" in str(info.annotation) else f" is {_short(value)}"
    variables = extra.get("env", [])
    variable = origin if origin in variables else next(iter(variables), None)
    said = wrong.said + near(str(spelled(value)), wrong.among)
    if wrong.mend and "example" in extra:
        said += f"; write for example {extra['example']}"
    return SetupError(f"{name}{shown}: it {said}{'' if said.endswith('?') else '.'}", variable)


def _short(value: object) -> str:
    text = str(value) if isinstance(value, (str, int, float)) else repr(value)
    text = re.sub(r"//[^/\s]*@", "//…@", text)  # an address may carry a password
    return f'"{text}"' if len(text) <= 80 else f'"{text[:77]}…"'

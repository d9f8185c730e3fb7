"""Makes the golden JSON schema of the `sidecar/*` methods out of `sidecar/editor/protocol.py`.

`python -m tests.editor.protocol_schema` (from the repository's root) writes `tests/golden/protocol.schema.json` anew.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pydantic.json_schema import GenerateJsonSchema, models_json_schema

from sidecar.editor import protocol

GOLDEN = Path(__file__).parents[1] / "golden" / "protocol.schema.json"


class _Untitled(GenerateJsonSchema):
    """Fields without titles: pydantic's say the name once more."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False


def protocol_schema() -> dict[str, Any]:
    """The schema: types under `$defs`, and the table of methods with what each takes and gives.

    What the client sends is described as the server reads it (fields with a default may be left out), what the
    server sends as it writes it (every field is there).
    """
    params = [taken for taken, _ in protocol.REQUESTS.values() if taken is not None]
    params += [answer for _, answer in protocol.HOST_REQUESTS.values()]
    results = [given for _, given in protocol.REQUESTS.values()]
    asked = [question for question, _ in protocol.HOST_REQUESTS.values()]
    sent = [*results, *protocol.NOTIFICATIONS.values(), *asked]
    models = [(m, "validation") for m in dict.fromkeys(params)] + [(m, "serialization") for m in dict.fromkeys(sent)]
    _, schema = models_json_schema(models, by_alias=True, ref_template="#/$defs/{model}", schema_generator=_Untitled)  # type: ignore[arg-type]
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Sidecar's own LSP methods",
        "description": "Made from sidecar/editor/protocol.py by tests/editor/protocol_schema.py; do not edit by hand.",
        "requests": {
            method: {"params": None if taken is None else _ref(taken), "result": _ref(given)}
            for method, (taken, given) in protocol.REQUESTS.items()
        },
        "hostRequests": {
            method: {"params": _ref(question), "result": _ref(answer)}
            for method, (question, answer) in protocol.HOST_REQUESTS.items()
        },
        "notifications": {method: {"params": _ref(given)} for method, given in protocol.NOTIFICATIONS.items()},
        "$defs": schema["$defs"],
    }


def protocol_schema_text() -> str:
    """The golden file's whole text."""
    return json.dumps(protocol_schema(), indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def _ref(model: type) -> dict[str, str]:
    return {"$ref": f"#/$defs/{model.__name__}"}


if __name__ == "__main__":
    GOLDEN.write_text(protocol_schema_text(), encoding="utf-8")

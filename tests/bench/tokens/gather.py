"""Gather pairs of a request and the usage that the API told of it, from recordings in public test suites.

    python -m tests.bench.tokens.gather FOLDER

FOLDER holds a checkout of each of `SOURCES`, named owner+name. Recordings are YAML files of requests and answers (as
VCR and its like write them). Nothing of their texts is kept: a pair is where it comes from, a digest of the request,
the model, what `sidecar.assistant.tokens.measure` saw in it, and the true count. Needs PyYAML.
"""

from __future__ import annotations

import dataclasses
import gzip
import hashlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sidecar.assistant.tokens import measure

Json = dict[str, Any]
PAIRS = Path(__file__).with_name("pairs.jsonl")
SOURCES = (
    "Mirascope+mirascope", "crmne+ruby_llm", "pydantic+pydantic-ai", "simonw+llm-anthropic", "traceloop+openllmetry",
    "Arize-ai+openinference", "tidyverse+ellmer", "pydantic+logfire",
)  # fmt: skip
"""Repositories under the MIT or the Apache licence."""

INPUT = ("input_tokens", "cache_read_input_tokens", "cache_creation_input_tokens")


def recordings(file: Path) -> Iterator[tuple[Json, Json]]:
    """Requests to the Messages API in one file, each with the usage that the first words of its answer told."""
    import yaml

    text = file.read_text(encoding="utf-8", errors="replace")
    if "anthropic.com/v1/messages" not in text:
        return
    try:
        found = yaml.load(text, getattr(yaml, "CSafeLoader", yaml.SafeLoader)) or {}
    except yaml.YAMLError:
        return
    for one in found.get("interactions") or found.get("http_interactions") or []:
        request, response = one["request"], one["response"]
        status = response.get("status")
        good = status == 200 or (isinstance(status, dict) and status.get("code") == 200)
        if "anthropic.com/v1/messages" not in request["uri"] or "batches" in request["uri"] or not good:
            continue
        body = _read(request.get("parsed_body") or request.get("body"))
        usage = _usage(_text(response.get("parsed_body") or response.get("body")))
        if body.get("messages") and usage:
            yield body, usage


def told(body: Json) -> bool:
    """Whether all that the model was shown stands in the request, in a form that can be measured."""
    tools = body.get("tools") or []
    plain = all(tool.get("type") in {None, "custom"} and not tool.get("defer_loading") for tool in tools)
    elsewhere = any(body.get(name) for name in ("mcp_servers", "container", "context_management"))
    text = json.dumps(body)
    served = "server_tool_use" in text or '_tool_result"' in text.replace('"tool_result"', "")
    media = '"type": "url"' in text or '"type": "file"' in text or '"type": "document"' in text
    return plain and not elsewhere and not served and not media


def pairs(folder: Path) -> Iterator[Json]:
    """Every pair once."""
    seen: set[str] = set()
    for source in SOURCES:
        for file in sorted((folder / source).rglob("*.y*ml")):
            for body, usage in recordings(file):
                counted = {
                    k: v for k, v in body.items() if k not in {"stream", "max_tokens", "temperature", "metadata"}
                }
                digest = hashlib.sha256(json.dumps(counted, sort_keys=True).encode()).hexdigest()[:12]
                if digest in seen or not told(body):
                    continue
                seen.add(digest)
                measures = {k: round(v, 2) for k, v in dataclasses.asdict(measure(body)).items() if v}
                tokens = sum(usage.get(name) or 0 for name in INPUT)
                told_by = source.replace("+", "/")
                yield {"source": told_by, "request": digest, "model": body["model"], "tokens": tokens, **measures}


def _text(body: Any) -> str:
    if isinstance(body, dict):
        body = body.get("string", body)
    if isinstance(body, bytes):
        try:
            body = gzip.decompress(body) if body[:2] == b"\x1f\x8b" else body
        except OSError:
            return ""
        body = body.decode("utf-8", "replace")
    return json.dumps(body) if isinstance(body, dict) else str(body or "")


def _read(body: Any) -> Json:
    try:
        value = json.loads(_text(body))
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def _usage(text: str) -> Json:
    """What an answer told of its input: whole, a count, or the first event of a stream. Empty where a tool ran there."""
    if '"type":"server_tool_use"' in text.replace(" ", ""):
        return {}
    if text.lstrip().startswith("{"):
        value = _read(text)
        return value if "usage" not in value and "input_tokens" in value else value.get("usage") or {}
    for line in text.splitlines():
        if line.startswith("data:") and "message_start" in line:
            return json.loads(line[5:])["message"].get("usage") or {}
    return {}


if __name__ == "__main__":
    rows = sorted(pairs(Path(sys.argv[1])), key=lambda row: (row["source"], row["request"]))
    PAIRS.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    print(f"{len(rows)} pairs")

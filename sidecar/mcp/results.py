"""What a server's tool brought, as a result of ours: bounded, text for the model, pictures apart."""

from __future__ import annotations

from typing import Any, Final

import mcp_types as types
import orjson

from sidecar.core.tool import ToolResult

MOST_TEXT: Final = 100_000
MOST_IMAGES: Final = 10
_MOST_VALUE: Final = 400_000


def converted(result: types.CallToolResult) -> ToolResult:
    """The result; what passes the bounds is cut and said to be."""
    texts: list[str] = []
    images: list[tuple[str, str]] = []
    for block in result.content:
        if isinstance(block, types.ImageContent) and len(images) < MOST_IMAGES:
            images.append((block.mime_type, block.data))
        else:
            texts.append(_text(block))
    text = "\n".join(filter(None, texts))
    if len(text) > MOST_TEXT:
        text = f"{text[:MOST_TEXT]}\n(cut: the server answered with {len(text):,} characters; ask it for less)"
    value = result.structured_content
    if value is not None and len(orjson.dumps(value, default=str)) > _MOST_VALUE:
        value = None
    if result.is_error and not text:
        text = "The tool failed and did not say why."
    return ToolResult(value=value, text=text, error=result.is_error, images=tuple(images))


def _text(block: Any) -> str:
    if isinstance(block, types.TextContent):
        return block.text
    if isinstance(block, types.ResourceLink):
        return f"{block.name}: {block.uri}"
    if isinstance(block, types.EmbeddedResource):
        inner = block.resource
        return inner.text if isinstance(inner, types.TextResourceContents) else f"(binary resource {inner.uri})"
    return f"({block.type}, which cannot be shown here)"

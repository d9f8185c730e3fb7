"""What servers answer becomes text, a value and pictures, within bounds."""

from __future__ import annotations

import mcp_types as types
import pytest

from sidecar.mcp.results import MOST_IMAGES, MOST_TEXT, converted


def text(words: str) -> types.TextContent:
    return types.TextContent(text=words)


BLOCKS = [
    (text("hello"), "hello"),
    (types.ResourceLink(name="a file", uri="file:///a"), "a file: file:///a"),
    (types.EmbeddedResource(resource=types.TextResourceContents(uri="x://y", text="inside")), "inside"),
    (types.EmbeddedResource(resource=types.BlobResourceContents(uri="x://y", blob="AA==")), "(binary resource x://y)"),
    (types.AudioContent(data="AA==", mime_type="audio/wav"), "(audio, which cannot be shown here)"),
]


@pytest.mark.parametrize(("block", "words"), BLOCKS)
def test_every_kind_of_block_is_told(block, words: str) -> None:
    assert converted(types.CallToolResult(content=[block])).text == words


def test_pictures_stand_apart() -> None:
    picture = types.ImageContent(data="AA==", mime_type="image/png")
    result = converted(types.CallToolResult(content=[text("look"), *[picture] * (MOST_IMAGES + 1)]))
    assert result.images == (("image/png", "AA=="),) * MOST_IMAGES
    assert result.text.startswith("look")


def test_structure_and_failure_are_kept() -> None:
    result = converted(types.CallToolResult(content=[text("x")], structured_content={"a": 1}, is_error=True))
    assert (result.value, result.error) == ({"a": 1}, True)
    assert "did not say why" in converted(types.CallToolResult(content=[], is_error=True)).text


def test_what_is_too_much_is_cut_and_said_to_be() -> None:
    huge = "x" * (MOST_TEXT * 10)
    result = converted(types.CallToolResult(content=[text(huge)], structured_content={"a": huge}))
    assert len(result.text) < MOST_TEXT + 200
    assert "cut: the server answered with 1,000,000 characters" in result.text
    assert result.value is None

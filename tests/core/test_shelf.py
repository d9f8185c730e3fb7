"""Documents and prompts are values, and the fake shelf has the port's shape."""

from dataclasses import FrozenInstanceError

import pytest

from sidecar.core.shelf import Document, Parameter, Shelf
from tests.fakes.toolbox import FakeShelf


async def test_a_document_is_read_when_it_is_asked_for() -> None:
    shelf: Shelf = FakeShelf()
    document = shelf.documents()[0]
    assert isinstance(document, Document)
    assert "static text" in await document.read()
    with pytest.raises(FrozenInstanceError):
        document.uri = "test://other"  # type: ignore[misc]


def test_a_parameter_is_optional_unless_it_is_said() -> None:
    assert Parameter("range").required is False

"""For the provider tests: providers whose connections are closed at the test's end."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from sidecar.core.ports import Provider
from sidecar.providers.models import ModelMap
from sidecar.providers.transport import Limits, Transport
from tests.providers.asking import QUICK, Make, provider


@pytest.fixture
async def make() -> AsyncIterator[Make]:
    """Makes providers whose connections are closed at the test's end."""
    opened: list[Transport] = []

    def build(name: str, url: str, *, limits: Limits = QUICK, models: ModelMap | None = None) -> Provider:
        opened.append(Transport(limits=limits))
        return provider(name, url, opened[-1], models)

    yield build
    for transport in opened:
        await transport.aclose()

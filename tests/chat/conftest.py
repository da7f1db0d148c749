"""Servers to write to."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.servers.model_server import model_server
from tests.servers.scripted_server import scripted_server
from tests.servers.server_process import RunningServer


@pytest.fixture
def server() -> Iterator[RunningServer]:
    """A scripted server that always answers well, at once."""
    with scripted_server() as running:
        yield running


@pytest.fixture(scope="session")
def real_server() -> Iterator[RunningServer]:
    """`transformers serve` with the embedded backbone; seconds to start."""
    with model_server() as running:
        yield running

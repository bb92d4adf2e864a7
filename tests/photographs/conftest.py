"""A server for each test, and a list of what was said."""

from collections.abc import Iterator

import pytest
from serving import Server


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.setenv(name, "127.0.0.1")
    monkeypatch.delenv("CINCGAN_OFFLINE", raising=False)
    running = Server()
    yield running
    running.close()


@pytest.fixture
def said() -> list[str]:
    """What was said on the way; give its ``append`` as ``say``."""
    return []

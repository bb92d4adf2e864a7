"""A server for each test, and a list of what was said."""

import os
from collections.abc import Iterator

import pytest
from serving import PARTS, Server, numbered


@pytest.fixture(scope="session", autouse=True)
def _quick_disk():
    """Waiting for the disk, thousands of times for tiny files, would be most of the time of these tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda _: None)
        yield


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


@pytest.fixture(scope="session")
def official(tmp_path_factory):
    """DIV2K as the official archives unpack to, with all its names, but small; tests must not change it.

    The pixels of every photograph begin with its number, so that a test can tell which one it has.
    """
    folder = tmp_path_factory.mktemp("official")
    for part, numbers, suffix, side in PARTS:
        (folder / part).mkdir(parents=True)
        for number in numbers:
            (folder / part / f"{number:04d}{suffix}").write_bytes(numbered(number, side))
    return folder

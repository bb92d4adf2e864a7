"""Shared by the tests of the course: where things are, and the generator, which is no part of the library."""

import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(Path(__file__).parent), str(ROOT / "assignments")]


@pytest.fixture(scope="session")
def root():
    return ROOT

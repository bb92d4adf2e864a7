"""The examples in the library's docstrings do what they say."""

import doctest
import importlib
import pkgutil

import pytest

import cincgan_tutorial

MODULES = ["cincgan_tutorial"] + [
    module.name
    for module in pkgutil.walk_packages(cincgan_tutorial.__path__, "cincgan_tutorial.")
    if not module.name.endswith("__main__")
]


@pytest.mark.parametrize("name", MODULES)
def test_examples_in_docstrings(name):
    assert doctest.testmod(importlib.import_module(name)).failed == 0

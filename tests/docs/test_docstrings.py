"""The examples in docstrings run."""

import doctest
import importlib
import pkgutil

import pytest

import cove

MODULES = sorted(
    module.name
    for module in pkgutil.walk_packages(cove.__path__, "cove.")
    if "__main__" not in module.name and ".migrations" not in module.name
)


@pytest.mark.parametrize("name", MODULES)
def test_examples_are_true(name: str) -> None:
    assert doctest.testmod(importlib.import_module(name)).failed == 0

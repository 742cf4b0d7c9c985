"""The tests of tests/isolation/test_walls.py, on a Cove of an ordinary user's."""

from tests.isolation.test_walls import *  # noqa: F403 - all of them

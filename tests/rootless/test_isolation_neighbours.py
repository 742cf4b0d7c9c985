"""The tests of tests/isolation/test_neighbours.py, on a Cove of an ordinary user's."""

from tests.isolation.test_neighbours import *  # noqa: F403 - all of them

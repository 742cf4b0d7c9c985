"""The tests of tests/isolation/test_network.py, on a Cove of an ordinary user's."""

from tests.isolation.test_network import *  # noqa: F403 - all of them

"""The tests of tests/isolation/test_limits.py, on a Cove of an ordinary user's."""

from tests.isolation.test_limits import *  # noqa: F403 - all of them

"""The tests of tests/isolation/test_calls.py, on a Cove of an ordinary user's."""

from tests.isolation.test_calls import *  # noqa: F403 - all of them

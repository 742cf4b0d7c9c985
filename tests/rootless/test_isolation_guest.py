"""The tests of tests/isolation/test_guest.py, on a Cove of an ordinary user's."""

from tests.isolation.test_guest import *  # noqa: F403 - all of them

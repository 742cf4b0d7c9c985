"""The tests of tests/isolation/test_deletion.py, on a Cove of an ordinary user's."""

from tests.isolation.test_deletion import *  # noqa: F403 - all of them

"""The tests of tests/isolation/test_socket_path.py, on a Cove of an ordinary user's."""

from tests.isolation.test_socket_path import *  # noqa: F403 - all of them

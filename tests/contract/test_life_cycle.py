"""A session from its making to its end, as each client sees it."""

from typing import Any

from tests.contract.clients import for_each


@for_each()
def test_session_lives_until_it_is_deleted(cloud: Any) -> None:
    made = cloud.create()
    assert made.success, made
    assert made.request_id
    assert cloud.get(made.session.session_id).success
    assert made.session.delete().success
    assert not cloud.get(made.session.session_id).success

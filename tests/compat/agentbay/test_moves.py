"""What a client that asks, and looks at once whether it is done, finds."""

from typing import Any

import pytest


@pytest.mark.parametrize(
    ("action", "status"),
    [("PauseSessionAsync", "PAUSED"), ("ResumeSessionAsync", "RUNNING"), ("DeleteSessionAsync", "FINISH")],
)
def test_wish_is_fulfilled_before_the_client_looks(ask: Any, action: str, status: str) -> None:
    session = ask("CreateMcpSession")["Data"]["SessionId"]
    if action == "ResumeSessionAsync":
        ask("PauseSessionAsync", SessionId=session)
    assert ask(action, SessionId=session)["Success"]
    assert ask("GetSessionDetail", SessionId=session)["Data"]["Status"] == status

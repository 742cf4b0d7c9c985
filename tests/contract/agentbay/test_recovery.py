"""A script whose server dies under it, and comes back."""

from collections.abc import Iterator
from typing import Any

import pytest
from tests.contract.clients import AGENTBAY, Client, for_each
from tests.contract.conftest import API_MODE_IMAGE, Place, serving
from tests.environment import claim_port


@pytest.fixture(scope="module")
def mortal() -> Iterator[Place]:
    """A Cove at a port of its own, where a later server of its data directory is found, too."""
    with serving(COVE_PORT=str(claim_port())) as place:
        yield place


@for_each(*AGENTBAY[1::3], AGENTBAY[-1])
def test_script_goes_on_where_its_server_was_killed(client: Client, mortal: Place) -> None:
    key = mortal.make_key()
    cloud = mortal.begin(client, key)
    process = mortal.process(client)
    made = [
        cloud.create(process.find(client.params)(image_id=image)).session for image in ("linux_latest", API_MODE_IMAGE)
    ]
    for session in made:
        _run(session, "echo kept > /tmp/kept; nohup sleep 1000 >/dev/null 2>&1 & until pgrep -x sleep; do :; done")
    mortal.server.kill()
    mortal.server.up()
    for session in made:
        assert _run(session, "cat /tmp/kept; pgrep -c sleep") == "kept\n1\n"
        assert cloud.get(session.session_id).success
        assert session.delete().success
    assert cloud.list().session_ids == []


def _run(session: Any, command: str) -> str:
    done = session.command.execute_command(command)
    assert done.success, done
    return str(done.output)

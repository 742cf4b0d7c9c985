"""What a script of an official client does, whatever lies between it and Cove: over TLS, and through a proxy."""

from typing import Any

from tests.contract.clients import AGB, AGENTBAY, ENOUGH, Client
from tests.contract.far import Process
from tests.tls.conftest import KEY

CLIENTS = (*[client for client in AGENTBAY if client.version in {"0.13.1", "0.22.3"}], AGB[-1])
NEWEST = [client for client in CLIENTS if client.version in {"0.22.3", "0.12.0"}]


def names(clients: Any) -> list[str]:
    """For pytest."""
    return [client.id for client in clients]


def endpoint_of(client: Client, host: str) -> str:
    """AgentBay's clients take a host alone for https://, and behind a proxy nothing else; AGB's take an address."""
    return f"https://{host}" if client.package == "agb" else host


def run_script(client: Client, host: str, bundle: str) -> None:
    """Make a session, run a command by its LinkUrl or the API, write a file, follow its changes, and end it."""
    trusting = {"SSL_CERT_FILE": bundle, "REQUESTS_CA_BUNDLE": bundle}
    process = Process(
        client, **{client.endpoint_variable: endpoint_of(client, host), client.key_variable: KEY}, **trusting
    )
    try:
        cloud = process.find(client.entry)()
        made = cloud.create(wish(process, client))
        assert made.success, made.error_message
        session = made.session
        if client.release >= ((0, 12) if client.package == "agb" else (0, 15)):
            assert session.link_url.startswith("https://")
        use(client, session)
        deleted = session.delete() if client.package != "agb" else cloud.delete(session)
        assert deleted.success, deleted.error_message
    finally:
        process.close()


def wish(process: Process, client: Client) -> Any:
    """AGB's newest client must name an image."""
    if client.package == "agb":
        return process.find("agb.session_params:CreateSessionParams")(image_id="agb-code-space-1")
    return process.find(client.params)()


def use(client: Client, session: Any) -> None:
    """A command, a file of some size, and what is told of a change."""
    if client.package == "agb":
        done = session.command.execute("echo 'from inside'")
        assert session.file.write("/tmp/large", "x" * 200_000).success
        assert len(session.file.read("/tmp/large").content) == 200_000
    else:
        done = session.command.execute_command("echo 'from inside'", ENOUGH)
        assert session.file_system.write_file("/tmp/large", "x" * 200_000).success
        assert len(session.file_system.read_file("/tmp/large").content) == 200_000
    assert done.success, done.error_message
    assert done.output == "from inside\n"

"""Makes sessions of AGB's client."""

from typing import Any

import httpx2
from tests.asking import PLAIN
from tests.contract.agb.words import good
from tests.contract.clients import Client
from tests.contract.conftest import Place

IMAGE = "agb-code-space-1"


class Maker:
    """Makes a tenant's sessions."""

    def __init__(self, place: Place, client: Client, key: str, cloud: Any) -> None:
        self.place, self.client, self.key, self.cloud = place, client, key, cloud

    def wish(self, **params: Any) -> Any:
        """The parameters of a session; AGB's newest client must name an image."""
        return self.place.process(self.client).find(self.client.params)(**{"image_id": IMAGE, **params})

    def make(self, **params: Any) -> Any:
        """A session that runs."""
        return good(self.cloud.create(self.wish(**params))).session

    def ask(self, path: str, session_id: str) -> Any:
        """What an endpoint answers that this client has no method for."""
        headers = {"authorization": f"Bearer {self.key}"}
        body = {"sessionId": session_id}
        url = f"{self.place.url}{path}"
        return httpx2.post(url, json=body, headers=headers, trust_env=False, verify=PLAIN, timeout=30).json()

    def status(self, session: Any) -> str:
        """Its state."""
        return str(self.ask("/mcp/getSessionInfo", session.session_id)["data"]["status"])

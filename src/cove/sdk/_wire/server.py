"""Requests about the server itself: what it is, its images, its keys."""

from cove.core.api import Capabilities, CreateKey, Health, ImageList, KeyList, NewKey
from cove.sdk._wire.messages import Nothing, Request, body_of, segment


def health() -> Request[Health]:
    """Whether it answers at all; quickly or not at all."""
    return Request(method="GET", path="/healthz", shape=Health, read_timeout=5.0)


def capabilities() -> Request[Capabilities]:
    """What its isolation truly gives."""
    return Request(method="GET", path="/capabilities", shape=Capabilities)


def images() -> Request[ImageList]:
    """The images it serves, and their aliases."""
    return Request(method="GET", path="/v1/images", shape=ImageList)


def keys() -> Request[KeyList]:
    """Every API key, without secrets."""
    return Request(method="GET", path="/v1/keys", shape=KeyList)


def create_key(wanted: CreateKey) -> Request[NewKey]:
    """Make a key. Never sent twice: a lost answer would leave a key that nobody knows."""
    body = body_of("tenant", {"tenant": wanted.tenant, "is_operator": wanted.is_operator})
    return Request(method="POST", path="/v1/keys", shape=NewKey, body=body, repeatable=False)


def revoke_key(key_id: str) -> Request[Nothing]:
    """Make a key useless."""
    return Request(method="DELETE", path=f"/v1/keys/{segment('key_id', key_id)}", shape=Nothing)

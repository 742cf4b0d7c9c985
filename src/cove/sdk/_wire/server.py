"""Requests about the server itself: what it is, its images, its keys."""

import msgspec

from cove.core.api import Capabilities, CreateKey, Health, ImageList, KeyList, NewKey, QuotaList, QuotaView, UsagePage
from cove.core.quotas import Quota
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


def usage(cursor: str = "") -> Request[UsagePage]:
    """What sessions use, a hundred to a page."""
    query = (("limit", "100"), *((("cursor", cursor),) if cursor else ()))
    return Request(method="GET", path="/v1/usage", shape=UsagePage, query=query)


def keys() -> Request[KeyList]:
    """Every API key, without secrets."""
    return Request(method="GET", path="/v1/keys", shape=KeyList)


def create_key(wanted: CreateKey) -> Request[NewKey]:
    """Make a key. Never sent twice: a lost answer would leave a key that nobody knows."""
    body = body_of("tenant", msgspec.structs.asdict(wanted))
    return Request(method="POST", path="/v1/keys", shape=NewKey, body=body, repeatable=False)


def rotate_key(key_id: str, overlap: float | None) -> Request[NewKey]:
    """Make a key in the place of another. Never sent twice: the second would be another key."""
    path = f"/v1/keys/{segment('key_id', key_id)}/rotate"
    return Request(
        method="POST", path=path, shape=NewKey, body=body_of("overlap", {"overlap": overlap}), repeatable=False
    )


def revoke_key(key_id: str) -> Request[Nothing]:
    """Make a key useless."""
    return Request(method="DELETE", path=f"/v1/keys/{segment('key_id', key_id)}", shape=Nothing)


def quotas() -> Request[QuotaList]:
    """Tenants' quotas, beside what they use."""
    return Request(method="GET", path="/v1/quotas", shape=QuotaList)


def set_quota(tenant: str, quota: Quota) -> Request[QuotaView]:
    """Replace a tenant's quota."""
    body = body_of("quota", msgspec.structs.asdict(quota))
    return Request(method="PUT", path=f"/v1/quotas/{segment('tenant', tenant)}", shape=QuotaView, body=body)


def clear_quota(tenant: str) -> Request[QuotaView]:
    """Remove a tenant's own quota."""
    return Request(method="DELETE", path=f"/v1/quotas/{segment('tenant', tenant)}", shape=QuotaView)

"""Routes under /v1/keys."""

from litestar import delete, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody

from cove.core.api import CreateKey, KeyList, KeyView, NewKey, RotateKey
from cove.server.http.documents import ERRORS, NOT_FOUND, OPERATOR
from cove.server.http.views import key_view
from cove.server.keys import USUAL_OVERLAP, Keys
from cove.server.parts import Caller


@get("/keys", responses=ERRORS)
async def list_keys(key_chain: NamedDependency[Keys], caller: NamedDependency[Caller]) -> KeyList:
    """Every key, for an operator; else the tenant's own. Secrets are never shown again."""
    return KeyList(keys=[key_view(key) for key in await key_chain.list(caller)])


@post("/keys", responses={**ERRORS, 403: OPERATOR})
async def create_key(
    data: JSONBody[CreateKey], key_chain: NamedDependency[Keys], caller: NamedDependency[Caller]
) -> NewKey:
    """Make a key; its secret is in this answer and nowhere else."""
    key, secret = await key_chain.create(
        caller, data.tenant, is_operator=data.is_operator, name=data.name, expires_in=data.expires_in
    )
    return NewKey(key=key_view(key), secret=secret)


@post("/keys/{key_id:str}/rotate", responses={**ERRORS, 403: OPERATOR, 404: NOT_FOUND})
async def rotate_key(
    key_id: FromPath[str],
    data: JSONBody[RotateKey],
    key_chain: NamedDependency[Keys],
    caller: NamedDependency[Caller],
) -> NewKey:
    """Make a key in the place of another, which works on for the overlap only; the secret is in this answer alone."""
    overlap = USUAL_OVERLAP if data.overlap is None else data.overlap
    key, secret = await key_chain.rotate(caller, key_id, overlap)
    return NewKey(key=key_view(key), secret=secret)


@delete("/keys/{key_id:str}", status_code=200, responses={**ERRORS, 403: OPERATOR, 404: NOT_FOUND})
async def revoke_key(
    key_id: FromPath[str], key_chain: NamedDependency[Keys], caller: NamedDependency[Caller]
) -> KeyView:
    """Revoke a key: from the next request on, it is refused."""
    return key_view(await key_chain.revoke(caller, key_id))

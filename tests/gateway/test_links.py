"""A link, as programs and browsers use it."""


import pytest
from tests.gateway.world import World, answering, request_head

pytestmark = pytest.mark.anyio


async def test_a_program_appends_paths_to_a_link(world: World) -> None:
    seen: list[bytes] = []
    await world.inside(answering(b"hello", "Content-Type: text/plain", requests=seen))
    token = world.door.link()

    answer = await world.get(f"/_cove/{token}/deep/path?x=1&y=%20")

    assert (answer.status, answer.text, answer.one("content-type")) == (200, "hello", "text/plain")
    assert request_head(seen[0])[0] == "GET /deep/path?x=1&y=%20 HTTP/1.1"


@pytest.mark.parametrize(("appended", "inside"), [("", "/"), ("/", "/"), ("?a=1", "/?a=1"), ("//x", "//x")])
async def test_whatever_follows_the_token_is_the_path_inside(world: World, appended: str, inside: str) -> None:
    seen: list[bytes] = []
    await world.inside(answering(requests=seen))

    await world.get(f"/_cove/{world.door.link()}{appended}")

    assert request_head(seen[0])[0] == f"GET {inside} HTTP/1.1"

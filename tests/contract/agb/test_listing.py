"""Labels, lists by them, and links, as AGB's newest client has them; the first generation has links alone."""

from typing import Any

import httpx2
import pytest
from tests.contract.agb.conftest import Make
from tests.contract.agb.making import Maker
from tests.contract.agb.words import command, files, good, refused
from tests.contract.clients import AGB, ENOUGH, for_each
from tests.waiting import until

NEWEST = for_each(*AGB, since="0.12")


@NEWEST
def test_labels_are_replaced_as_a_whole(make: Make) -> None:
    session = make(labels={"naïve": "v ü", "n": "1"})
    assert good(session.get_labels()).data == {"naïve": "v ü", "n": "1"}
    good(session.set_labels({"b": "2"}))
    assert good(session.get_labels()).data == {"b": "2"}


@NEWEST
def test_session_without_labels_has_an_empty_map(make: Make) -> None:
    assert good(make().get_labels()).data == {}


@NEWEST
def test_sessions_are_listed_by_all_of_their_labels(make: Make, cloud: Any) -> None:
    one, two = (make(labels={"all": "y", "n": str(n)}).session_id for n in range(2))
    for labels, wanted in [
        ({"all": "y"}, [two, one]),
        ({"all": "y", "n": "0"}, [one]),
        ({"n": "2"}, []),
        ({}, [two, one]),
    ]:
        found = good(cloud.list(labels))
        assert (found.session_ids, found.total_count) == (wanted, len(wanted))
    assert good(cloud.list()).session_ids == [two, one]


@NEWEST
def test_list_is_walked_page_by_page(make: Make, cloud: Any) -> None:
    made = [make(labels={"in": "pages"}).session_id for _ in range(5)]
    pages = [good(cloud.list({"in": "pages"}, page=page, limit=2)) for page in (1, 2, 3)]
    assert [session_id for page in pages for session_id in page.session_ids] == made[::-1]
    assert [len(page.session_ids) for page in pages] == [2, 2, 1]
    assert {(page.max_results, page.total_count) for page in pages} == {(2, 5)}
    assert [bool(page.next_token) for page in pages] == [True, True, False]
    refused(cloud.list({"in": "pages"}, page=4, limit=2), "Cannot reach page 4: No more pages available")
    refused(cloud.list({"in": "pages"}, page=0), "Page number must be >= 1")
    refused(cloud.list(limit=0), "maxResults")


@for_each(*AGB)
def test_link_leads_to_what_a_session_serves(session: Any) -> None:
    good(files(session).mkdir("/tmp/served"))
    good(files(session).write("/tmp/served/page.txt", "seen"))
    good(
        command(session).execute(
            "(cd /tmp/served && exec python3 -m http.server 30123) > /tmp/log 2>&1 &", timeout_ms=ENOUGH
        )
    )
    url = good(session.get_link("https", 30123)).data

    def page() -> str:
        answer = httpx2.get(f"{url.rstrip('/')}/page.txt", trust_env=False, timeout=60)
        return answer.text if answer.status_code == 200 else ""

    assert until(page, "an answer from inside") == "seen"
    assert good(session.get_link("wss", 30123)).data.startswith("ws")


@for_each(*AGB)
@pytest.mark.parametrize(
    ("protocol", "port"), [("https", 80), ("https", 30099), ("https", 30200), ("ftp", 30100), (None, None)]
)
def test_link_that_cannot_be_is_refused(session: Any, protocol: str | None, port: int | None) -> None:
    refused(session.get_link(protocol, port))


@NEWEST
def test_asynchronous_methods_of_the_low_client_work(maker: Maker, make: Make) -> None:
    session = make()
    find = maker.place.process(maker.client).find
    key = f"Bearer {maker.key}"
    request = find("agb.api.models:RefreshSessionIdleTimeRequest")(authorization=key, session_id=session.session_id)
    assert maker.cloud.client.refresh_session_idle_time_async(request).is_successful()
    wish = {"authorization": key, "session_id": session.session_id, "protocol_type": "https", "port": 30101}
    found = maker.cloud.client.get_link_async(find("agb.api.models:GetLinkRequest")(**wish))
    assert found.get_url() == good(session.get_link("https", 30101)).data

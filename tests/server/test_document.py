"""The OpenAPI document, and the routes that anybody may ask."""

import httpx2

from cove.core.version import __version__


def test_document_describes_every_route_and_its_errors(http: httpx2.Client) -> None:
    document = http.get("/v1/openapi.json").json()
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            assert operation["description"], (method, path)
            errors = {status: answer for status, answer in operation["responses"].items() if status >= "400"}
            assert errors or not path.startswith("/v1/")
            for answer in errors.values():
                schema = answer["content"]["application/json"]["schema"]
                assert schema == {"$ref": "#/components/schemas/ErrorAnswer"}, (method, path)


def test_document_says_where_no_field_may_be_unknown(http: httpx2.Client) -> None:
    schemas = http.get("/v1/openapi.json").json()["components"]["schemas"]
    assert schemas["CreateSession"]["additionalProperties"] is False
    assert schemas["Quota"]["additionalProperties"] is False
    assert "additionalProperties" not in schemas["SessionView"]


def test_anybody_may_ask_what_this_is(http: httpx2.Client) -> None:
    health = http.get("/healthz", headers={"Authorization": ""}).json()
    assert (health["status"], health["version"]) == ("ok", __version__)
    assert http.get("/capabilities").json()["isolation"]["driver"] == "simulated"


def test_images_and_their_tools_are_listed(http: httpx2.Client, session: str) -> None:
    assert "linux_latest" in http.get("/v1/images").json()["images"]
    tools = http.get("/v1/images/linux_latest/tools").json()
    assert "shell" in [tool["name"] for tool in tools["tools"]]
    assert http.get(f"/v1/sessions/{session}/tools").json() == tools

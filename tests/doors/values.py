"""Bad requests by what is in them: JSON that is none, values that do not fit, lists with gaps, wrong bodies."""

import gzip
import json
from typing import Any

from tests.doors.rows import KIB, REST, RPC, Build, Case, Row, raw, wish
from tests.doors.speaking import BY_ACTION, Request

_NO_JSON = {
    "cut short": "{",
    "without a value": '{"a":}',
    "in Python's quotes": "{'a': 'b'}",
    "two at once": '{"a":"b"}{"c":"d"}',
    "a list": '["a"]',
    "a text": '"a"',
    "a number": "17",
    "null": "null",
    "true": "true",
    "NaN": '{"a": NaN}',
    "half of a surrogate pair": '{"a": "\\ud800"}',
    "a control character": '{"a": "\n"}',
    "a byte order mark": '\ufeff{"a": "b"}',
    "a NUL": '{"a": "b"}\0',
    "20,000 deep": '{"a":' * 20_000,
    "100,000 lists deep": '{"a":' + "[" * 100_000,
}


def json_in_json() -> list[Row]:
    places = {
        "labels of a session": ("CreateMcpSession", "labels", {}),
        "labels to be set": ("SetLabel", "labels", {}),
        "labels to look for": ("ListSession", "labels", {}),
        "arguments": ("CallMcpTool", "args", {"name": "shell"}),
        "stored data": ("CreateMcpSession", "persistence_data_list", {}),
    }
    rows = []
    for place, (action, field, more) in places.items():
        for said, text in _NO_JSON.items():
            build = wish(action, **more, **{field: text})
            rows.append(Row(name=f"JSON in JSON, {said}: {place}", build=build, says=field.replace("_", "")))
    fits_not = {"a number for a text": '{"a": 1}', "a map in the map": '{"a": {}}'}
    for said, text in fits_not.items():
        for action in ("CreateMcpSession", "SetLabel", "ListSession"):
            rows.append(Row(name=f"labels, {said}: {action}", build=wish(action, labels=text), says="labels"))
    return rows


def values() -> list[Row]:
    """Values that do not fit: each is told by its name."""
    bad: dict[str, tuple[str, str, tuple[Any, ...]]] = {
        "a boolean": ("CreateMcpSession", "manual_release", ("perhaps", "2", "tru e", "truefalse", "\0", "nan")),
        "a lifetime": ("CreateMcpSession", "idle_timeout", ("soon", "-1", "0", "1.5", "1e3", "9" * 40, "٣", "0x10")),
        "a page's length": ("ListSession", "max_results", ("ten", "0", "-5", "9" * 40, "1.0")),
        "a place in the list": ("ListSession", "next_token", ("!!", "e30=", "MQ==", "W10=", "\0", "x" * 5000)),
        "a state": ("ListSession", "status", ("ASLEEP", "running ", "\0", "x" * 5000)),
    }
    named = {"next_token": "cursor", "idle_timeout": "timeout", "manual_release": "manualrelease"}
    rows = []
    for said, (action, field, values) in bad.items():
        for value in values:
            name = f"{said}, {value[:20]!r}"
            says = named.get(field, field.replace("_", ""))
            rows.append(Row(name=name, build=_sent(action, field, value), says=says))
    return rows


def _sent(action: str, field: str, value: str) -> Build:
    names = {"idle_timeout": "timeout"}
    return wish(action, **{names.get(field, field): value})


def lists() -> list[Row]:
    """Lists with gaps, as the form can have them; in JSON what comes nearest is a list that holds nothing."""
    gaps = {
        "from 2": {"ExtraConfigs.Apps.2": "a"},
        "from 0": {"ExtraConfigs.Apps.0": "a", "ExtraConfigs.Apps.1": "b"},
        "1 and 3": {"ExtraConfigs.Apps.1": "a", "ExtraConfigs.Apps.3": "b"},
        "a leading zero": {"ExtraConfigs.Apps.01": "a"},
        "a number of 4,000 digits": {"ExtraConfigs.Apps." + "9" * 4000: "a"},
        "digits of another script": {"PersistenceDataList.\u0661": "a"},
        "a gap in a list of lists": {"PersistenceDataList.1.1": "a", "PersistenceDataList.1.3": "b"},
        "a whole and its parts": {"Labels": "{}", "Labels.1": "a"},
        "a part and its whole": {"Labels.1": "a", "Labels": "{}"},
        "a part of a part that is whole": {"ExtraConfigs.a": "x", "ExtraConfigs.a.b": "y"},
        "nine levels": {"ExtraConfigs" + ".a" * 9: "x"},
        "3,000 levels": {"ExtraConfigs" + ".a" * 3000: "x"},
        "empty names": {"PersistenceDataList...": "x"},
        "a list where a text goes": {"ImageId.1": "a"},
        "a map where a list goes": {"PersistenceDataList.a": "x"},
    }
    rows = [Row(name=f"a list, {said}", build=_form(fields), dialects=RPC) for said, fields in gaps.items()]
    holds: dict[str, Any] = {"null": [None], "a gap": [{"contextId": "c"}, None], "a text": ["a"], "lists": [[1]]}
    for said, value in holds.items():
        build = wish("CreateMcpSession", persistence_data_list=value)
        rows.append(Row(name=f"a list, of {said}", build=build, dialects=REST, says="persistencedatalist"))
    return rows


def _form(fields: dict[str, str]) -> Build:
    def build(case: Case) -> Request:
        return case.dialect.request(BY_ACTION["CreateMcpSession"], case.key, fields)

    return build


_MULTIPART = b'--x\r\nContent-Disposition: form-data; name="SessionId"\r\n\r\ns-1\r\n--x--\r\n'
_NO_OBJECTS = {
    "a form": b"sessionId=s-1",
    "multipart": _MULTIPART,
    "a list": b"[]",
    "a text": b'"x"',
    "a number": b"3",
    "null": b"null",
    "no UTF-8": b"\xff\xfe{}",
    "UTF-16": '{"sessionId": "s"}'.encode("utf-16"),
    "zipped": gzip.compress(b'{"sessionId": "s-1"}'),
    "XML": b"<sessionId>s-1</sessionId>",
    "200,000 lists deep": b"[" * 200_000,
    "cut short": b'{"sessionId": ',
    "two objects": b'{"sessionId": "s"}{}',
    "a number for a text": b'{"sessionId": 7}',
    "a list for a text": b'{"sessionId": ["s"]}',
    "a number of 5,000 digits": b'{"sessionId": ' + b"9" * 5000 + b"}",
    "a fraction of 5,000 digits": b'{"sessionId": 0.' + b"9" * 5000 + b"}",
}
_NO_FORMS = {
    "no UTF-8": b"SessionId=%ff%fe",
    "bytes that are none": b"\xff\xfe\x00",
    "5,000 fields": b"a=b&" * 5000,
    "zipped": gzip.compress(b"SessionId=s-1"),
}


def bodies() -> list[Row]:
    """Bodies of another type than the wire's; the key comes in the header, so that it is the body that is refused."""
    rows = [
        Row(name=f"a body, {said}: {action}", build=raw(action, body), dialects=dialects)
        for action in ("GetSession", "CallMcpTool")
        for dialects, misfits in ((REST, _NO_OBJECTS), (RPC, _NO_FORMS))
        for said, body in misfits.items()
    ]
    no_fields = {"JSON": json.dumps({"SessionId": "s-1"}).encode(), "multipart": _MULTIPART, "nothing": b""}
    for said, body in no_fields.items():  # what holds no field of ours names no session
        build = raw("GetSession", body, Content_Type="application/json")
        rows.append(Row(name=f"a body without fields, {said}", build=build, code="session", dialects=RPC))
    too_long = raw("GetSession", b" " * (16 * KIB * KIB + 1))
    return [*rows, Row(name="a body of 16 MiB and more", build=too_long, says="body")]


def names() -> list[Row]:
    links = {
        f"a link, port {port[:10]!r}": wish("GetLink", protocol_type="https", port=port)
        for port in ("80", "30099", "30200", "30150.5", "soon", "-1", "9" * 400, "30100\0")
    }
    rows = [Row(name=name, build=build, says="Invalid port value") for name, build in links.items()]
    images = ("no-such-image", "../../etc", "\0", "x" * 5000)
    rows += [
        Row(
            name=f"an image, {image[:15]!r}: {action}", build=wish(action, image_id=image), code="InvalidImage.NotFound"
        )
        for image in images
        for action in ("CreateMcpSession", "ListMcpTools")
    ]
    return rows

"""The client against servers that behave badly in ways that NetBox itself does not: a small local HTTP server."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from infratrack.api import InfratrackError, InputError, Unreachable
from infratrack_netbox.client import NetBoxClient
from infratrack_netbox.exchange import Disturbed
from tests.plugins.netbox.small_server import DOCUMENT

TOKEN = "nbt_abcdefgh.PLANTEDsecretPLANTED"  # noqa: S105 -- planted
STATUS = {"netbox-version": "4.7.3", "plugins": {}}
Reply = tuple[int, dict[str, str], bytes]
Answering = Callable[["Handler"], Reply]


class Handler(BaseHTTPRequestHandler):
    answering: Answering
    seen: list[tuple[str, str, dict[str, str]]]

    def answer(self) -> None:
        self.seen.append((self.command, self.path, {name.lower(): value for name, value in self.headers.items()}))
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.path.startswith("/api/status/"):
            reply: Reply = 200, {}, json.dumps(STATUS).encode()
        else:
            reply = type(self).answering(self)
        status, headers, body = reply
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", "Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    do_GET = answer  # noqa: N815 -- the base class asks for these names
    do_POST = answer  # noqa: N815 -- likewise
    do_PATCH = answer  # noqa: N815 -- likewise

    def log_message(self, *_: Any) -> None:
        pass


class Fake:
    def __init__(self, url: str, handler: type[Handler]) -> None:
        self.url = url
        self.handler = handler

    def answers(self, *replies: Reply | Answering) -> None:
        """These, one after the other; the last one again and again."""
        waiting = list(replies)

        def answering(handler: Handler) -> Reply:
            reply = waiting.pop(0) if len(waiting) > 1 else waiting[0]
            return reply(handler) if callable(reply) else reply

        self.handler.answering = staticmethod(answering)

    def client(self, timeout: float = 5.0, cache: Path | None = None) -> NetBoxClient:
        client = NetBoxClient.open(self.url, TOKEN, timeout=timeout, cache=cache)
        self.waited: list[float] = []
        client._sleep = self.waited.append
        return client


@pytest.fixture
def fake() -> Iterator[Fake]:
    handler = type("OneHandler", (Handler,), {"seen": [], "protocol_version": "HTTP/1.1"})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.handle_error = lambda *_: None  # type: ignore[method-assign]  # resets are what some tests are about
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield Fake(f"http://127.0.0.1:{server.server_port}", handler)
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _page(*rows: object, **more: object) -> Reply:
    return 200, {}, json.dumps({"count": None, "next": None, "results": rows, **more}).encode()


def _listed(client: NetBoxClient) -> list[Any]:
    return list(client.list("/api/dcim/devices/"))


def test_the_token_goes_along_in_its_form_and_an_old_one_too(fake: Fake) -> None:
    fake.answers(_page())
    _listed(fake.client())
    assert fake.handler.seen[-1][2]["authorization"] == f"Bearer {TOKEN}"
    NetBoxClient.open(fake.url, "0123456789abcdef").close()
    assert fake.handler.seen[-1][2]["authorization"] == "Token 0123456789abcdef"


def test_a_netrc_does_not_replace_the_token(fake: Fake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login somebody password else\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    fake.answers(_page())
    _listed(fake.client())
    assert all(headers["authorization"] == f"Bearer {TOKEN}" for _, _, headers in fake.handler.seen)


def test_reads_are_tried_again_after_what_passes(fake: Fake) -> None:
    html: Reply = 200, {"Content-Type": "text/html"}, b"<html>maintenance</html>"
    broken: Reply = 200, {}, b'{"results": [{"id": 1'
    fake.answers((500, {}, b"<html>"), html, broken, (429, {"Retry-After": "3"}, b"{}"), _page({"id": 1}))
    client = fake.client()
    assert _listed(client) == [{"id": 1}]
    assert fake.waited == [0.5, 1.0, 2.0, 3.0]


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        ((500, {}, b"<html>"), "it answered 500"),
        ((502, {}, b'{"detail": "bad gateway"}'), "it answered 502: bad gateway"),
        ((429, {"Retry-After": "9999"}, b""), "it answered 429"),
        ((200, {"Content-Type": "text/html"}, b"<html>"), "a web page instead of data"),
        ((200, {}, b'{"results": ['), "no whole JSON document"),
        ((200, {}, b"[" * 200_000), "no whole JSON document"),
        ((200, {}, b"[]"), "no list of records"),
        ((200, {}, b'{"results": [1]}'), "no list of records"),
        ((200, {}, b'{"count": null, "results": [{"id": "1"}]}'), "not in the order of ids"),
        ((200, {"Content-Length": "999"}, b"{}"), "it took too long"),
        ((200, {"Content-Length": "999", "Connection": "close"}, b"{}"), "its answer broke off"),
        ((200, {"Content-Encoding": "gzip"}, b"no gzip"), "its answer broke off"),
    ],
)
def test_a_server_that_stays_disturbed_is_unreachable_with_the_reason(fake: Fake, reply: Reply, said: str) -> None:
    fake.answers(reply)
    client = fake.client(timeout=0.3)
    with pytest.raises(Unreachable, match=said) as error:
        _listed(client)
    assert "/api/dcim/devices/" in error.value.message
    assert error.value.hint


@pytest.mark.parametrize(
    ("reply", "kind", "said"),
    [
        (
            (403, {}, b'{"detail": "No permission"}'),
            Unreachable,
            r"refuses the token for /api/dcim/devices/ \(403: No permission\)",
        ),
        ((401, {}, b""), Unreachable, "refuses the token"),
        ((400, {}, b'{"site": ["not one of the choices"]}'), InputError, "site: not one of the choices"),
        ((404, {}, b""), Unreachable, "answered 404"),
        ((302, {"Location": "http://192.0.2.1/"}, b""), Unreachable, "sends elsewhere"),
    ],
)
def test_a_refusal_is_told_at_once(fake: Fake, reply: Reply, kind: type[InfratrackError], said: str) -> None:
    fake.answers(reply)
    client = fake.client()
    made = client.requests_made
    with pytest.raises(kind, match=said):
        _listed(client)
    assert client.requests_made == made + 1


def test_a_link_to_the_next_page_elsewhere_is_never_followed(fake: Fake) -> None:
    fake.answers(_page({"id": 1}, next="http://192.0.2.1/steal"), _page({"id": 5}))
    assert _listed(fake.client()) == [{"id": 1}, {"id": 5}]
    assert "start=2" in fake.handler.seen[-1][1]


def test_pynetbox_does_not_go_elsewhere_either(fake: Fake) -> None:
    fake.answers(_page({"id": 1, "name": "x"}, next="http://192.0.2.1/steal"))
    with pytest.raises(OSError, match="another server"):
        list(fake.client().nb.dcim.devices.all())


def test_a_body_that_drips_does_not_hold_us(fake: Fake) -> None:
    def drip(handler: Handler) -> Reply:
        handler.send_response(200)
        handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()
        try:
            for _ in range(100):
                handler.wfile.write(b"1\r\n \r\n")
                time.sleep(0.05)
        except OSError:
            pass
        handler.close_connection = True
        return 200, {}, b""

    fake.answers(drip)
    client = fake.client(timeout=0.3)
    started = time.monotonic()
    with pytest.raises(Disturbed, match="took too long") as error:
        client.send("POST", "/api/dcim/devices/", {})
    assert error.value.maybe_done
    assert time.monotonic() - started < 3


def test_a_body_without_end_is_cut(fake: Fake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("infratrack_netbox.transport.LARGEST_ANSWER", 1000)
    fake.answers((200, {}, b" " * 2000))
    with pytest.raises(Disturbed, match="larger than any"):
        fake.client().send("GET", "/api/dcim/devices/")


def test_a_write_is_sent_once_and_says_what_came_of_it(fake: Fake) -> None:
    fake.answers((201, {"X-Request-ID": "r1", "ETag": 'W/"x"', "Retry-After": "soon"}, b'{"id": 1}'))
    client = fake.client()
    answer = client.send("PATCH", "/api/dcim/devices/", [{"id": 1}], if_match=('W/"a"', 'W/"b"'))
    assert (answer.status, answer.body, answer.request_id, answer.etag, answer.retry_after) == (
        201,
        {"id": 1},
        "r1",
        'W/"x"',
        None,
    )
    assert fake.handler.seen[-1][2]["if-match"] == 'W/"a", W/"b"'
    fake.answers((500, {}, b"<html>"))
    made = client.requests_made
    assert client.send("POST", "/api/dcim/devices/", {}).status == 500
    assert client.requests_made == made + 1


def test_a_request_that_was_never_sent_is_known_as_such(fake: Fake) -> None:
    client = fake.client()
    client.url = "http://127.0.0.1:1"
    client._session._origin = ("http", "127.0.0.1", 1)
    with pytest.raises(Disturbed, match="the connection failed") as refused:
        client.send("POST", "/api/dcim/devices/", {})
    assert not refused.value.maybe_done
    client.url = "http://192.0.2.1"
    with pytest.raises(Disturbed, match="another server") as elsewhere:
        client.send("POST", "/api/dcim/devices/", {})
    assert not elsewhere.value.maybe_done


def test_a_reset_may_have_taken_effect(fake: Fake) -> None:
    def reset(handler: Handler) -> Reply:
        handler.connection.close()
        raise ConnectionResetError

    fake.answers(reset)
    with pytest.raises(Disturbed) as error:
        fake.client().send("POST", "/api/dcim/devices/", {})
    assert error.value.maybe_done


def test_an_answer_that_repeats_the_token_does_not_tell_it(fake: Fake) -> None:
    fake.answers((400, {}, json.dumps({"detail": f"bad {TOKEN}", "more": TOKEN.partition(".")[2]}).encode()))
    client = fake.client()
    assert "PLANTED" not in str(client.send("POST", "/api/dcim/devices/", {}))
    with pytest.raises(InputError) as error:
        _listed(client)
    assert "PLANTED" not in f"{error.value} {error.value.hint}"
    assert "PLANTED" not in repr(client._session.auth)


@pytest.mark.parametrize("status", [b'{"netbox-version": 5}', b"[]", b"{}", b"<html>"])
def test_what_is_no_netbox_is_told(fake: Fake, status: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("infratrack_netbox.client.next_wait", lambda *_: None)
    monkeypatch.setattr(fake.handler, "path", "", raising=False)
    monkeypatch.setattr("tests.plugins.netbox.test_client.STATUS", json.loads(status) if status[:1] in b"[{" else "x")
    if status.startswith(b'{"netbox'):
        assert NetBoxClient.open(fake.url, TOKEN).version == "5"
    else:
        with pytest.raises(Unreachable):
            NetBoxClient.open(fake.url, TOKEN)


@pytest.mark.parametrize("token", ["", "two words", "tökén", "a\nb"])
def test_what_is_no_token_is_told_without_repeating_it(token: str) -> None:
    with pytest.raises(InputError, match="not a token") as error:
        NetBoxClient.open("http://127.0.0.1:1", token)
    assert not token or token not in error.value.message


def test_a_ca_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        NetBoxClient.open("https://127.0.0.1:1", TOKEN, ca_file=str(tmp_path / "ca.pem"))


def test_the_schema_is_read_once_and_kept_and_a_damaged_one_is_read_again(fake: Fake, tmp_path: Path) -> None:
    fake.answers((200, {}, json.dumps(DOCUMENT).encode()))

    def asked() -> int:
        return sum("/api/schema/" in path for _, path, _ in fake.handler.seen)

    client = fake.client(cache=tmp_path)
    assert client.schema() is client.schema()
    fake.client(cache=tmp_path).schema()
    assert asked() == 1
    next(tmp_path.iterdir()).write_text("{")
    fake.client(cache=tmp_path).schema()
    assert asked() == 2


def test_a_document_without_types_is_told(fake: Fake) -> None:
    fake.answers((200, {}, b"{}"))
    with pytest.raises(Unreachable, match="without any type"):
        fake.client().schema()


def test_types_of_plugins_are_named_by_the_server(fake: Fake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.plugins.netbox.test_client.STATUS", {**STATUS, "plugins": {"bgp": "1.0"}})
    rows = [
        {"id": 1, "app_label": "boxes", "model": "box", "rest_api_endpoint": "/api/dcim/devices/"},
        {"id": 2, "app_label": "x", "model": "y", "rest_api_endpoint": None},
    ]
    fake.answers(
        lambda handler: _page(*rows) if "object-types" in handler.path else (200, {}, json.dumps(DOCUMENT).encode())
    )
    client = fake.client()
    assert client.plugins == {"bgp": "1.0"}
    assert client.schema().endpoint("boxes.box").path == "/api/dcim/devices/"


@pytest.mark.parametrize("count", [b"-1", b"true", b'"5"', b"null"])
def test_a_count_that_is_none_is_told(fake: Fake, count: bytes) -> None:
    fake.answers((200, {}, b'{"results": [], "count": ' + count + b"}"))
    with pytest.raises(Unreachable, match="how many records"):
        fake.client().count("/api/dcim/devices/")


@pytest.mark.parametrize("user", [b"[]", b'{"id": "7"}', b'{"id": true}', b"{}"])
def test_a_server_that_does_not_say_whose_token_it_is_proves_nothing(fake: Fake, user: bytes) -> None:
    fake.answers((200, {}, user))
    assert fake.client().can_view_all("dcim.device") == (False, "the server does not say whose token it is")


def test_what_cannot_be_asked_about_permissions_proves_nothing(fake: Fake) -> None:
    refused: Reply = 403, {}, b'{"detail": "no"}'
    fake.answers(refused)
    seen, reason = fake.client().can_view_all("dcim.device")
    assert not seen
    assert "does not say whose token it is" in reason

    def answering(handler: Handler) -> Reply:
        return (200, {}, b'{"id": 7}') if "authentication-check" in handler.path else refused

    fake.answers(answering)
    seen, reason = fake.client().can_view_all("dcim.device")
    assert not seen
    assert "may not read its own permissions" in reason


def test_a_superuser_is_believed_only_by_a_filter_that_the_server_knows(fake: Fake) -> None:
    known = json.loads(json.dumps(DOCUMENT))
    users = json.loads(json.dumps(known["paths"]["/api/dcim/sites/"]))
    users["get"]["responses"]["200"]["content"]["application/json"]["schema"]["$ref"] = (
        "#/components/schemas/PaginatedUserList"
    )
    known["paths"]["/api/users/users/"] = users

    def answering(handler: Handler) -> Reply:
        if "authentication-check" in handler.path:
            return 200, {}, b'{"id": 7, "groups": []}'
        if "schema" in handler.path:
            return 200, {}, json.dumps(known).encode()
        return _page(count=1) if "users/users" in handler.path else _page()

    fake.answers(answering)
    assert not fake.client().can_view_all("dcim.device")[0]
    users["get"]["parameters"].append({"name": "is_superuser", "in": "query"})
    assert fake.client().can_view_all("dcim.device") == (True, "")


def test_custom_fields_are_asked_for_once_and_refused_ones_are_unknown(fake: Fake) -> None:
    row = {"id": 1, "name": "level", "type": {"value": "integer", "label": "I"}, "object_types": ["dcim.device"]}
    fake.answers(_page(row))
    client = fake.client()
    found = client.custom_fields()
    assert found is not None
    assert found["dcim.device"]["level"].kind == "integer"
    made = client.requests_made
    assert client.custom_fields() is found
    assert client.requests_made == made
    fake.answers((403, {}, b""))
    assert fake.client().custom_fields() is None


def test_one_record_is_read_or_not_there(fake: Fake) -> None:
    fake.answers((404, {}, b'{"detail": "Not found."}'))
    assert fake.client().get("/api/dcim/devices/", "5").status == 404
    fake.answers((200, {"ETag": 'W/"x"'}, b'{"id": 5}'))
    assert fake.client().get("/api/dcim/devices/", 5).etag == 'W/"x"'
    assert fake.handler.seen[-1][1] == "/api/dcim/devices/5/"

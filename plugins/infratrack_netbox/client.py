"""One NetBox server: opened with pynetbox, read page by page, and asked one request at a time."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec

from infratrack.api import InfratrackError, InputError, Report, Unreachable
from infratrack_netbox.custom_fields import Definitions, read_definitions
from infratrack_netbox.exchange import Answer, Disturbed, Overloaded, plain
from infratrack_netbox.halves import in_halves
from infratrack_netbox.listing import Page, Pages, next_wait
from infratrack_netbox.permissions import Visibility, read_visibility
from infratrack_netbox.schema_cache import SchemaCache
from infratrack_netbox.server_address import checked_url, release_of
from infratrack_netbox.server_schema import ServerSchema

if TYPE_CHECKING:
    import requests

    from infratrack_netbox.transport import NetBoxSession

DEFAULT_TIMEOUT: Final = 30.0
"""Seconds for one request, from connecting to the last byte."""
SCHEMA_TIMEOUT: Final = 180.0
"""Seconds for the OpenAPI document, which a server makes anew each time it is asked."""
_SHORTEST_SECRET: Final = 8
"""Characters. A token that is shorter cannot be told from ordinary text."""
_FIRST_CURSOR: Final = (4, 6)
"""The release that can page by id."""


class NetBoxClient:
    """A server that answered, with a token that it takes. Not for use by several threads."""

    def __init__(self, nb: Any, url: str, status: Mapping[str, Any], report: Report, cache: Path | None) -> None:  # noqa: ANN401 -- no types
        self.nb = nb
        """pynetbox's API object; its `http_session` has our deadlines and notes the server's headers."""
        self.url = url
        self.version = plain(str(status.get("netbox-version", "")))
        plugins = _mapping(status.get("plugins"))
        self.plugins = {plain(str(name)): plain(str(version)) for name, version in plugins.items()}
        self._session: NetBoxSession = nb.http_session
        self._report = report
        self._cache = SchemaCache(cache, self.identity, self.version, self.plugins)
        token = str(nb.token)
        parts = dict.fromkeys((token.encode(), token.rpartition(".")[2].encode()))
        self._secrets = tuple(part for part in parts if len(part) >= _SHORTEST_SECRET)
        self._schema: ServerSchema | None = None
        self._visibility: Visibility | None = None
        self._definitions: Definitions | None = None
        self._asked_definitions = False
        self.timeout = self._session.timeout
        """Seconds for one request."""
        self._pages = Pages(cursor=release_of(self.version) >= _FIRST_CURSOR)
        self._sleep: Callable[[float], None] = time.sleep

    @classmethod
    def open(  # noqa: PLR0913 -- each is a setting
        cls,
        url: str,
        token: str,
        *,
        report: Report | None = None,
        cache: Path | None = None,
        timeout: float = DEFAULT_TIMEOUT,
        ca_file: str | None = None,
    ) -> NetBoxClient:
        """Connect, and see that the server is a NetBox that takes the token. Unreachable, or InputError (the URL)."""
        import pynetbox  # noqa: PLC0415 -- heavy

        from infratrack_netbox.transport import NetBoxSession  # noqa: PLC0415 -- loads requests

        address = checked_url(url)
        if ca_file and not os.access(ca_file, os.R_OK):
            raise InputError(f"ca_file {ca_file} cannot be read", "name a PEM file with the server's CA certificates")
        if not token or not token.isascii() or not token.isprintable() or " " in token:
            raise InputError(
                "the NetBox token is missing or not a token", "put one from your NetBox profile into NETBOX_TOKEN"
            )
        nb = pynetbox.api(address, token=token, pagination="cursor")
        nb.http_session = NetBoxSession(address, token, timeout, ca_file)
        client = cls(nb, address, {}, report or _silent, cache)
        status = _mapping(client.read("/api/status/"))
        if "netbox-version" not in status:
            raise Unreachable(f"{address} answers, but not as a NetBox", "check `url`; it is the one without /api")
        return cls(nb, address, status, report or _silent, cache)

    @property
    def identity(self) -> str:
        """`netbox http://host[:port][/path]`: the same every time, without credentials."""
        return f"netbox {self.url}"

    @property
    def requests_made(self) -> int:
        """Requests sent so far."""
        return self._session.requests_made

    def close(self) -> None:
        """Let go of connections."""
        self._session.close()

    def schema(self) -> ServerSchema:
        """What the server's own OpenAPI document says; fetched once a release and kept in the cache."""
        if self._schema is None:
            self._schema = self._cache.load()
        if self._schema is None:
            self._report("reading the server's schema", 0, 0)
            from infratrack_netbox.openapi import read_openapi  # noqa: PLC0415 -- rarely needed

            document = self._read("/api/schema/", (("format", "json"),), timeout=SCHEMA_TIMEOUT).body
            schema = read_openapi(document, self._named_types() if self.plugins else None)
            if not schema.endpoints:
                raise Unreachable(
                    f"{self.url} gives an OpenAPI document without any type of records",
                    "ask its administrator whether /api/schema/ works",
                )
            self._cache.keep(schema)
            self._schema = schema
        return self._schema

    def list(
        self, path: str, filters: Sequence[tuple[str, str]] = (), *, fields: Sequence[str] = ()
    ) -> Iterator[dict[str, Any]]:
        """Every record that matches, once each, by rising id. Unreachable when the server does not get to the end.

        Records that come or go meanwhile neither hide nor double others: pages begin after the last id seen.
        """
        if fields and "id" not in fields:
            fields = ["id", *fields]
        query = [*filters, *([("fields", ",".join(fields))] if fields else [])]

        def fetch(extra: Sequence[tuple[str, str]]) -> Page:
            return self._page(path, [*query, *extra])

        known = self._schema.at(path) if self._schema and self._pages.cursor else None
        if known is None or "id__lte" not in known.filters or any(name.startswith("id") for name, _ in filters):
            return self._pages.read(fetch, path, self._wait)
        newest = (*filters, ("ordering", "-id"), ("limit", "1"), ("fields", "id"))
        return in_halves(self._pages, fetch, path, self._wait, lambda: self.read(path, newest))

    def count(self, path: str, filters: Sequence[tuple[str, str]] = ()) -> int:
        """How many records match, as this token sees it."""
        count = _mapping(self.read(path, [*filters, ("limit", "1"), ("fields", "id")])).get("count")
        if not isinstance(count, int) or isinstance(count, bool) or count < 0:
            raise Unreachable(f"{self.url}{path} does not say how many records there are", _TRY_AGAIN)
        return count

    def get(self, path: str, id_: str | int) -> Answer:
        """One record; an answer with status 404 where there is none. Unreachable after tries that brought nothing."""
        return self._read(f"{path}{int(id_)}/", (), missing_is_fine=True)

    def read(self, path: str, query: Sequence[tuple[str, str]] = ()) -> object:
        """The body of one GET, tried again while the server is disturbed. Unreachable, or InputError (bad query)."""
        return self._read(path, query).body

    def custom_fields(self) -> Definitions | None:
        """The definitions of all custom fields, asked once; None where the token may not read them."""
        if not self._asked_definitions:
            self._definitions, self._asked_definitions = read_definitions(self), True
        return self._definitions

    def can_view_all(self, type_name: str) -> tuple[bool, str]:
        """Whether it is proven that the token sees every record of the type; if not, why not."""
        if self._visibility is None:
            self._visibility = read_visibility(self)
        return self._visibility.of(type_name)

    def send(self, method: str, path: str, body: object = None, *, if_match: Sequence[str] = ()) -> Answer:
        """Exactly one request, never sent again here. Raises Disturbed when there is no usable answer."""
        headers = {"If-Match": ", ".join(if_match)} if if_match else {}
        return self._ask(method, path, (), body=body, headers=headers)

    def _page(self, path: str, query: Sequence[tuple[str, str]]) -> Page:
        """One page as it is. Disturbed when it is none; a refusal is told as such."""
        started = time.monotonic()
        answer = self._checked(self._ask("GET", path, query), path)
        body = _mapping(answer.body)
        results = body.get("results")
        if not isinstance(results, list) or not all(isinstance(one, dict) for one in results):
            raise Disturbed("the answer is no list of records", maybe_done=False)
        count = body.get("count")
        known = count if isinstance(count, int) and not isinstance(count, bool) else None
        return Page(results, known, more=bool(body.get("next")), seconds=time.monotonic() - started)

    def _read(
        self,
        path: str,
        query: Sequence[tuple[str, str]],
        *,
        timeout: float | None = None,
        missing_is_fine: bool = False,
    ) -> Answer:
        """One GET, tried again while the server is disturbed."""
        tried = 0
        while True:
            try:
                answer = self._ask("GET", path, query, timeout=timeout)
                if missing_is_fine and answer.status == 404:  # noqa: PLR2004 -- not found
                    return answer
                return self._checked(answer, path)
            except Disturbed as error:
                tried += 1
                self._wait(tried, error, path)

    def _wait(self, tried: int, error: Disturbed, path: str) -> None:
        """Wait before the next try, or give up."""
        seconds = next_wait(tried, error)
        if seconds is None:
            raise Unreachable(f"{self.url} did not answer {path}: {error.reason}", _TRY_AGAIN) from error
        self._sleep(seconds)

    def _checked(self, answer: Answer, path: str) -> Answer:
        """The answer if it is one; Disturbed if it is worth another try; otherwise what is wrong."""
        if answer.ok:
            return answer
        said = f": {answer.detail}" if answer.detail else ""
        if answer.status in {401, 403}:
            raise Unreachable(
                f"{self.url} refuses the token for {path} ({answer.status}{said})",
                "the token in NETBOX_TOKEN may have expired, or lack the permission to view this",
            )
        if answer.status == 400:  # noqa: PLR2004 -- bad request
            raise InputError(f"{self.url} does not take the question to {path}{said}", "check the filter's values")
        if answer.status == 429 or answer.status >= 500:  # noqa: PLR2004 -- too many requests; its own errors
            raise Overloaded(f"it answered {answer.status}{said}", answer.retry_after)
        if 300 <= answer.status < 400:  # noqa: PLR2004 -- redirects
            raise Unreachable(
                f"{self.url} sends elsewhere ({answer.status}); the token is not taken there",
                "set `url` to the server's final address",
            )
        raise Unreachable(
            f"{self.url} answered {answer.status} to {path}{said}", "check `url` and the server's version"
        )

    def _ask(  # noqa: PLR0913 -- the parts of a request
        self,
        method: str,
        path: str,
        query: Sequence[tuple[str, str]],
        *,
        body: object = None,
        headers: dict[str, str] | None = None,
        timeout: float | None = None,
    ) -> Answer:
        from requests import RequestException  # noqa: PLC0415 -- heavy

        from infratrack_netbox.transport import cause, never_sent  # noqa: PLC0415 -- likewise

        data = None if body is None else msgspec.json.encode(body)
        every = {
            "Accept": "application/json",
            **({"Content-Type": "application/json"} if data else {}),
            **(headers or {}),
        }
        url = f"{self.url}{path}"
        try:
            response = self._session.request(method, url, params=query, data=data, headers=every, timeout=timeout)
        except RequestException as error:
            raise Disturbed(cause(error), maybe_done=not never_sent(error)) from None
        retry_after = _seconds(response.headers.get("Retry-After"))
        request_id = plain(response.headers.get("X-Request-ID", ""))
        return Answer(
            response.status_code,
            _decoded(response, self._scrubbed(response.content)),
            request_id,
            plain(response.headers.get("ETag", "")),
            retry_after,
        )

    def _scrubbed(self, content: bytes) -> bytes:
        """A body without the token, should the server repeat it: nothing that follows can then tell it."""
        for secret in self._secrets:
            content = content.replace(secret, b"[token]")
        return content

    def _named_types(self) -> dict[str, str]:
        """Path → type as the server says it, for plugins, whose types cannot be read from their paths."""
        try:
            rows = [*self.list("/api/core/object-types/", fields=("app_label", "model", "rest_api_endpoint"))]
        except InfratrackError:
            return {}
        return {
            row["rest_api_endpoint"]: f"{row.get('app_label')}.{row.get('model')}"
            for row in rows
            if isinstance(row.get("rest_api_endpoint"), str)
        }


_TRY_AGAIN: Final = "try again; if it stays so, ask the server's administrator"


def _decoded(response: requests.Response, content: bytes) -> object:
    """The JSON body. Disturbed when a success is no JSON; the text of a failure that is none is of no use."""
    if not content:
        return None
    try:
        return msgspec.json.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        if response.status_code >= 300:  # noqa: PLR2004 -- a failure, whatever page it comes with
            return None
        html = "html" in response.headers.get("Content-Type", "")
        reason = "it answered with a web page instead of data" if html else "its answer is no whole JSON document"
        raise Disturbed(reason, maybe_done=True) from None


def _seconds(text: str | None) -> float | None:
    """Of Retry-After in seconds; a date, or anything else, is not waited for."""
    return float(text) if text and text.isascii() and text.isdigit() and len(text) < 6 else None  # noqa: PLR2004 -- a day


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _silent(_what: str, _done: int, _of: int) -> None:
    pass

"""The wire below pynetbox: deadlines, size limits, no redirects, and what the server's headers say.

Imported only where a server is really asked: it loads requests.
"""

from __future__ import annotations

import io
import itertools
import time
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3.exceptions import HTTPError, MaxRetryError, NewConnectionError, ReadTimeoutError

LARGEST_ANSWER: Final = 64 * 1024 * 1024
"""Bytes. The largest honest answer is NetBox's own OpenAPI document, with 15 MB."""
CONNECT_SECONDS: Final = 10.0
_CHUNK: Final = 256 * 1024


class ElsewhereRefused(requests.RequestException):
    """A request to another server than the one that the token is for."""


class AnswerTooLarge(requests.RequestException):
    """An answer of more bytes than anything honest has."""


def cause(error: requests.RequestException) -> str:
    """What happened, in words without addresses or anything that the server said."""
    causes: tuple[tuple[type[Exception], str], ...] = (
        (AnswerTooLarge, "its answer is larger than any that NetBox gives"),
        (ElsewhereRefused, "it pointed to another server"),
        (requests.exceptions.SSLError, "its TLS certificate cannot be verified (`ca_file` names a CA of your own)"),
        (requests.ConnectTimeout, "it does not answer"),
        (requests.Timeout, "it took too long"),
        (requests.exceptions.ChunkedEncodingError, "its answer broke off"),
        (requests.ConnectionError, "the connection failed"),
    )
    return next((text for kind, text in causes if isinstance(error, kind)), f"it failed ({type(error).__name__})")


def never_sent(error: requests.RequestException) -> bool:
    """Whether the request certainly did not reach the server, so that it cannot have taken effect."""
    if isinstance(error, (requests.ConnectTimeout, requests.exceptions.SSLError, ElsewhereRefused)):
        return True
    inner = error.args[0] if isinstance(error, requests.ConnectionError) and error.args else None
    return isinstance(inner, MaxRetryError) and isinstance(inner.reason, NewConnectionError)


class TokenAuth:
    """Sets the token on every request, and so keeps requests from taking one out of `.netrc` instead."""

    def __init__(self, token: str) -> None:
        scheme = "Bearer" if token.startswith("nbt_") and "." in token else "Token"
        self._value = f"{scheme} {token}"

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """Called by requests for each request."""
        request.headers["Authorization"] = self._value
        return request

    def __repr__(self) -> str:
        """Without the token."""
        return "TokenAuth(…)"


class BoundedAdapter(HTTPAdapter):
    """Reads every answer to its end within a deadline and a size: slow or endless bodies fail instead of holding us."""

    def __init__(self, timeout: float) -> None:
        super().__init__(max_retries=0)
        self._timeout = timeout

    def send(  # noqa: PLR0913, PLR0917 -- requests' signature
        self,
        request: requests.PreparedRequest,
        stream: bool = False,  # noqa: FBT001, FBT002 -- likewise
        timeout: float | tuple[float, float] | tuple[float, None] | None = None,
        verify: bool | str = True,  # noqa: FBT001, FBT002 -- likewise
        cert: bytes | str | tuple[bytes | str, bytes | str] | None = None,
        proxies: Mapping[str, str] | None = None,
    ) -> requests.Response:
        """One request, one whole answer; requests' own exceptions for everything else."""
        seconds = timeout if isinstance(timeout, (int, float)) else self._timeout
        limits = (min(CONNECT_SECONDS, seconds), seconds)
        started = time.monotonic()
        response = super().send(request, stream=True, timeout=limits, verify=verify, cert=cert, proxies=proxies)
        body = _read_all(response, started + seconds)
        response.raw.release_conn()
        response.raw = io.BytesIO(body)
        return response


def _read_all(response: requests.Response, deadline: float) -> bytes:
    chunks: list[bytes] = []
    size = 0
    try:
        while chunk := response.raw.read1(_CHUNK, decode_content=True):
            chunks.append(chunk)
            size += len(chunk)
            if size > LARGEST_ANSWER:
                raise AnswerTooLarge(f"the answer has more than {LARGEST_ANSWER} bytes")
            if time.monotonic() > deadline:
                raise requests.ReadTimeout("the answer came too slowly")
    except ReadTimeoutError as error:
        response.raw.close()
        raise requests.ReadTimeout("the answer came too slowly") from error
    except HTTPError as error:
        response.raw.close()
        raise requests.exceptions.ChunkedEncodingError(f"the answer broke off: {type(error).__name__}") from error
    except requests.RequestException:
        response.raw.close()
        raise
    return b"".join(chunks)


class NetBoxSession(requests.Session):
    """A session for one server: it goes nowhere else, follows no redirect, and counts what it asks."""

    def __init__(self, url: str, token: str, timeout: float, ca_file: str | None = None) -> None:
        super().__init__()
        self.auth = TokenAuth(token)
        self.timeout = timeout
        self.requests_made = 0
        self._numbers = itertools.count(1)  # a list may be read by two threads
        self.request_id = ""
        """Of the newest answer, as the server's change log has it."""
        self.etag = ""
        self._origin = _origin(url)
        self.headers["User-Agent"] = "infratrack"
        if ca_file:
            self.verify = ca_file
        for prefix in ("http://", "https://"):
            self.mount(prefix, BoundedAdapter(timeout))
        self.hooks["response"].append(self._note)

    def send(self, request: requests.PreparedRequest, **kwargs: Any) -> requests.Response:  # noqa: ANN401 -- requests'
        """One request to the server that this session is for; anything else is refused before it is sent."""
        if _origin(request.url or "") != self._origin:
            raise ElsewhereRefused("a request to another server was refused")
        self.requests_made = next(self._numbers)
        kwargs["allow_redirects"] = False
        return super().send(request, **kwargs)

    def _note(self, response: requests.Response, *_: object, **_options: object) -> None:
        self.request_id = response.headers.get("X-Request-ID", "")
        self.etag = response.headers.get("ETag", "")


def _origin(url: str) -> tuple[str, str | None, int | None]:
    """Scheme, host and port, the default ports spelled out."""
    try:
        parts = urlsplit(url)
        port = parts.port or {"http": 80, "https": 443}.get(parts.scheme)
    except ValueError:
        return "", None, None
    return parts.scheme, parts.hostname, port

"""Asks AWX, or the controller of Ansible Automation Platform, over its API: read-only, bounded in time and size."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import msgspec

from infratrack.api import InputError, Unreachable

if TYPE_CHECKING:
    import requests

HOST_VARIABLES: Final = ("CONTROLLER_HOST", "AAP_HOSTNAME", "TOWER_HOST")
TOKEN_VARIABLES: Final = ("CONTROLLER_OAUTH_TOKEN", "AAP_TOKEN", "TOWER_OAUTH_TOKEN")
"""As Ansible's own collections and command-line tools name them, over the years."""
TIMEOUT: Final = 60.0
"""Seconds for one request, from connecting to the last byte."""
CONNECT_SECONDS: Final = 10.0
LARGEST_ANSWER: Final = 128 << 20
"""Bytes. A page of events holds the results of its tasks, which may be large; they are not kept."""
TRIES: Final = 5
_PIECE: Final = 1 << 18
_REFUSED: Final = (401, 403)
_NOT_FOUND: Final = 404
_PAUSE: Final = 429
_REDIRECT, _FAULT = 300, 500
_APIS: Final = ("/api/v2/", "/api/controller/v2/")
_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})
"""Hosts that plain HTTP is spoken with: what is sent there passes no wire."""


class Absent(InputError):
    """What was asked for is not there, or not shown to this token."""


class _Disturbed(Unreachable):
    """Not now; asking again may help."""


class AwxClient:
    """One server that answered. The token goes to its address and no other: redirects are not followed."""

    def __init__(self, session: requests.Session, url: str) -> None:
        self.url: Final = url
        """`https://awx.example.com`, without credentials or a trailing slash."""
        self._session = session
        self._api = ""

    @classmethod
    def open(cls, environment: Mapping[str, str]) -> AwxClient:
        """Find the server and its API. InputError without an address or a token, Unreachable without an answer."""
        url = _address(_first(environment, HOST_VARIABLES, "the address of AWX", "https://awx.example.com"))
        token = _first(environment, TOKEN_VARIABLES, "a token for AWX", "one from your AWX profile, of read scope")
        if not token.isascii() or not token.isprintable() or " " in token:
            raise InputError("the token for AWX is not a token", f"set {TOKEN_VARIABLES[0]} to the token alone")
        try:
            import requests  # noqa: PLC0415 -- heavy, and an extra
            from stamina import instrumentation  # noqa: PLC0415 -- likewise; told now what would be missing later
        except ModuleNotFoundError as error:
            hint = "pip install 'infratrack[awx]'"
            raise InputError(f"AWX cannot be asked: the Python package {error.name} is missing", hint) from error

        def sign(request: requests.PreparedRequest) -> requests.PreparedRequest:
            request.headers["Authorization"] = f"Bearer {token}"
            return request

        # Where structlog is installed, it would tell of retries on the output of whoever calls us.
        instrumentation.set_on_retry_hooks(())
        session = requests.Session()
        session.headers["User-Agent"] = "infratrack"
        session.auth = sign  # as `auth`, so that no netrc file of this machine puts other credentials in its place
        client = cls(session, url)
        client._find_api()
        return client

    def close(self) -> None:
        """Let go of connections."""
        self._session.close()

    def get(self, path: str, query: Mapping[str, str] | None = None) -> Any:  # noqa: ANN401 -- decoded JSON of any shape
        """What the API says under a path (`jobs/4711/`). Absent where there is nothing, InputError, Unreachable."""
        return self._get(self._api + path, query or {})

    def _find_api(self) -> None:
        """AWX has its API at the top; Automation Platform keeps it beside others."""
        found = self._get("/api/", {})
        found = found if isinstance(found, Mapping) else {}
        if isinstance(found.get("current_version"), str):
            self._api = _APIS[0]
        elif isinstance(found.get("apis"), Mapping) and "controller" in found["apis"]:
            self._api = _APIS[1]
        else:
            raise InputError(
                f"{self.url} answers, but not as AWX", f"check {HOST_VARIABLES[0]}: it is the address of AWX"
            )

    def _get(self, path: str, query: Mapping[str, str]) -> Any:  # noqa: ANN401 -- decoded JSON of any shape
        import stamina  # noqa: PLC0415 -- loaded by now

        for attempt in stamina.retry_context(
            on=_Disturbed, attempts=TRIES, timeout=3 * TIMEOUT, wait_initial=0.3, wait_max=10.0
        ):
            with attempt:
                return self._once(path, query)
        raise AssertionError  # pragma: no cover -- the last attempt returns or raises

    def _once(self, path: str, query: Mapping[str, str]) -> Any:  # noqa: ANN401 -- decoded JSON of any shape
        import requests  # noqa: PLC0415 -- loaded by now

        try:
            with self._session.get(
                self.url + path,
                params=query,
                timeout=(CONNECT_SECONDS, TIMEOUT),
                allow_redirects=False,
                stream=True,
            ) as response:
                status, content = response.status_code, self._read(response)
        except requests.exceptions.SSLError:
            raise Unreachable(
                f"no TLS connection to {self.url} can be made",
                "does it speak TLS there? REQUESTS_CA_BUNDLE names a file with a CA of your own",
            ) from None
        except requests.RequestException as error:
            # Its text may hold the whole address; what kind it is says enough.
            raise _Disturbed(f"{self.url} could not be reached ({type(error).__name__})", "try again later") from None
        return self._understood(status, content)

    def _understood(self, status: int, content: bytes) -> Any:  # noqa: ANN401 -- decoded JSON of any shape
        if status == _PAUSE or status >= _FAULT:
            raise _Disturbed(f"{self.url} answers {status}", "try again later")
        if status in _REFUSED:
            raise InputError(f"{self.url} does not take the token ({status})", f"check {TOKEN_VARIABLES[0]}")
        if status == _NOT_FOUND:
            raise Absent(f"{self.url} has nothing there, or does not show it to this token (404)")
        if status >= _REDIRECT:
            raise InputError(f"{self.url} answers {status}", f"check {HOST_VARIABLES[0]}: redirects are not followed")
        try:
            return msgspec.json.decode(content)
        except (msgspec.MsgspecError, UnicodeError, RecursionError):
            raise InputError(
                f"{self.url} answers with something that is no JSON", f"check {HOST_VARIABLES[0]}"
            ) from None

    def _read(self, response: requests.Response) -> bytes:
        deadline = time.monotonic() + TIMEOUT
        content = bytearray()
        for piece in response.iter_content(_PIECE):
            content += piece
            if len(content) > LARGEST_ANSWER:
                raise Unreachable(f"{self.url} answers with more than {LARGEST_ANSWER >> 20} MiB", "is it AWX?")
            if time.monotonic() > deadline:
                raise _Disturbed(f"{self.url} took longer than {TIMEOUT:g} s to answer", "try again later")
        return bytes(content)


def _first(environment: Mapping[str, str], names: tuple[str, ...], what: str, example: str) -> str:
    for name in names:
        if environment.get(name, "").strip():
            return environment[name].strip()
    raise InputError(f"{what} is not set", f"set {names[0]}: {example}")


def _address(text: str) -> str:
    """The URL without a trailing slash; a bare host name means https.

    InputError for anything that is no address, or none that a token may be sent to: plain HTTP to another machine.
    """
    url = text if "://" in text else f"https://{text}"
    hint = "write it like https://awx.example.com"
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise InputError(f"{HOST_VARIABLES[0]} is not a URL", hint) from error
    if "@" in parts.netloc:
        raise InputError(f"{HOST_VARIABLES[0]} holds credentials", f"take them out; {TOKEN_VARIABLES[0]} is for them")
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment or port == 0:
        raise InputError(f"{HOST_VARIABLES[0]} is not an http or https address", hint)
    if not url.isprintable() or " " in url:
        raise InputError(f"{HOST_VARIABLES[0]} holds characters that no address has", hint)
    if parts.scheme == "http" and parts.hostname not in _LOOPBACK:
        raise InputError(
            f"{HOST_VARIABLES[0]} is plain http, where everybody on the way could read the token", "write https://HOST"
        )
    return f"{parts.scheme}://{parts.netloc.lower()}{parts.path.rstrip('/').removesuffix('/api')}"

"""Requests to a forge: bounded in time and size, tried again where that helps; nobody else is told the token."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

import msgspec
from msgspec import Struct

from infratrack import __version__
from infratrack.errors import InputError, Unreachable
from infratrack.pipelines.forge.interface import Missing, NoAnswer, Refused
from infratrack.pipelines.forge_text import shortened

if TYPE_CHECKING:
    import requests

TIMEOUT: Final = 20.0
"""Seconds for one request, from connecting to the last byte."""
LARGEST_ANSWER: Final = 16 << 20
TRIES: Final = 4
FIRST_WAIT: Final = 0.5
LONGEST_WAIT: Final = 30.0
"""Seconds that a forge may ask to wait; a job is not held up for longer."""
_PIECE: Final = 1 << 16
_UNAUTHORIZED, _FORBIDDEN, _NOT_FOUND, _TOO_MANY = 401, 403, 404, 429
_FIRST_SUCCESS, _FIRST_REDIRECT, _FIRST_FAULT = 200, 300, 500
_TRY_AGAIN: Final = "try again later"


class Answer(Struct, frozen=True):
    """A successful answer: its headers by name in lower case, and its JSON (None where it has none)."""

    headers: Mapping[str, str]
    body: Any


class Credential(Struct, frozen=True):
    """A token, and the header that carries it: `Authorization: Bearer TOKEN`."""

    header: str
    prefix: str
    token: str


class _Disturbed(NoAnswer):
    """Not now; `wait` is after how many seconds to ask again, where the forge said so."""

    def __init__(self, message: str, *, wait: float | None = None, done: bool | None = None) -> None:
        super().__init__(message, _TRY_AGAIN)
        self.wait = wait
        self.may_be_done = done is None


class ForgeSession:
    """Asks one forge with one token. The token goes to that address and no other: redirects are not followed.

    `now` is the clock, in seconds since 1970: forges say by it when they want to be asked again.
    """

    def __init__(
        self,
        name: str,
        api: str,
        credential: Credential,
        headers: Mapping[str, str],
        *,
        now: Callable[[], float],
    ) -> None:
        try:
            import requests  # noqa: PLC0415 -- heavy, and an extra
            from stamina import instrumentation  # noqa: PLC0415 -- likewise
        except ModuleNotFoundError as error:
            hint = "pip install 'infratrack[forge]'"
            raise InputError(f"{name} cannot be asked: the Python package {error.name} is missing", hint) from error

        # It would tell of every retry, where structlog is installed on standard output; a failure is told once, by us.
        instrumentation.set_on_retry_hooks(())
        self._token = credential.token
        if not self._token or not self._token.isascii() or not self._token.isprintable() or " " in self._token:
            raise InputError(f"the token for {name} is not a token", "set it to the token alone, without spaces")
        self.name = name
        self._api = api
        self._now = now
        self._session = requests.Session()
        self._session.headers.update({"User-Agent": f"infratrack/{__version__}", **headers})

        def sign(request: requests.PreparedRequest) -> requests.PreparedRequest:
            request.headers[credential.header] = credential.prefix + credential.token
            return request

        # As `auth`, so that no netrc file of this machine puts other credentials in its place.
        self._session.auth = sign

    def close(self) -> None:
        """Let go of connections."""
        self._session.close()

    def ask(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
        repeatable: bool = True,
    ) -> Answer:
        """One request; `path` is below the API's address. Asked again while the forge is disturbed or wants a pause.

        What is not `repeatable` is asked again only if it was certainly not done. Raises Refused, Missing, NoAnswer, or
        Unreachable with what the forge said.
        """
        import stamina  # noqa: PLC0415 -- only to ask a forge

        def again(error: Exception) -> bool | float:
            if not isinstance(error, _Disturbed) or (error.may_be_done and not repeatable):
                return False
            if error.wait is None:
                return True
            return error.wait if error.wait <= LONGEST_WAIT else False

        for attempt in stamina.retry_context(
            on=again,
            attempts=TRIES,
            timeout=2 * LONGEST_WAIT,
            wait_initial=FIRST_WAIT,
            wait_max=8.0,
            wait_jitter=FIRST_WAIT,
        ):
            with attempt:
                return self._once(method, path, query, body)
        raise AssertionError  # pragma: no cover -- the last attempt returns or raises

    def _once(self, method: str, path: str, query: Mapping[str, str] | None, body: Mapping[str, Any] | None) -> Answer:
        import requests  # noqa: PLC0415 -- loaded by now

        try:
            with self._session.request(
                method,
                self._api + path,
                params=query,
                data=None if body is None else msgspec.json.encode(body),
                headers={} if body is None else {"Content-Type": "application/json"},
                timeout=TIMEOUT,
                allow_redirects=False,
                stream=True,
            ) as response:
                content = self._read(response)
        except requests.RequestException as error:
            # Its text may hold the whole address; what kind it is says enough.
            raise _Disturbed(f"{self.name} could not be reached ({type(error).__name__})") from None
        headers = {key.lower(): value for key, value in response.headers.items()}
        return self._understood(response.status_code, headers, content)

    def _read(self, response: requests.Response) -> bytes:
        deadline = time.monotonic() + TIMEOUT
        content = bytearray()
        for piece in response.iter_content(_PIECE):
            content += piece
            if len(content) > LARGEST_ANSWER:
                raise Unreachable(f"{self.name} answers with more than {LARGEST_ANSWER >> 20} MiB", _TRY_AGAIN)
            if time.monotonic() > deadline:
                raise _Disturbed(f"{self.name} took longer than {TIMEOUT:g} s to answer")
        return bytes(content)

    def _understood(self, status: int, headers: Mapping[str, str], content: bytes) -> Answer:
        try:
            body = msgspec.json.decode(content) if content else None
        except (msgspec.MsgspecError, UnicodeError, RecursionError):
            body = None
            if _FIRST_SUCCESS <= status < _FIRST_REDIRECT:
                raise _Disturbed(f"{self.name} answers with something that is no JSON") from None
        if _FIRST_SUCCESS <= status < _FIRST_REDIRECT:
            return Answer(headers, body)
        said = self._said(body)
        wait = self._wait(headers)
        if status == _TOO_MANY or (status == _FORBIDDEN and (wait is not None or "rate limit" in said.lower())):
            raise self._limited(wait)
        if status >= _FIRST_FAULT:
            raise _Disturbed(f"{self.name} answers {status}{said}", wait=wait)
        if status == _UNAUTHORIZED:
            raise Refused(f"{self.name} does not take the token (401)", "see that it is set, and has not expired")
        if status == _FORBIDDEN:
            raise Refused(f"{self.name} does not let this token do that (403){said}")
        if status == _NOT_FOUND:
            raise Missing(f"{self.name} has nothing there, or does not show it to this token (404)")
        if _FIRST_REDIRECT <= status < _UNAUTHORIZED - 1:
            raise Missing(f"{self.name} says that it has moved ({status})", "name the repository as it is called now")
        raise Unreachable(f"{self.name} answers {status}{said}")

    def _limited(self, wait: float | None) -> _Disturbed:
        until = "" if wait is None else f" for another {wait:.0f} s"
        return _Disturbed(f"{self.name} takes no more requests{until}: a rate limit", wait=wait, done=False)

    def _said(self, body: object) -> str:
        """What the forge says went wrong, on one line, without the token."""
        message = body.get("message", body.get("error")) if isinstance(body, Mapping) else None
        text = message if isinstance(message, str) else msgspec.json.encode(message).decode() if message else ""
        return f": {shortened(text.replace(self._token, '***'), 200)}" if text else ""

    def _wait(self, headers: Mapping[str, str]) -> float | None:
        """Seconds until the forge wants to be asked again; None where it does not say."""
        after = headers.get("retry-after", "")
        if after.isascii() and after.isdigit():
            return float(after[:9])
        for prefix in ("x-ratelimit", "ratelimit"):
            reset = headers.get(f"{prefix}-reset", "")
            if headers.get(f"{prefix}-remaining") == "0" and reset.isascii() and reset.isdigit():
                return max(1.0, float(reset[:12]) - self._now())
        return None

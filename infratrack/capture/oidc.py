"""Asks the CI system that this job runs in to say who we are, and an issuer for its public keys. The network is here.

Sources: GitHub's documentation of OpenID Connect for Actions (`ACTIONS_ID_TOKEN_REQUEST_URL` and `…_TOKEN`), OpenID
Connect Discovery 1.0. Only HTTPS is spoken, redirects are not followed, and no message quotes a token or a whole URL.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote, urlsplit

import msgspec
from msgspec import Struct, structs

from infratrack import __version__
from infratrack.capture.child_environment import ID_TOKEN_VARIABLE
from infratrack.errors import InputError, Unreachable
from infratrack.evidence.identity.issuer_keys import KEY_SET_AT_MOST, IssuerKey, read_key_set

if TYPE_CHECKING:
    import requests

SWITCH_VARIABLE: Final = "INFRATRACK_IDENTITY"
SIGSTORE_CONFIG_VARIABLE: Final = "INFRATRACK_SIGSTORE_CONFIG"
GITHUB_URL: Final = "ACTIONS_ID_TOKEN_REQUEST_URL"
GITHUB_TOKEN: Final = "ACTIONS_ID_TOKEN_REQUEST_TOKEN"  # noqa: S105 -- a name
DEADLINE: Final = 15.0
"""Seconds for everything that is asked before a command may begin."""
TIMEOUT: Final = 5.0
TRIES: Final = 3
_SUCCESS: Final = 200
_FIRST_FAULT: Final = 500
_PIECE: Final = 1 << 16


class Offer(Struct, frozen=True):
    """A way to an identity token: one that the job was given, or an address to ask for one."""

    given: str = ""
    url: str = ""
    bearer: str = ""
    sigstore: bool = False
    """Whether the key is to be endorsed through sigstore, and not by the token itself."""
    sigstore_config: str = ""
    """The file that describes a sigstore instance; empty for the public one."""


class Disturbed(Unreachable):
    """Not now; asking again may help."""


def offered(environ: Mapping[str, str]) -> Offer | None:
    """What this job is offered; None where there is nothing, or it is not wanted (`INFRATRACK_IDENTITY=off`)."""
    switch = environ.get(SWITCH_VARIABLE, "").strip().lower()
    if switch not in {"", "auto", "off", "sigstore"}:
        raise InputError(f"{SWITCH_VARIABLE} is none of auto, sigstore, off", "auto is what holds without it")
    if switch == "off":
        return None
    way = Offer(sigstore=switch == "sigstore", sigstore_config=environ.get(SIGSTORE_CONFIG_VARIABLE, "").strip())
    given = environ.get(ID_TOKEN_VARIABLE, "").strip()
    if given:
        return structs.replace(way, given=given)
    url, bearer = environ.get(GITHUB_URL, "").strip(), environ.get(GITHUB_TOKEN, "").strip()
    return structs.replace(way, url=url, bearer=bearer) if url and bearer else None


class Asking:
    """A conversation of at most `DEADLINE` seconds with issuers of identity."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._opened: requests.Session | None = None
        self._clock = clock
        self._end = clock() + DEADLINE

    def token(self, offer: Offer, audience: str) -> str:
        """An identity token for the audience. Unreachable when there is no answer, InputError for a useless one."""
        if offer.given:
            return offer.given
        joint = "&" if urlsplit(offer.url).query else "?"
        answer = self._json(f"{offer.url}{joint}audience={quote(audience, safe='')}", bearer=offer.bearer)
        token = answer.get("value")
        if not isinstance(token, str):
            raise InputError(
                "the CI system gave no identity token", "on GitHub the job needs `permissions: {id-token: write}`"
            )
        return token

    def issuer_keys(self, issuer: str) -> tuple[IssuerKey, ...]:
        """The issuer's public keys, as it publishes them now over TLS. Unreachable, InputError likewise."""
        configuration = self._json(f"{issuer.rstrip('/')}/.well-known/openid-configuration")
        address = configuration.get("jwks_uri")
        if configuration.get("issuer") != issuer or not isinstance(address, str):
            raise InputError(
                f"{_host(issuer)} does not describe itself as the issuer {issuer}", "write the issuer as tokens name it"
            )
        return read_key_set(self._get(address))

    def close(self) -> None:
        """Let go of connections."""
        if self._opened is not None:
            self._opened.close()

    @property
    def _session(self) -> requests.Session:
        """Opened when first needed: a token that was given and keys that are pinned need nobody to be asked."""
        if self._opened is None:
            try:
                import requests  # noqa: PLC0415 -- heavy, and an extra
                from stamina import instrumentation  # noqa: PLC0415 -- likewise; told now what would be missing later
            except ModuleNotFoundError as error:
                raise InputError(
                    f"nobody can be asked about an identity: the Python package {error.name} is missing",
                    "pip install 'infratrack[forge]'",
                ) from error
            # Where structlog is installed, it would tell of retries on the output of whoever calls us.
            instrumentation.set_on_retry_hooks(())
            self._opened = requests.Session()
            self._opened.headers.update({"User-Agent": f"infratrack/{__version__}", "Accept": "application/json"})
        return self._opened

    def _json(self, url: str, bearer: str = "") -> Mapping[str, Any]:
        try:
            return msgspec.json.decode(self._get(url, bearer), type=dict[str, Any])
        except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
            raise InputError(f"{_host(url)} answered with something that is no JSON object") from error

    def _get(self, url: str, bearer: str = "") -> bytes:
        """What stands at the address; asked again while the other side is disturbed and there is time."""
        session = self._session
        import stamina  # noqa: PLC0415 -- there, since there is a session

        left = max(self._end - self._clock(), 0.1)
        for attempt in stamina.retry_context(on=Disturbed, attempts=TRIES, timeout=left, wait_initial=0.2, wait_max=2):
            with attempt:
                return self._once(session, url, bearer)
        raise AssertionError  # pragma: no cover -- the last attempt returns or raises

    def _once(self, session: requests.Session, url: str, bearer: str) -> bytes:
        import requests  # noqa: PLC0415 -- loaded by now

        def signed(request: requests.PreparedRequest) -> requests.PreparedRequest:
            if bearer:
                request.headers["Authorization"] = f"Bearer {bearer}"
            return request

        host = _host(url)
        try:
            # As `auth` also where there is nothing to show, so that no netrc file of this machine is consulted.
            with session.get(url, timeout=TIMEOUT, allow_redirects=False, stream=True, auth=signed) as response:
                status, content = response.status_code, self._read(response, host)
        except (requests.RequestException, ValueError) as error:
            # Its text may hold the whole address; what kind it is says enough.
            raise Disturbed(f"{host} could not be asked about an identity: {type(error).__name__}") from error
        if status >= _FIRST_FAULT:
            raise Disturbed(f"{host} answered {status} when asked about an identity")
        if status != _SUCCESS:
            raise InputError(f"{host} answered {status} when asked about an identity", "check the job's permissions")
        return content

    def _read(self, response: requests.Response, host: str) -> bytes:
        content = bytearray()
        for piece in response.iter_content(_PIECE):
            content += piece
            if len(content) > KEY_SET_AT_MOST:
                raise InputError(f"{host} answered with more than {KEY_SET_AT_MOST:,} bytes")
            if self._clock() > self._end:
                raise Unreachable(f"{host} took longer than {DEADLINE:g} s to answer", "try again later")
        return bytes(content)


def _host(url: str) -> str:
    """Whom the address names; InputError for an address that is not one of HTTPS, or that carries credentials."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port, parts = None, None, urlsplit("")
    if parts.scheme != "https" or not host or "@" in parts.netloc or not host.isascii() or not host.isprintable():
        raise InputError("what is to be asked about an identity is no https address", "check the CI system's settings")
    return f"{host}:{port}" if port else host

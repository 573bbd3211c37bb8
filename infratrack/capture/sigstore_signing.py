"""Has a sigstore instance endorse a signing key: asks for a certificate, signs with it, has the signature logged.

By default that is the public instance, found and followed by sigstore's own means (TUF); `INFRATRACK_SIGSTORE_CONFIG`
names the file (`ClientTrustConfig` in sigstore's protobuf-specs) that describes another. The network is here.
"""

from __future__ import annotations

import json
import queue
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar
from urllib.parse import urlsplit

import msgspec

from infratrack.capture.oidc import SIGSTORE_CONFIG_VARIABLE, Disturbed
from infratrack.errors import InputError, Unreachable
from infratrack.evidence.identity.sigstore_bundle import AUDIENCE, SigstoreResult, key_statement, sigstore_endorsement
from infratrack.evidence.identity.sigstore_library import INSTALL, need_library
from infratrack.evidence.identity.sigstore_root import SigstoreRoot, read_root

if TYPE_CHECKING:
    from sigstore.models import Bundle, ClientTrustConfig

CONFIG_AT_MOST: Final = 256 * 1024
DEADLINE: Final = 30.0
"""Seconds for all that is asked before a command may begin."""
TRIES: Final = 3
_FIRST_FAULT: Final = 500
_TOO_MANY: Final = 429
_URLS: Final = ("caUrls", "oidcUrls", "rekorTlogUrls", "tsaUrls")
_HINT: Final = f"{SIGSTORE_CONFIG_VARIABLE} names a sigstore client trust configuration (JSON)"

Value = TypeVar("Value")


def endorsed_by_sigstore(token: str, keyid: str, config_file: str, deadline: float = DEADLINE) -> SigstoreResult:
    """Have the key endorsed for whom the token names. The token is shown to the instance and kept nowhere.

    Raises InputError for what is not set up as it should be, Unreachable when nobody answers in time, IntegrityFailure
    when what the instance hands out does not hold.
    """
    need_library()
    bundle, root = in_time(lambda: _signed(token, keyid, config_file, deadline), deadline)
    return sigstore_endorsement(keyid, msgspec.json.decode(bundle.to_json()), root)


def present_root(config_file: str) -> SigstoreRoot:
    """The trusted root of the instance as it is now. Raises InputError and Unreachable likewise."""
    need_library()
    return in_time(lambda: _root_of(_config(config_file)), DEADLINE)


def in_time(work: Callable[[], Value], deadline: float) -> Value:
    """What `work` returns or raises, within so many seconds; the package sets no limit to most of what it asks for."""
    answers: queue.SimpleQueue[tuple[bool, Any]] = queue.SimpleQueue()

    def run() -> None:
        try:
            answers.put((True, work()))
        except BaseException as error:  # noqa: BLE001 -- raised again by whoever waits
            answers.put((False, error))

    threading.Thread(target=run, daemon=True, name="sigstore").start()
    try:
        done, found = answers.get(timeout=deadline)
    except queue.Empty as error:
        raise Unreachable(f"sigstore took longer than {deadline:g} s to answer", "try again later") from error
    if not done:
        raise found
    answer: Value = found
    return answer


def _signed(token: str, keyid: str, config_file: str, deadline: float) -> tuple[Bundle, SigstoreRoot]:
    import stamina  # noqa: PLC0415 -- part of the extra
    from sigstore.oidc import IdentityError, IdentityToken  # noqa: PLC0415 -- heavy, and an extra
    from stamina import instrumentation  # noqa: PLC0415 -- part of the extra

    try:
        identity = IdentityToken(token, AUDIENCE)
    except IdentityError as error:
        raise InputError(
            "the identity token is of no use to sigstore",
            f"it has to be valid now and asked for with the audience {AUDIENCE}",
        ) from error
    config = _config(config_file)
    instrumentation.set_on_retry_hooks(())  # they would print where structlog is installed
    for attempt in stamina.retry_context(on=Disturbed, attempts=TRIES, timeout=deadline, wait_initial=0.3, wait_max=3):
        with attempt:
            return _once(config, identity, keyid), _root_of(config)
    raise AssertionError  # pragma: no cover -- the last attempt returns or raises


def _once(config: ClientTrustConfig, identity: Any, keyid: str) -> Bundle:  # noqa: ANN401 -- an IdentityToken
    from sigstore.dsse import Statement  # noqa: PLC0415 -- heavy, and an extra
    from sigstore.sign import SigningContext  # noqa: PLC0415 -- likewise

    try:
        with SigningContext.from_trust_config(config).signer(identity) as signer:
            return signer.sign_dsse(Statement(key_statement(keyid)))
    except Exception as error:
        raise _told(error) from error


def _config(config_file: str) -> ClientTrustConfig:
    """The instance to ask, spoken to by HTTPS only."""
    from sigstore.models import ClientTrustConfig  # noqa: PLC0415 -- heavy, and an extra

    if not config_file:
        try:
            return ClientTrustConfig.production()
        except Exception as error:
            raise Unreachable(
                f"sigstore's public instance could not be found: {type(error).__name__}",
                f"its keys come from tuf-repo-cdn.sigstore.dev; for another instance, {_HINT}",
            ) from error
    try:
        with Path(config_file).open("rb") as file:
            content = file.read(CONFIG_AT_MOST + 1)
        document: Any = msgspec.json.decode(content) if len(content) <= CONFIG_AT_MOST else None
        services = document["signingConfig"]
        addresses = [one["url"] for kind in _URLS for one in services.get(kind) or ()]
        config = ClientTrustConfig.from_json(json.dumps(document))
    except OSError as error:
        raise InputError(f"{config_file} cannot be read: {error.strerror or error}", _HINT) from error
    except Exception as error:
        raise InputError(f"{config_file} does not describe a sigstore instance", _HINT) from error
    if not all(isinstance(one, str) and urlsplit(one).scheme == "https" for one in addresses):
        raise InputError(f"{config_file} names services that are not asked by https", _HINT)
    return config


def _root_of(config: ClientTrustConfig) -> SigstoreRoot:
    return read_root(config.trusted_root._inner.to_json())  # noqa: SLF001 -- the package has no other way to write it


def _told(error: Exception) -> Exception:
    """What went wrong in our words: servers' answers may repeat the token, and exceptions whole addresses."""
    import requests  # noqa: PLC0415 -- part of the extra

    for one in _causes(error):
        status = getattr(getattr(one, "response", None), "status_code", None)
        if isinstance(status, int):
            kind = Disturbed if status >= _FIRST_FAULT or status == _TOO_MANY else InputError
            return kind(f"sigstore answered {status}", "does it take tokens of this issuer?")
        if isinstance(one, requests.RequestException):
            return Disturbed(f"sigstore could not be asked: {type(one).__name__}")
    return InputError(
        f"sigstore did not endorse the key: {type(error).__name__}", f"is the package a recent one? {INSTALL}"
    )


def _causes(error: BaseException) -> Iterator[BaseException]:
    found: BaseException | None = error
    for _ in range(10):
        if found is None:
            return
        yield found
        found = found.__cause__ or found.__context__

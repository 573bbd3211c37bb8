"""A sigstore bundle that endorses a signing key, verified with a trusted root and nothing else. Pure: no network.

What is signed is an in-toto statement about the key (its subject's SHA-256 is the key id, which is that of the public
key's DER) and not the bare id: a job that signs files of others cannot be made to endorse somebody's key with it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, Literal

import msgspec
from msgspec import Struct

from infratrack.errors import IntegrityFailure
from infratrack.evidence.identity.certificates import runner_in
from infratrack.evidence.identity.runner import Runner
from infratrack.evidence.identity.sigstore_library import need_library
from infratrack.evidence.identity.sigstore_root import KINDS, TIMESTAMPS, SigstoreRoot, read_root

if TYPE_CHECKING:
    from cryptography.x509 import Certificate
    from sigstore.verify import Verifier

SIGSTORE: Final = "sigstore"
AUDIENCE: Final = "sigstore"
"""The audience of tokens that sigstore takes."""
ENDORSED_KEY: Final = "urn:infratrack:endorsed-key:v1"
BUNDLE_AT_MOST: Final = 64 * 1024

_STATEMENT: Final = "https://in-toto.io/Statement/v1"
_PAYLOAD: Final = "application/vnd.in-toto+json"
_REASON_AT_MOST: Final = 160


class SigstoreResult(Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """What stands under `result` of an endorsement through sigstore."""

    keyid: str
    """The key that is endorsed; it also signs the statement."""
    method: Literal["sigstore"]
    bundle: Mapping[str, Any]
    """The sigstore bundle (JSON) over the statement about the key."""
    trusted_root: Mapping[str, Any]
    """Those parts of the trusted root that the bundle is verified with, one of each kind."""
    runner: Runner
    """The certificate's words. Readers take them from the certificate and compare."""


def key_statement(keyid: str) -> bytes:
    """The statement about a key: exactly these bytes are signed."""
    said = {
        "_type": _STATEMENT,
        "predicate": {},
        "predicateType": ENDORSED_KEY,
        "subject": [{"digest": {"sha256": keyid}, "name": f"infratrack:{keyid}"}],
    }
    return json.dumps(said, separators=(",", ":")).encode()


def sigstore_endorsement(keyid: str, bundle: Mapping[str, Any], root: SigstoreRoot) -> SigstoreResult:
    """What to record of a bundle, with as little of the trusted root as it takes; IntegrityFailure if it does not hold.

    InputError where the package sigstore is missing.
    """
    verified_runner(keyid, bundle, root)
    for kind in KINDS:
        root = next((one for one in _narrower(root, kind) if _holds(keyid, bundle, one)), root)
    return SigstoreResult(keyid, SIGSTORE, bundle, root.document, verified_runner(keyid, bundle, root))


def read_recorded(result: SigstoreResult) -> tuple[tuple[str, ...], Runner]:
    """Which parts of a trusted root prove an endorsement, and what; IntegrityFailure, InputError when they do not."""
    root = read_root(result.trusted_root)
    if any(len(root.of(kind)) > 1 for kind in KINDS):
        raise IntegrityFailure("the endorsement does not say which part of its trusted root it rests on")
    runner = verified_runner(result.keyid, result.bundle, root)
    if runner != result.runner:
        raise IntegrityFailure("the endorsement says something else than its certificate")
    return root.digests, runner


def verified_runner(keyid: str, bundle: Mapping[str, Any], root: SigstoreRoot) -> Runner:
    """The job whose certificate signed the statement about the key, while it was valid and for logs to see.

    Raises IntegrityFailure, in words that quote little, when anything does not hold; InputError without the package.
    """
    need_library()
    from sigstore.models import Bundle  # noqa: PLC0415 -- heavy, and an extra

    reading = _ReadingPolicy()
    try:
        verifier = _verifier(json.dumps(root.document))
        kind, payload = verifier.verify_dsse(Bundle.from_json(_bounded(bundle)), reading)
    except IntegrityFailure:
        raise
    except Exception as error:  # a hostile bundle may make the library and those below it raise anything
        raise IntegrityFailure(f"the sigstore bundle does not hold: {_reason(error)}") from error
    if kind != _PAYLOAD or payload != key_statement(keyid):
        raise IntegrityFailure("the sigstore bundle is about something else than this key")
    return reading.runner


def _bounded(bundle: Mapping[str, Any]) -> str:
    text = json.dumps(bundle)
    if len(text) > BUNDLE_AT_MOST:
        raise IntegrityFailure(f"the sigstore bundle is larger than the {BUNDLE_AT_MOST:,} bytes that are read")
    return text


class _ReadingPolicy:
    """Takes the identity from the certificate. Whether it is a trusted one is for the reader's project to say."""

    runner: Runner

    def verify(self, cert: Certificate) -> None:
        """Called by the verifier with the certificate, once its chain and its log were verified."""
        self.runner = runner_in(cert)


def _narrower(root: SigstoreRoot, kind: str) -> Iterator[SigstoreRoot]:
    """The root with none (of timestamp authorities only), else with one part of the kind."""
    others = tuple(part for part in root.parts if part.kind != kind)
    if kind == TIMESTAMPS:
        yield SigstoreRoot(others)
    yield from (SigstoreRoot((*others, part)) for part in root.of(kind))


def _holds(keyid: str, bundle: Mapping[str, Any], root: SigstoreRoot) -> bool:
    try:
        verified_runner(keyid, bundle, root)
    except IntegrityFailure:
        return False
    return True


@lru_cache(maxsize=8)
def _verifier(root: str) -> Verifier:
    """A verifier for a trusted root. The signing configuration beside it is empty: nobody is asked for anything."""
    from sigstore.models import ClientTrustConfig  # noqa: PLC0415 -- heavy, and an extra
    from sigstore.verify import Verifier  # noqa: PLC0415 -- likewise

    config = {
        "mediaType": "application/vnd.dev.sigstore.clienttrustconfig.v0.1+json",
        "trustedRoot": msgspec.json.decode(root),
        "signingConfig": {"mediaType": "application/vnd.dev.sigstore.signingconfig.v0.2+json"},
    }
    return Verifier(trusted_root=ClientTrustConfig.from_json(json.dumps(config)).trusted_root)


def _reason(error: Exception) -> str:
    """The library's own words, as far as they are short and can be shown."""
    words = " ".join(str(error).split()) or type(error).__name__
    return "".join(one if one.isprintable() else "?" for one in words[:_REASON_AT_MOST])

"""An endorsement: an issuer's word that a job with certain claims holds a signing key. Pure.

The statement carries all that is needed to check it again, now and in ten years. Either the token, whose audience names
the key, and the issuer's public key as it was when the token was recorded; or a sigstore bundle, and the parts of the
trusted root that verify it (`sigstore_bundle`). That these keys are really whose they seem to be is not said by the
statement: a project says so, by pinning them (`trust.identities`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Literal

import msgspec
from msgspec import Struct

from infratrack.errors import InfratrackError
from infratrack.evidence.identity.issuer_keys import IssuerKey, read_key
from infratrack.evidence.identity.runner import Runner, runner_of
from infratrack.evidence.identity.sigstore_bundle import SIGSTORE, SigstoreResult, read_recorded
from infratrack.evidence.identity.sigstore_library import installed
from infratrack.evidence.identity.tokens import audience_for, issuer_claimed, verified_claims

OIDC: Final = "oidc"


class EndorsementResult(Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """What stands under `result` of an endorsement."""

    keyid: str
    """The key that is endorsed; it also signs the statement."""
    method: Literal["oidc"]
    token: str
    issuer_key: Mapping[str, str]
    """The issuer's key (JWK, RFC 7517) that the token is signed with."""
    runner: Runner
    """The token's claims in words. Readers take them from the token and compare."""


class Endorsed(Struct, frozen=True):
    """A key and who holds it, after the proof was verified with the keys that the statement brings along."""

    keyid: str
    authority: str
    """Thumbprint of the issuer's key, or digests of parts of a trusted root, apart by spaces. All of them have to be
    pinned by the reader's project. Empty where the proof could not be looked at: then it is about nobody."""
    runner: Runner

    @property
    def unread(self) -> bool:
        """Whether it takes the package sigstore, which is not installed, to know what this is worth."""
        return not self.authority


def endorsement_of(keyid: str, token: str, issuer_key: IssuerKey) -> EndorsementResult:
    """What to record of a token; IntegrityFailure when it does not endorse the key."""
    claims = verified_claims(token, issuer_key, issuer=issuer_claimed(token), audience=audience_for(keyid))
    return EndorsementResult(keyid, OIDC, token, issuer_key.jwk, runner_of(claims))


def endorsed_by(predicate: Mapping[str, Any], signer: str) -> Endorsed | None:
    """What an endorsement's predicate proves, signed by the key `signer`; None when it proves nothing. Never raises."""
    try:
        result = _result_in(predicate)
        if isinstance(result, SigstoreResult):
            return _endorsed_through_sigstore(result, signer)
        issuer_key = read_key(dict(result.issuer_key))
        if issuer_key is None:
            return None
        found = endorsement_of(result.keyid, result.token, issuer_key)
    except (InfratrackError, msgspec.ValidationError):
        return None
    # Nobody endorses a key but its holder, and no words are shown but the token's own.
    if found != result or found.keyid != signer:
        return None
    return Endorsed(found.keyid, issuer_key.thumbprint, found.runner)


def _endorsed_through_sigstore(result: SigstoreResult, signer: str) -> Endorsed | None:
    if result.keyid != signer:
        return None
    if not installed():
        return Endorsed(signer, "", Runner("", ""))
    digests, runner = read_recorded(result)
    return Endorsed(signer, " ".join(digests), runner)


def _result_in(predicate: Mapping[str, Any]) -> EndorsementResult | SigstoreResult:
    result = predicate.get("result")
    if isinstance(result, dict) and result.get("method") == SIGSTORE:
        return msgspec.convert(result, SigstoreResult)
    return msgspec.convert(result, EndorsementResult)

"""Following a log whose signers are trusted by identity: endorsements on the way bring their keys."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec
import pytest

from infratrack.errors import IntegrityFailure
from infratrack.evidence.identity import endorsement
from infratrack.evidence.identity.endorsement import endorsement_of
from infratrack.evidence.identity.tokens import audience_for
from infratrack.evidence.identity.trusted import TrustedIdentity
from infratrack.evidence.keys import SigningKey
from infratrack.evidence.predicates import ENDORSEMENT
from infratrack.evidence.trust import Trust
from infratrack.ledger.bundle import export_bundle, verify_bundle
from infratrack.ledger.check import LedgerDamage
from infratrack.ledger.log import Incoming
from infratrack.ledger.open import open_ledger
from infratrack.ledger.verify import Verified, verify_ledger
from infratrack.testing.builders import signed, signing_key
from infratrack.testing.ledgers import SAMPLE_ADDRESS, append, incoming
from tests.evidence.identity.issuer import GITHUB, github_claims, issuer_key, token

JOB, STRANGER = signing_key("job"), signing_key("stranger")
MAIN = TrustedIdentity("main", GITHUB, (issuer_key().thumbprint,), (("repository", "acme/network"),), "refs/heads/main")
TRUST = Trust(identities=(MAIN,))


def endorsing(key: SigningKey, **claims: str) -> Incoming:
    made = endorsement_of(key.keyid, token(github_claims(audience_for(key.keyid), **claims)), issuer_key())
    line = signed(ENDORSEMENT, {"result": msgspec.to_builtins(made)}, key)
    return Incoming(line, key.keyid, key.public_key)


def verified(folder: Path, items: Sequence[Incoming], last: SigningKey) -> Verified:
    """The log of these envelopes, verified as a ledger and as a bundle; `last` signed its checkpoint."""
    ledger = open_ledger(SAMPLE_ADDRESS, folder, project_id="sample", create=True)
    try:
        append(ledger, items, last)
        found = verify_ledger(ledger, TRUST)
        export_bundle(ledger, folder / "bundle")
    finally:
        ledger.close()
    assert verify_bundle(folder / "bundle", TRUST).trusted == found.trusted
    return found


def test_a_log_that_endorsed_keys_signed_verifies(tmp_path: Path) -> None:
    found = verified(tmp_path, [incoming(1, JOB), endorsing(JOB), incoming(2, JOB), incoming(3, STRANGER)], JOB)
    # What stands before the endorsement is not counted, and the stranger's neither.
    assert (found.entries, found.trusted, found.signer) == (4, 2, JOB.keyid)


@pytest.mark.parametrize("claims", [{"ref": "refs/heads/feature"}, {"repository": "mallory/network"}])
def test_the_checkpoint_of_another_job_is_a_stranger_s(tmp_path: Path, claims: dict[str, str]) -> None:
    with pytest.raises(LedgerDamage, match="no key that the trust root names"):
        verified(tmp_path, [endorsing(JOB), endorsing(STRANGER, **claims), incoming(1, STRANGER)], STRANGER)


def test_a_job_that_cannot_be_known_without_the_package_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(endorsement, "installed", lambda: False)
    made = {"keyid": STRANGER.keyid, "method": "sigstore", "bundle": {}, "trustedRoot": {}}
    claimed = {"result": {**made, "runner": {"issuer": GITHUB, "subject": "x"}}}
    unread = Incoming(signed(ENDORSEMENT, claimed, STRANGER), STRANGER.keyid, STRANGER.public_key)
    items = [endorsing(JOB), unread, incoming(1, STRANGER), incoming(2, JOB)]
    found = verified(tmp_path / "one", items, JOB)
    assert (found.trusted, found.unread) == (2, 2)
    with pytest.raises(LedgerDamage, match="which sigstore vouches for") as caught:
        verified(tmp_path / "two", items, STRANGER)
    assert caught.value.remedy == "pip install 'infratrack[sigstore]'"


def test_without_keys_and_identities_nothing_is_verified(tmp_path: Path) -> None:
    ledger = open_ledger(SAMPLE_ADDRESS, tmp_path, project_id="sample", create=True)
    append(ledger, [endorsing(JOB)], JOB)
    with pytest.raises(IntegrityFailure, match="no trust root"):
        verify_ledger(ledger, Trust())
    ledger.close()

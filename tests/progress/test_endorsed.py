"""Evidence of jobs that are trusted by identity: it counts from the endorsement of its key on, and not before."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from infratrack.evidence.identity import endorsement
from infratrack.evidence.identity.endorsement import endorsement_of
from infratrack.evidence.identity.tokens import audience_for
from infratrack.evidence.predicates import ENDORSEMENT
from infratrack.progress.criterion import Word
from infratrack.progress.foreseen import Foreseen, PlannedChange
from infratrack.progress.index.verify import compare_index
from infratrack.progress.look_ahead import foreseen_state
from infratrack.progress.status import Status
from infratrack.project.model import Identity
from infratrack.testing.builders import signing_key
from infratrack.values import Instant
from tests.evidence.identity.issuer import GITHUB, github_claims, issuer_key, key_set, token
from tests.progress.world import DAY, HOUR, T0, World, fine, promised

MAIN = Identity("main", GITHUB, "issuer.json", repository="acme/network", ref="refs/heads/main")


def trusting(*deliverables: Any, **more: Any) -> World:
    """A project that trusts no key for evidence, and jobs on main."""
    made = {"signers": (), "identities": (MAIN,), "key_files": {"issuer.json": key_set()}, **more}
    return World(*(deliverables or (promised("a", fine("a")),)), **made)


def endorse(world: World, name: str, at: int, **claims: Any) -> None:
    key = signing_key(name)
    made = endorsement_of(key.keyid, token(github_claims(audience_for(key.keyid), **claims)), issuer_key())
    world.ledger.keys[key.keyid] = key.public_key
    world.append(world.statement(ENDORSEMENT, msgspec.to_builtins(made), at=at), ENDORSEMENT, key=name, recorded=at)


def test_evidence_counts_from_the_endorsement_of_its_key_on() -> None:
    world = trusting(promised("a", fine("a")), promised("b", fine("b")))
    world.say(T0, key="job", a="ok")
    endorse(world, "job", T0 + HOUR)
    world.say(T0 + 2 * HOUR, key="job", b="ok")
    state = world.state()
    assert {one.id: one.status for one in state.deliverables} == {"a": Status.NOT_STARTED, "b": Status.COMPLETE}
    assert (state.evidence.total, state.evidence.counted) == (3, 2)
    assert world.state(at_size=1).evidence.counted == 0
    assert [one.signer for one in state.deliverables[1].criteria[0].evidence] == ["main"]


def test_a_definition_is_vouched_for_by_the_first_evidence_that_counts() -> None:
    world = trusting()
    world.say(T0, key="job", a="ok", definition="sha256:" + "1" * 64)
    endorse(world, "job", T0 + HOUR)
    world.say(T0 + 2 * HOUR, key="job", a="ok")
    assert world.one().status is Status.COMPLETE


def test_other_jobs_are_told_as_one_reason_however_many_keys_they_had() -> None:
    world = trusting()
    for number in range(3):
        endorse(world, f"job-{number}", T0 + number, ref="refs/heads/feature")
        world.say(T0 + HOUR + number, key=f"job-{number}", a="ok")
    state = world.state()
    assert state.evidence.untrusted == {"job: acme/network at refs/heads/feature": 6}
    (note,) = state.notes
    assert note == (
        "6 pieces of evidence are signed in a job that the project does not trust: acme/network at refs/heads/feature; "
        "see trust.identities"
    )


def test_without_the_package_a_job_that_sigstore_vouches_for_is_told_with_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(endorsement, "installed", lambda: False)
    world = trusting()
    key = signing_key("job")
    world.ledger.keys[key.keyid] = key.public_key
    made = {"keyid": key.keyid, "method": "sigstore", "bundle": {}, "trustedRoot": {}}
    claimed = {**made, "runner": {"issuer": GITHUB, "subject": "repo:acme/network:ref:refs/heads/main"}}
    world.append(world.statement(ENDORSEMENT, claimed, at=T0), ENDORSEMENT, key="job", recorded=T0)
    world.say(T0 + HOUR, key="job", a="ok")
    state = world.state()
    assert state.deliverables[0].status is Status.NOT_STARTED
    assert state.evidence.untrusted == {"job: endorsed through sigstore, which is not installed here": 2}
    (note,) = state.notes
    assert note == (
        "2 pieces of evidence are signed in a job that sigstore vouches for, which cannot be verified here, and not "
        "counted; run `pip install 'infratrack[sigstore]'`"
    )


def test_an_endorsement_signed_by_somebody_else_or_damaged_brings_nothing() -> None:
    world = trusting()
    key = signing_key("job")
    made = endorsement_of(key.keyid, token(github_claims(audience_for(key.keyid))), issuer_key())
    for name in ("job", "thief"):
        world.ledger.keys[signing_key(name).keyid] = signing_key(name).public_key
    payload = world.statement(ENDORSEMENT, msgspec.to_builtins(made), at=T0)
    world.append(payload, ENDORSEMENT, key="thief", recorded=T0)
    world.say(T0 + HOUR, key="job", a="ok")
    world.say(T0 + HOUR, key="thief", a="ok")
    assert world.one().status is Status.NOT_STARTED


def test_a_key_that_nobody_knows_endorses_nothing_until_it_is_known() -> None:
    world = trusting()
    endorse(world, "job", T0)
    known = world.ledger.keys.pop(signing_key("job").keyid)
    world.say(T0 + HOUR, key="job", a="ok")
    assert world.one().status is Status.NOT_STARTED
    world.ledger.keys[known.keyid] = known
    assert world.one().status is Status.COMPLETE


def test_a_person_can_end_an_endorsed_key() -> None:
    world = trusting()
    endorse(world, "job", T0)
    world.end_key(T0 + HOUR, "job", by="ana")
    world.say(T0 + 2 * HOUR, key="job", a="ok")
    assert world.one().status is Status.NOT_STARTED


def test_an_endorsed_key_cannot_accept() -> None:
    world = trusting(promised("a", fine("a"), accepted_by=("lead",)))
    endorse(world, "job", T0)
    world.say(T0 + HOUR, key="job", a="ok")
    world.sign(T0 + 2 * HOUR, who="job", deliverable="a")
    assert world.one().status is Status.COMPLETE
    world.sign(T0 + 3 * HOUR, who="ana", deliverable="a")
    assert world.one().status is Status.ACCEPTED


def test_going_on_from_what_was_kept_gives_what_starting_anew_gives(tmp_path: Path) -> None:
    world = trusting(promised("a", fine("a")), promised("b", fine("b")), index=tmp_path / "index.db")
    for number, name in enumerate("abab"):
        endorse(world, f"job-{number}", T0 + number * HOUR)
        said: dict[str, Any] = {name: "ok" if number < 3 else "bad"}
        world.say(T0 + number * HOUR + 1, key=f"job-{number}", **said)
        kept = world.state()
        path, world.index_path = world.index_path, None
        assert world.state() == kept
        world.index_path = path
    assert [one.status for one in kept.deliverables] == [Status.COMPLETE, Status.REGRESSED]
    compared = compare_index(tmp_path / "index.db", world.ledger, world.trust, world.types)
    assert compared is not None
    assert compared.differences == ()


def test_what_a_plan_of_a_trusted_job_would_bring_is_foreseen() -> None:
    world = trusting()
    index = world.refreshed()
    foreseen = Foreseen("infra", (PlannedChange("create", "a"),), (Word("toy", "", "a", {"is": "ok"}),))
    found = foreseen_state(world.project, index, world.criteria, world.trust, Instant(T0 + 30 * DAY), [foreseen])
    index.close()
    assert found is not None
    assert found.deliverables[0].status is Status.COMPLETE

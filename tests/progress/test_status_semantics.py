"""What the statuses mean, told through evidence as it arrives."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec import structs

from infratrack.errors import InputError
from infratrack.progress.criterion import Decision
from infratrack.progress.status import Status
from infratrack.project.model import AllOf, AnyOf, AtLeast, CriterionCall, Not, Phase, Task
from infratrack.testing.builders import signing_key
from tests.progress.world import COMMIT, DAY, HOUR, T0, World, a_project, fine, promised


def test_without_evidence_nothing_has_started() -> None:
    one = World().one()
    assert (one.status, one.since, one.finished) == (Status.NOT_STARTED, None, None)
    assert one.criteria[0].decision is Decision.UNKNOWN
    assert one.reason == "toy.fine: no evidence yet of toy a"


def test_linked_evidence_begins_the_work_though_it_says_nothing_about_the_criteria() -> None:
    world = World()
    world.say(T0, deliverables=("d",))
    assert (world.one().status, world.one().since) == (Status.IN_PROGRESS, T0)


def test_evidence_completes_and_the_finish_is_its_own_instant_not_that_of_recording() -> None:
    world = World()
    world.say(T0, a="ok", recorded=T0 + DAY)
    one = world.one()
    assert (one.status, one.since, one.completed, one.finished) == (Status.COMPLETE, T0, T0, T0)
    assert one.reason == ""


def test_a_finish_in_the_future_of_the_ledger_counts_from_the_recording() -> None:
    world = World()
    world.say(T0 + DAY, a="ok", recorded=T0)
    assert world.one().since == T0


def test_a_run_whose_end_nobody_saw_is_placed_where_it_was_recorded_and_noted() -> None:
    world = World()
    world.say(T0, a="ok")
    world.say(T0 + HOUR, finished=False, outcome="indeterminate", deliverables=("d",), a="dunno")
    one = world.one()
    assert one.status is Status.REGRESSED
    assert one.since == T0 + HOUR
    assert any("killed or lost" in note for note in one.notes)
    world.say(T0 + 2 * HOUR, a="ok", deliverables=("d",))
    assert world.one().notes == ()


def test_a_newer_failure_beats_an_older_success_and_says_which_evidence_contradicts() -> None:
    world = World()
    world.say(T0, a="ok")
    world.say(T0 + HOUR, a="bad", run="night-run")
    one = world.one()
    assert (one.status, one.since, one.completed, one.finished) == (Status.REGRESSED, T0 + HOUR, T0, T0)
    assert one.reason == "toy.fine: a: it is broken"
    (reference,) = one.criteria[0].evidence
    assert (reference.run, reference.index, reference.commit) == ("night-run", 1, COMMIT)
    assert (reference.actor, reference.signer, reference.run_url) == ("builder", "ci", "https://ci.example/1")
    assert [(turn.what, turn.at) for turn in one.turns] == [("complete", T0), ("regressed", T0 + HOUR)]
    assert one.regressions == 1


def test_an_older_failure_that_arrives_late_changes_nothing_now() -> None:
    world = World()
    world.say(T0, a="ok")
    world.say(T0 - HOUR, a="bad", recorded=T0 + HOUR)
    assert (world.one().status, world.one().finished) == (Status.COMPLETE, T0)


def test_gone_after_applied_regresses_and_repair_completes_again_with_the_old_finish() -> None:
    world = World()
    world.say(T0, a="ok")
    world.say(T0 + HOUR, a="gone")
    assert world.one().status is Status.REGRESSED
    world.say(T0 + 2 * HOUR, a="ok")
    one = world.one()
    assert (one.status, one.since, one.finished) == (Status.COMPLETE, T0 + 2 * HOUR, T0)


def test_one_piece_of_evidence_speaks_only_for_what_it_touched() -> None:
    world = World(promised(when=fine(name="*", min=2)))
    world.say(T0, a="ok")
    assert world.one().status is Status.IN_PROGRESS
    assert world.one().criteria[0].reason == "1 of 1 found so far meets it, which does not settle it"
    world.say(T0 + HOUR, b="ok")
    assert world.one().since == T0 + HOUR
    world.say(T0 + 2 * HOUR, c="bad")
    assert world.one().status is Status.REGRESSED


def test_more_of_the_same_changes_nothing() -> None:
    world = World(promised(when=fine(name="*", min=1)))
    world.say(T0, a="ok")
    world.say(T0 + HOUR, b="ok")
    assert world.one().since == T0
    assert world.one().criteria[0].reason == "a and b: it is fine"


def test_a_word_that_says_nothing_leaves_the_older_word_standing() -> None:
    world = World()
    world.say(T0, a="silent")
    assert world.one().criteria[0].decision is Decision.UNKNOWN
    world.say(T0 + HOUR, a="ok")
    world.say(T0 + 2 * HOUR, a="silent")
    assert (world.one().status, world.one().since) == (Status.COMPLETE, T0 + HOUR)


def test_as_of_asks_about_an_earlier_instant() -> None:
    world = World()
    world.say(T0, a="ok")
    world.say(T0 + HOUR, a="bad")
    assert world.one(T0 - 1).status is Status.NOT_STARTED
    assert world.one(T0).status is Status.COMPLETE
    assert world.one(T0 + HOUR).status is Status.REGRESSED


def test_at_size_asks_with_the_knowledge_of_an_earlier_ledger() -> None:
    world = World()
    world.say(T0, a="ok")
    world.say(T0 - HOUR, a="ok", b="ok")
    assert world.one(at_size=0).status is Status.NOT_STARTED
    assert world.one(at_size=1).finished == T0
    assert world.one(at_size=2).finished == T0 - HOUR
    assert world.state(at_size=1).ledger.root == world.ledger.root_at(1).hex()
    with pytest.raises(InputError, match="has 2 entries, not 3"):
        world.state(at_size=3)


class TestFreshness:
    def test_evidence_that_is_too_old_makes_stale_without_moving_the_finish(self) -> None:
        world = World(promised(when=fine(within="7d")))
        world.say(T0, a="ok")
        assert world.one(T0 + 7 * DAY).status is Status.COMPLETE
        one = world.one(T0 + 7 * DAY + 1)
        assert (one.status, one.since, one.finished) == (Status.STALE, T0 + 7 * DAY, T0)
        assert one.criteria[0].decision is Decision.UNKNOWN
        assert one.criteria[0].stale_since == T0 + 7 * DAY
        assert one.criteria[0].reason.startswith("too old: last confirmed 2026-01-05 09:00 UTC, counted for 7d until")
        assert world.state(T0 + 8 * DAY).progress == 1

    def test_saying_it_again_refreshes(self) -> None:
        world = World(promised(when=fine(within="7d")))
        world.say(T0, a="ok")
        world.say(T0 + 6 * DAY, a="ok")
        one = world.one(T0 + 13 * DAY)
        assert (one.status, one.since) == (Status.COMPLETE, T0)
        assert one.criteria[0].evidence[0].index == 1

    def test_the_oldest_of_the_newest_words_counts(self) -> None:
        world = World(promised(when=fine(name="*", min=2, within="7d")))
        world.say(T0, a="ok")
        world.say(T0 + 5 * DAY, b="ok")
        assert world.one(T0 + 8 * DAY).status is Status.STALE

    def test_what_was_never_fresh_all_at_once_was_never_complete(self) -> None:
        world = World(promised(when=AllOf((fine("a", within="1d"), fine("b")))))
        world.say(T0, a="ok")
        world.say(T0 + 3 * DAY, b="ok")
        one = world.one(T0 + 4 * DAY)
        assert (one.status, one.completed) == (Status.IN_PROGRESS, None)
        world.say(T0 + 5 * DAY, a="ok")
        assert (world.one(T0 + 5 * DAY).status, world.one().completed) == (Status.COMPLETE, T0 + 5 * DAY)

    def test_a_refresh_that_comes_with_another_change_in_between_still_completes(self) -> None:
        world = World(promised(when=AllOf((fine("a", within="1d"), fine("b")))))
        world.say(T0, a="ok")
        world.say(T0 + 3 * DAY, b="ok")
        world.say(T0 + 4 * DAY, a="ok")
        world.say(T0 + 5 * DAY, b="bad")
        one = world.one()
        assert (one.status, one.completed, one.since) == (Status.REGRESSED, T0 + 4 * DAY, T0 + 5 * DAY)

    def test_satisfied_again_by_evidence_that_is_too_old_is_stale(self) -> None:
        world = World(promised(when=AllOf((fine("a", within="1d"), fine("b")))))
        world.say(T0, a="ok", b="ok")
        world.say(T0 + HOUR, b="bad")
        world.say(T0 + 3 * DAY, b="ok")
        one = world.one()
        assert (one.status, one.since) == (Status.STALE, T0 + DAY)

    def test_a_criterion_that_is_not_needed_may_grow_old(self) -> None:
        world = World(promised(when=AnyOf((fine("a", within="1d"), fine("b")))))
        world.say(T0, a="ok", b="ok")
        assert world.one(T0 + 9 * DAY).status is Status.COMPLETE

    def test_stale_begins_when_the_tree_no_longer_holds_not_at_the_first_old_leaf(self) -> None:
        world = World(promised(when=AnyOf((fine("a", within="1d"), fine("b", within="2d")))))
        world.say(T0, a="ok", b="ok")
        assert (world.one().status, world.one().since) == (Status.STALE, T0 + 2 * DAY)

    def test_the_first_needed_criterion_that_ages_makes_it_stale(self) -> None:
        world = World(promised(when=AllOf((fine("a", within="1d"), fine("b", within="2d")))))
        world.say(T0, a="ok", b="ok")
        assert (world.one().status, world.one().since) == (Status.STALE, T0 + DAY)

    def test_of_several_refreshes_the_first_completes(self) -> None:
        world = World(promised(when=AllOf((fine("a", within="1d"), fine("b")))))
        world.say(T0, a="ok")
        world.say(T0 + 3 * DAY, b="ok")
        for day in (4, 5, 6):
            world.say(T0 + day * DAY, a="ok")
        assert world.one().completed == T0 + 4 * DAY

    def test_a_negation_over_something_too_old_is_not_known(self) -> None:
        world = World(promised(when=Not(fine("a", within="1d"))))
        world.say(T0, a="bad")
        assert world.one().status is Status.COMPLETE
        world.say(T0 + DAY, a="ok")
        assert world.one(T0 + DAY).status is Status.REGRESSED
        assert world.one(T0 + DAY).reason == "not toy.fine: a: it is fine"


class TestAcceptance:
    def test_only_acceptance_finishes_where_it_is_asked_for(self) -> None:
        world = World(promised(accepted_by=("lead",)))
        world.say(T0, a="ok")
        assert (world.one().status, world.one().finished, world.one().completed) == (Status.COMPLETE, None, T0)
        world.sign(T0 + HOUR)
        one = world.one()
        assert (one.status, one.since, one.finished) == (Status.ACCEPTED, T0 + HOUR, T0 + HOUR)
        assert one.acceptance is not None
        assert (one.acceptance.person, one.acceptance.comment) == ("ana", "seen")
        assert one.acceptance.evidence is not None
        assert one.acceptance.evidence.actor == "ana"

    def test_a_second_acceptance_changes_nothing(self) -> None:
        world = World(promised(accepted_by=("lead",)))
        world.say(T0, a="ok")
        world.sign(T0 + HOUR)
        world.sign(T0 + 2 * HOUR)
        assert world.one().since == T0 + HOUR

    def test_a_regression_voids_it_and_repair_asks_for_a_new_one(self) -> None:
        world = World(promised(accepted_by=("ana",)))
        world.say(T0, a="ok")
        world.sign(T0 + HOUR)
        world.say(T0 + 2 * HOUR, a="bad")
        assert (world.one().status, world.one().finished) == (Status.REGRESSED, T0 + HOUR)
        assert world.state().at_risk == 1
        assert world.state().earned == 1
        world.say(T0 + 3 * HOUR, a="ok")
        assert (world.one().status, world.one().acceptance) == (Status.COMPLETE, None)
        world.sign(T0 + 4 * HOUR)
        assert (world.one().status, world.one().finished) == (Status.ACCEPTED, T0 + HOUR)

    def test_what_was_not_complete_cannot_have_been_accepted(self) -> None:
        world = World(promised(accepted_by=("lead",)))
        world.sign(T0)
        world.say(T0 + HOUR, a="ok")
        assert world.one().status is Status.COMPLETE

    def test_what_was_stale_cannot_have_been_accepted(self) -> None:
        world = World(promised(when=fine(within="1d"), accepted_by=("lead",)))
        world.say(T0, a="ok")
        world.sign(T0 + 2 * DAY)
        assert world.one().status is Status.STALE

    def test_freshness_stops_counting_once_accepted_unless_kept(self) -> None:
        for keep, status in ((False, Status.ACCEPTED), (True, Status.STALE)):
            world = World(promised(when=fine(within="1d", keep=keep), accepted_by=("lead",)))
            world.say(T0, a="ok")
            world.sign(T0 + HOUR)
            assert world.one().status is status

    def test_a_machine_key_never_accepts(self) -> None:
        world = World(promised(accepted_by=("lead",)))
        world.say(T0, a="ok")
        world.sign(T0 + HOUR, "ci")
        one = world.one()
        assert one.status is Status.COMPLETE
        assert any(signing_key("ci").keyid in note for note in one.notes)

    def test_a_person_who_is_not_named_does_not_count_and_is_mentioned(self) -> None:
        world = World(promised(accepted_by=("lead",)))
        world.say(T0, a="ok")
        world.sign(T0 + HOUR, "ben")
        assert world.one().status is Status.COMPLETE
        assert "entry 1 (accepted by ben) does not count: d is accepted by lead, not by ben" in world.one().notes

    def test_somebody_who_left_could_accept_while_they_belonged_to_the_project(self) -> None:
        for at, status in (
            (T0 + HOUR, Status.ACCEPTED),
            (T0 + 40 * DAY, Status.COMPLETE),
            (T0 - 20 * DAY, Status.COMPLETE),
        ):
            world = World(promised(accepted_by=("ben",)))
            world.say(T0 - 30 * DAY, a="ok")
            world.sign(at, "ben")
            assert world.one(T0 + 50 * DAY).status is status

    def test_somebody_who_left_cannot_date_back(self) -> None:
        world = World(promised(accepted_by=("ben",)))
        world.say(T0, a="ok")
        world.sign(T0 + HOUR, "ben", recorded=T0 + 40 * DAY)
        one = world.one(T0 + 50 * DAY)
        assert one.status is Status.COMPLETE
        late = "ben belonged to the project only until 2026-01-31, and this was recorded on 2026-02-14"
        assert one.notes == (f"entry 1 (accepted by ben) does not count: {late}",)

    def test_somebody_who_left_meets_no_criterion_that_asks_for_a_signature(self) -> None:
        world = World(promised(when=AllOf((fine(), CriterionCall("toy.signed", {})))))
        world.say(T0, a="ok")
        world.sign(T0 + 40 * DAY, "ben")
        one = world.one(T0 + 50 * DAY)
        assert one.status is Status.IN_PROGRESS
        assert one.notes == (
            "entry 1 (accepted by ben) does not count: ben belonged to the project only until 2026-01-31",
        )

    def test_reopening_un_earns_until_new_evidence_arrives(self) -> None:
        world = World(promised(accepted_by=("lead",)))
        world.say(T0, a="ok")
        world.sign(T0 + HOUR)
        world.sign(T0 + 2 * HOUR, decision="reopened")
        one = world.one()
        assert (one.status, one.since, one.finished, one.completed) == (Status.IN_PROGRESS, T0 + 2 * HOUR, None, None)
        assert one.reason == "reopened by ana: seen"
        assert not one.signable
        assert world.state().earned == 0
        world.sign(T0 + 3 * HOUR)
        assert world.one().status is Status.IN_PROGRESS
        world.say(T0 + 4 * HOUR, a="ok")
        one = world.one()
        assert (one.status, one.completed) == (Status.COMPLETE, T0 + 4 * HOUR)
        assert [turn.what for turn in one.turns] == ["complete", "accepted", "reopened", "complete"]

    def test_reopening_what_never_was_complete_changes_nothing(self) -> None:
        world = World(promised(accepted_by=("lead",)))
        world.say(T0, a="bad")
        world.sign(T0 + HOUR, decision="reopened")
        assert world.one().since == T0

    def test_after_reopening_a_change_of_judgement_completes_too(self) -> None:
        world = World(promised(accepted_by=("lead",)))
        world.say(T0, a="ok")
        world.sign(T0 + HOUR, decision="reopened")
        world.say(T0 + 2 * HOUR, a="bad")
        world.say(T0 + 3 * HOUR, a="ok")
        assert (world.one().status, world.one().completed) == (Status.COMPLETE, T0 + 3 * HOUR)

    def test_a_criterion_that_waits_for_a_signature_can_be_signed_before_it_is_complete(self) -> None:
        world = World(promised(when=AllOf((fine(), CriterionCall("toy.signed", {})))))
        assert not world.one().signable
        world.say(T0, a="ok")
        assert world.one().status is Status.IN_PROGRESS
        assert world.one().signable
        world.sign(T0 + HOUR, "ben")
        assert (world.one().status, world.one().notes) == (Status.COMPLETE, ())


class TestTrust:
    def test_evidence_by_a_key_that_is_not_trusted_is_kept_and_shown_but_does_not_count(self) -> None:
        world = World()
        world.say(T0, key="mallory", a="ok")
        world.ledger.keys[signing_key("mallory").keyid] = signing_key("mallory").public_key
        state = world.state()
        keyid = signing_key("mallory").keyid
        assert state.deliverables[0].status is Status.NOT_STARTED
        assert state.deliverables[0].untrusted == 1
        assert state.evidence.untrusted == {keyid: 1}
        note = (
            f"1 piece of evidence is signed by a key that the project does not trust: keyid {keyid}; "
            "add it to trust or people"
        )
        assert state.notes == (note,)
        assert state.deliverables[0].notes == (note,)

    def test_a_person_s_key_does_not_count_for_evidence(self) -> None:
        world = World()
        world.say(T0, key="ana", a="ok")
        assert world.one().status is Status.NOT_STARTED

    def test_evidence_of_another_project_does_not_count(self) -> None:
        world = World()
        world.say(T0, project="other", a="ok")
        assert world.one().status is Status.NOT_STARTED
        assert world.state().evidence.other_projects == 1
        assert world.state().notes == ("1 piece of evidence is of another project and not counted",)

    def test_the_same_payload_counts_once(self) -> None:
        world = World()
        payload = world.statement("urn:toy:v1", {"words": {"a": "ok"}}, at=T0)
        world.append(payload, "urn:toy:v1", key="ana", recorded=T0)
        world.append(payload, "urn:toy:v1", key="ci", recorded=T0 + HOUR)
        world.append(payload, "urn:toy:v1", key="ci", recorded=T0 + 2 * HOUR)
        one = world.explained()
        assert one.status is Status.COMPLETE
        assert one.findings[0][0].entry == 1
        assert world.one(at_size=2).status is Status.COMPLETE

    def test_from_its_end_on_a_key_s_evidence_no_longer_counts(self) -> None:
        world = World()
        world.say(T0, a="ok")
        world.end_key(T0 + HOUR, "ci", by="ana")
        world.say(T0 + 2 * HOUR, a="bad")
        state = world.state()
        assert state.deliverables[0].status is Status.COMPLETE
        assert state.evidence.untrusted[signing_key("ci").keyid] == 1


class TestDefinitions:
    def test_completed_because_its_criterion_changed_is_said(self, monkeypatch: pytest.MonkeyPatch) -> None:
        world = World(promised(when=fine(name="*", min=2)))
        before = world.project
        world.say(T0, a="ok")
        assert world.one().status is Status.IN_PROGRESS
        world.project = a_project(promised(when=fine(name="*", min=1)))
        _remember(world, monkeypatch, before)
        one = world.one()
        assert one.status is Status.COMPLETE
        assert len(one.notes) == 1
        assert one.notes[0].startswith("complete because its criterion changed: the evidence of 2026-01-05 09:00 UTC")
        assert before.definition.digest[:19] in one.notes[0]
        assert COMMIT[:12] in one.notes[0]

    def test_a_change_that_would_not_have_mattered_is_not(self, monkeypatch: pytest.MonkeyPatch) -> None:
        world = World(promised(when=fine(name="*", min=1)))
        before = world.project
        world.say(T0, a="ok", b="ok")
        world.project = a_project(promised(when=fine(name="*", min=2)))
        _remember(world, monkeypatch, before)
        assert world.one().notes == ()

    @pytest.mark.parametrize("document", ["unknown", "unreadable"])
    def test_a_definition_that_cannot_be_had_says_nothing(self, document: str, monkeypatch: pytest.MonkeyPatch) -> None:
        world = World(promised(when=fine(name="*", min=2)))
        before = world.project
        world.say(T0, a="ok")
        world.project = a_project(promised(when=fine()))
        if document == "unreadable":
            world.ledger.blobs.kept[before.definition.digest] = before.definition.document
        assert world.one().notes == ()

    def test_who_may_accept_is_judged_by_the_definition_that_held(self, monkeypatch: pytest.MonkeyPatch) -> None:
        world = World(promised(accepted_by=("lead",)))
        before = world.project
        world.say(T0, a="ok")
        world.sign(T0 + HOUR)
        world.project = a_project(promised(accepted_by=("ben",)))
        _remember(world, monkeypatch, before)
        assert world.one().status is Status.ACCEPTED

    def test_a_definition_that_only_the_signer_pins_gives_no_right(self, monkeypatch: pytest.MonkeyPatch) -> None:
        own = a_project(promised(accepted_by=("lead",)))
        world = World(promised(accepted_by=("ben",)))
        world.say(T0, a="ok")
        world.sign(T0 + HOUR, definition=own.definition.digest)
        _remember(world, monkeypatch, own)
        assert world.one().status is Status.COMPLETE

    def test_an_older_definition_gives_no_right_that_a_newer_one_took(self, monkeypatch: pytest.MonkeyPatch) -> None:
        world = World(promised(accepted_by=("lead",)))
        before = world.project
        world.say(T0, a="ok")
        world.project = a_project(promised(accepted_by=("ben",)))
        world.say(T0 + HOUR, a="ok")
        world.sign(T0 + 2 * HOUR, definition=before.definition.digest)
        _remember(world, monkeypatch, before)
        one = world.one()
        assert one.status is Status.COMPLETE
        assert one.notes[-1] == "entry 2 (accepted by ana) does not count: d is accepted by ben, not by ana"

    def test_a_right_that_was_taken_later_was_still_a_right(self, monkeypatch: pytest.MonkeyPatch) -> None:
        world = World(promised(accepted_by=("lead",)))
        before = world.project
        world.say(T0, a="ok")
        world.sign(T0 + HOUR)
        world.project = a_project(promised(accepted_by=("ben",)))
        world.say(T0 + 2 * HOUR, a="ok")
        _remember(world, monkeypatch, before)
        assert world.one().status is Status.ACCEPTED


def _remember(world: World, monkeypatch: pytest.MonkeyPatch, before: object) -> None:
    """Let the blob store hold the definition, and let it be remade (the toy's document is no real one)."""
    definition = before.definition  # type: ignore[attr-defined] # a project
    world.ledger.blobs.kept[definition.digest] = definition.document
    monkeypatch.setattr("infratrack.project.definition.project_from_definition", lambda _document: before)


class TestBrokenPlugins:
    def test_a_criterion_that_is_not_there_is_unknown(self) -> None:
        world = World()
        world.say(T0, a="ok")
        world.criteria = {}
        assert world.one().criteria[0].reason == (
            "the criterion toy.fine is not available: its plugin is missing or failed to load"
        )
        assert world.one().status is Status.NOT_STARTED

    @pytest.mark.parametrize(
        ("value", "reason"),
        [
            ("boom", "the criterion toy.fine failed on the evidence (RuntimeError: cannot judge this)"),
            ("junk", "the criterion toy.fine judged a word with str"),
        ],
    )
    def test_a_rule_that_fails_is_unknown_and_others_go_on(self, value: str, reason: str) -> None:
        world = World(promised(when=AnyOf((fine("a"), fine("b")))))
        world.say(T0, a=value, b="ok")
        one = world.one()
        assert one.status is Status.COMPLETE
        assert (one.criteria[0].decision, one.criteria[0].reason) == (Decision.UNKNOWN, reason)

    @pytest.mark.parametrize("value", ["raise", "nonsense"])
    def test_evidence_that_cannot_be_read_as_words_is_kept_and_counted(self, value: str) -> None:
        world = World()
        said: dict[str, Any] = {value: "ok"}
        world.say(T0, **said)
        state = world.state()
        assert state.evidence.unreadable == 1
        assert "1 piece of evidence is damaged or unreadable" in state.notes[0]


def test_at_least_needs_so_many_of_its_conditions() -> None:
    world = World(promised(when=AtLeast(2, (fine("a"), fine("b"), fine("c")))))
    world.say(T0, a="ok", b="bad")
    assert world.one().status is Status.IN_PROGRESS
    assert world.one().reason == "toy.fine: b: it is broken (and 1 more criterion)"
    world.say(T0 + HOUR, c="ok")
    assert world.one().status is Status.COMPLETE


def test_projects_tasks_and_phases_sum_up_by_weight() -> None:
    world = World(
        promised("d", weight=3),
        promised("e", fine("b")),
        tasks=(Task("t", "T", phase="p", deliverables=("d", "e")), Task("u", "U")),
        phases=(Phase("p", "P", exit=fine("a")), Phase("q", "Q")),
    )
    world.say(T0, a="ok")
    state = world.state()
    assert (state.progress, state.earned, state.at_risk) == (0.75, 0.75, 0)
    task, empty = state.tasks
    assert (task.progress, task.status) == (0.75, Status.IN_PROGRESS)
    assert (empty.progress, empty.status) == (None, Status.UNKNOWN)
    assert empty.reason == "it has no deliverables, so nothing can show its progress"
    first, second = state.phases
    assert first.progress == 0.75
    assert first.exit is not None
    assert first.exit.status is Status.COMPLETE
    assert (second.progress, second.exit) == (None, None)


def test_weightless_deliverables_have_no_progress() -> None:
    state = World(promised(weight=0)).state()
    assert state.progress is None
    assert state.tasks[0].reason == "its deliverables have no weight"


def test_an_explanation_names_every_subject() -> None:
    world = World(promised(when=fine(name="*")))
    world.say(T0, scope="room", a="ok", b="bad")
    found = world.explained().findings[0]
    assert [(one.subject, one.note) for one in found] == [("a in room", "it is fine"), ("b in room", "it is broken")]
    assert structs.replace(world.explained(), findings=((),)) == world.one()

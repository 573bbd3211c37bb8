"""Builders for plugin authors' tests: words, verdicts on them, predicates, keys and signed evidence.

Everything is deterministic: keys come from seeds, instants from the order in which things are given.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from infratrack.evidence.envelope import seal
from infratrack.evidence.keys import SigningKey
from infratrack.evidence.predicates import Actor, GitState, Links, Outcome, Run, RunPredicate
from infratrack.evidence.statement import StatementSubject, build_statement, run_predicate
from infratrack.hookspecs import EvidenceType
from infratrack.progress.binding import bind_leaf
from infratrack.progress.criterion import BindContext, Criterion, Decision, Judged, Rule, Word
from infratrack.progress.judging import MISSING, History, judge_words
from infratrack.progress.judging import decide as decide_counts
from infratrack.progress.patterns import SubjectCatalog
from infratrack.project.model import CriterionCall
from infratrack.testing.criteria import SOME_PROJECT
from infratrack.values import Instant, format_instant

MONDAY: Final = Instant(1_767_603_600_000_000)
"""2026-01-05T09:00:00Z: when evidence of the builders was made, unless told otherwise."""
MINUTE: Final = 60_000_000
SOME_COMMIT: Final = "0123456789abcdef0123456789abcdef01234567"


class Finding(msgspec.Struct, frozen=True):
    """What a rule makes of some words: the decision, and each subject's newest judgement by (kind, scope, name)."""

    decision: Decision
    judged: Mapping[tuple[str, str, str], Judged]
    missing: tuple[str, ...]
    """Labels of the required selectors that found nothing."""


def finding(
    criterion: Criterion, parameters: Mapping[str, Any], words: Sequence[Word], context: BindContext = SOME_PROJECT
) -> Finding:
    """Bind the criterion and put words to it, oldest first, through the code that computes real status."""
    return finding_of_rule(criterion.bind(parameters, context), words, criterion.name)


def verdict(
    criterion: Criterion, parameters: Mapping[str, Any], words: Sequence[Word], context: BindContext = SOME_PROJECT
) -> Decision:
    """`finding(…).decision`: what most tests ask."""
    return finding(criterion, parameters, words, context).decision


def finding_of_rule(rule: Rule, words: Sequence[Word], name: str = "a.criterion") -> Finding:
    """Put words to a bound rule, oldest first."""
    said: dict[tuple[str, str, str], list[int]] = {}
    for number, word in enumerate(words):
        said.setdefault((word.kind, word.scope, word.name), []).append(number)
    catalog = SubjectCatalog((number, *subject) for number, subject in enumerate(said))
    histories = [History(*subject, instants=told, entries=told, values=told) for subject, told in said.items()]
    found = tuple(tuple(catalog.select(selector)) for selector in rule.selectors)
    leaf = bind_leaf(CriterionCall(name, {}), rule, found, histories.__getitem__)
    track = judge_words(0, leaf, lambda number: words[number].value)
    counts = [0] * (MISSING + 1)
    for one in track.judged:
        counts[one.codes[-1]] += 1
    counts[MISSING] = len(track.unfound)
    judged = {
        (one.history.kind, one.history.scope, one.history.name): track.notes[one.values[-1]] for one in track.judged
    }
    missing = tuple(selector.label or selector.name for selector in track.unfound)
    return Finding(decide_counts(0, track, counts), judged, missing)


def predicate(  # noqa: PLR0913 -- each names one member that a test may care about
    result: Mapping[str, Any] | None = None,
    *,
    argv: Sequence[str] = ("true",),
    outcome: Outcome = "succeeded",
    exit_code: int | None = None,
    tool: str | None = None,
    project: str = "dc-west",
    labels: Mapping[str, str] | None = None,
    extra: Mapping[str, Any] | None = None,
    at: Instant = MONDAY,
    run: str = "",
) -> dict[str, Any]:
    """A whole predicate, as `infratrack run` writes it. `run` is the run's id; default: made from the instant."""
    common = RunPredicate(
        run=Run(
            id=run or f"run-{at}",
            tool=tool,
            argv=tuple(argv),
            exit_code=exit_code if exit_code is not None else int(outcome != "succeeded"),
            outcome=outcome,
            started_at=format_instant(at),
            finished_at=None if outcome == "indeterminate" else format_instant(at),
        ),
        actor=Actor(kind="machine", id="ci@example"),
        git=GitState(commit=SOME_COMMIT, branch="main", dirty=False),
        links=Links(project=project),
        labels=labels or {},
    )
    return run_predicate(common, result or {}, extra)


def words_of(evidence_type: EvidenceType, *predicates: Mapping[str, Any]) -> list[Word]:
    """The words of several pieces of evidence, one after the other."""
    return [word for one in predicates for word in evidence_type.words(one)]


def signing_key(name: str = "ci") -> SigningKey:
    """A key that is always the same for the same name. For tests only: anybody can make it."""
    return SigningKey.from_seed(hashlib.sha256(f"infratrack test key {name}".encode()).digest())


def signed(predicate_type: str, content: Mapping[str, Any], key: SigningKey | None = None) -> bytes:
    """A signed statement with this predicate: the envelope's line, as the spool and the ledger take it."""
    subject = StatementSubject({"gitCommit": SOME_COMMIT}, "commit")
    payload = build_statement(subjects=(subject,), predicate_type=predicate_type, predicate=content)
    return seal(payload, key or signing_key())

"""What a criterion is: it looks at the newest word about each subject that it selects.

Evidence is read as *words*: one short value about one subject (a resource, a host, a suite, a commit). For each
subject the newest word counts, and a word speaks for its own subject only. A criterion, bound to its parameters, is
a `Rule`: which subjects it selects, how it judges one word, and how it decides from the judgements. Everything here
is pure: no clock, no files, no network. So the same evidence in any order of delivery gives the same verdict.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Protocol

from msgspec import Struct

from infratrack.project.model import Person
from infratrack.values import Instant, Microseconds

SUBJECT_SEPARATOR: Final = "\x1f"
"""Joins the parts of a subject's name where it has several (playbook and task, address and attribute)."""


class Word(Struct, frozen=True):
    """What a piece of evidence says about one subject.

    `kind` names the vocabulary (`terraform.resource`), `scope` where the subject's name is unique (a Terraform root
    folder and workspace, a playbook), `name` the subject (an address, a host). `value` is small, JSON-able and drawn
    from few distinct values, because judgements are remembered by value.
    """

    kind: str
    scope: str
    name: str
    value: Mapping[str, Any]


class Judgement(enum.IntEnum):
    """What one word means to one rule. `None` in its place means: this word says nothing about the question."""

    MEETS = 0
    FAILS = 1
    UNKNOWN = 2
    GONE = 3
    """The subject is no longer there (destroyed, removed)."""


class Decision(enum.IntEnum):
    """Three values; absence of evidence is UNKNOWN, never SATISFIED."""

    UNSATISFIED = 0
    UNKNOWN = 1
    SATISFIED = 2


class Selector(Struct, frozen=True):
    """Which subjects a rule looks at.

    `name` and `scope` are patterns in which `*` stands for any run of characters other than SUBJECT_SEPARATOR, unless
    `match` is given: then `name` is only its literal beginning (used to find candidates quickly) and `match` decides.
    `scope` None means any scope. A `required` selector that finds no subject counts as missing.
    """

    kind: str
    name: str = "*"
    scope: str | None = None
    match: Callable[[str], bool] | None = None
    required: bool = True
    label: str = ""
    """How to name this selection to people ("host core-1")."""
    as_one: bool = False
    """Everything that is found is one subject, of which the newest word counts: all keys of one person."""


class Tally(Struct, frozen=True):
    """How many subjects were judged how; `missing` counts required selectors that found nothing."""

    meets: int = 0
    fails: int = 0
    unknown: int = 0
    gone: int = 0
    missing: int = 0


class Judged(Struct, frozen=True):
    """A judgement with what to tell people about it ("planned for creation: it is not there")."""

    judgement: Judgement
    note: str


class Rule(Struct, frozen=True):
    """A criterion bound to its parameters.

    `judge(kind, value)` must be pure and depend on its arguments only. `decide(tally)` likewise. `wants` says in plain
    words what would satisfy it. `within` is the freshness limit; `keep` keeps it counting after acceptance.
    """

    selectors: Sequence[Selector]
    judge: Callable[[str, Mapping[str, Any]], Judged | None]
    decide: Callable[[Tally], Decision]
    wants: str
    within: Microseconds | None = None
    keep: bool = False


class BindContext(Struct, frozen=True):
    """What a criterion may know of the project when it is bound."""

    deliverable: str
    people: tuple[Person, ...] = ()
    person_of_key: Mapping[str, str] = {}
    """Key id → person id, for every key of a person in the project file."""


class Criterion(Protocol):
    """One acceptance criterion that a plugin offers."""

    @property
    def name(self) -> str:
        """`plugin.name`, as written under `done_when`."""

    @property
    def schema(self) -> Mapping[str, Any]:
        """JSON Schema (2020-12) of the parameters, with `description`, and `examples` (at least one)."""

    def bind(self, parameters: Mapping[str, Any], context: BindContext) -> Rule:
        """Make the rule. Parameters have passed the schema; InputError says what else is wrong with them."""


class Reference(Struct, frozen=True):
    """Evidence that a verdict rests on, followed down to run, commit, person and time."""

    digest: str
    predicate_type: str
    run: str | None
    at: Instant
    commit: str | None
    actor: str | None
    run_url: str | None = None
    index: int | None = None
    """The ledger entry's number."""
    signer: str | None = None
    """Whose key signed: the signer's name in `trust`, or the person."""


class Verdict(Struct, frozen=True):
    """`satisfied`, `unsatisfied` or `unknown`, always with a reason in plain words and the evidence it rests on."""

    criterion: str
    decision: Decision
    reason: str
    evidence: tuple[Reference, ...] = ()
    stale_since: Instant | None = None
    wants: str = ""


def every(tally: Tally) -> Decision:
    """Every subject selected must meet the criterion, and every required selector must have found one."""
    if tally.fails or tally.gone:
        return Decision.UNSATISFIED
    if tally.missing or tally.unknown or not tally.meets:
        return Decision.UNKNOWN
    return Decision.SATISFIED


def at_least(minimum: int) -> Callable[[Tally], Decision]:
    """At least `minimum` subjects must meet the criterion and none may fail it; those that are gone do not count."""

    def decide(tally: Tally) -> Decision:
        if tally.fails:
            return Decision.UNSATISFIED
        if tally.meets >= minimum:
            return Decision.SATISFIED
        if tally.unknown or not (tally.meets or tally.gone):
            return Decision.UNKNOWN
        return Decision.UNSATISFIED

    return decide

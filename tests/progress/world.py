"""A small world to compute status in: a toy kind of evidence, a toy criterion, and a ledger in memory."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from infratrack.evidence.envelope import seal
from infratrack.evidence.keys import PublicKey
from infratrack.evidence.predicates import (
    KEY,
    SIGNOFF,
    Actor,
    Ci,
    DefinitionPin,
    GitState,
    Links,
    Run,
    RunPredicate,
)
from infratrack.evidence.statement import StatementSubject, build_statement, run_predicate
from infratrack.evidence.trust import Trust, trust_of
from infratrack.ledger.entry import LedgerEntry
from infratrack.progress.criterion import (
    BindContext,
    Criterion,
    Judged,
    Judgement,
    Rule,
    Selector,
    Word,
    at_least,
    every,
)
from infratrack.progress.fold import explained_deliverable, project_state
from infratrack.progress.index.refresh import refresh
from infratrack.progress.index.store import FactsIndex
from infratrack.progress.status import DeliverableState, ProjectState
from infratrack.project.model import (
    CriterionCall,
    Definition,
    Deliverable,
    Person,
    Phase,
    Project,
    Signer,
    Task,
)
from infratrack.testing.builders import signing_key
from infratrack.values import Digest, Instant, Microseconds, format_instant, parse_duration, sha256_digest

TOY = "urn:toy:v1"
HOUR = 3_600_000_000
DAY = 24 * HOUR
T0 = 1_767_603_600_000_000
COMMIT = "0123456789abcdef0123456789abcdef01234567"

_MEANING = {
    "ok": Judged(Judgement.MEETS, "it is fine"),
    "bad": Judged(Judgement.FAILS, "it is broken"),
    "gone": Judged(Judgement.GONE, "it is gone"),
    "dunno": Judged(Judgement.UNKNOWN, "nobody knows"),
}


class Toy:
    """Evidence that says one word about each of some subjects."""

    predicate_type = TOY
    schema: Mapping[str, Any] = {}

    def words(self, predicate: Mapping[str, Any]) -> Sequence[Word]:
        said = predicate["result"]["words"]
        if "raise" in said:
            raise ValueError("this plugin is broken")
        if "nonsense" in said:
            return ["no word"]  # type: ignore[list-item] # what a broken plugin does
        return [Word("toy", predicate["result"].get("scope", ""), name, {"is": value}) for name, value in said.items()]

    def summary(self, predicate: Mapping[str, Any]) -> str:
        return "toy"


class Fine:
    """`toy.fine: {name, min, within, keep}`: the subjects are fine."""

    name = "toy.fine"
    schema: Mapping[str, Any] = {}

    def bind(self, parameters: Mapping[str, Any], context: BindContext) -> Rule:
        names = parameters.get("names") or [parameters.get("name", "*")]
        within = parameters.get("within")
        return Rule(
            selectors=tuple(Selector("toy", name, required=parameters.get("required", True)) for name in names),
            judge=self._judge,
            decide=at_least(parameters["min"]) if "min" in parameters else every,
            wants="fine subjects",
            within=Microseconds(parse_duration(within)) if within else None,
            keep=parameters.get("keep", False),
        )

    @staticmethod
    def _judge(_kind: str, value: Mapping[str, Any]) -> Judged | None:
        if value["is"] == "boom":
            raise RuntimeError("cannot judge this")
        if value["is"] == "junk":
            return "junk"  # type: ignore[return-value] # what a broken plugin does
        return _MEANING.get(value["is"])


class SignedBy:
    """`toy.signed: {}`: anybody signed."""

    name = "toy.signed"
    schema: Mapping[str, Any] = {}

    def bind(self, parameters: Mapping[str, Any], context: BindContext) -> Rule:
        beginning = context.deliverable + "\x1f"

        def judge(kind: str, value: Mapping[str, Any]) -> Judged | None:
            accepted = value["decision"] == "accepted"
            return Judged(Judgement.MEETS if accepted else Judgement.GONE, str(value["decision"]))

        return Rule((Selector("signoff", beginning + "*"),), judge, at_least(1), "a signature")


CRITERIA: Mapping[str, Criterion] = {"toy.fine": Fine(), "toy.signed": SignedBy()}


def fine(name: str = "a", **more: Any) -> CriterionCall:
    return CriterionCall("toy.fine", {"name": name, **more})


class ToyBlobs:
    def __init__(self) -> None:
        self.kept: dict[str, bytes] = {}

    def get(self, digest: Digest, /) -> bytes:
        return self.kept[digest]

    def has(self, digest: Digest, /) -> bool:
        return digest in self.kept


class ToyLedger:
    """Entries in a list; the root is a hash chain, which is all that the index looks at."""

    def __init__(self) -> None:
        self.lines: list[LedgerEntry] = []
        self.keys: dict[str, PublicKey] = {}
        self.blobs = ToyBlobs()

    def append(self, line: bytes, recorded: int, keyid: str, predicate_type: str) -> None:
        digest = sha256_digest(line)
        self.lines.append(
            LedgerEntry(len(self.lines), b"", line, Instant(recorded), keyid, predicate_type, digest),
        )

    def size(self) -> int:
        return len(self.lines)

    def root_at(self, size: int, /) -> bytes:
        return hashlib.sha256("".join(entry.digest for entry in self.lines[:size]).encode()).digest()

    def entries(self, start: int = 0, stop: int | None = None) -> Iterator[LedgerEntry]:
        return iter(self.lines[start:stop])

    def known_keys(self) -> Mapping[str, PublicKey]:
        return self.keys


def a_project(*deliverables: Deliverable, **more: Any) -> Project:
    """A project that trusts `ci` for evidence, with the people ana (lead) and ben."""
    people = (
        Person("ana", keys=(signing_key("ana").keyid,), roles=("lead",)),
        Person("ben", keys=(signing_key("ben").keyid,), start="2026-01-01", end="2026-01-31"),
    )
    tasks = more.pop("tasks", (Task("t", "Task", phase="p", deliverables=tuple(one.id for one in deliverables)),))
    values = {
        "id": "toy",
        "name": "Toy project",
        "signers": (Signer("ci", keyid=signing_key("ci").keyid),),
        "people": people,
        "tasks": tasks,
        "phases": (Phase("p", "Phase"),),
        **more,
    }
    content = msgspec.json.encode({**values, "deliverables": deliverables})
    return Project(definition=Definition(sha256_digest(content), content), deliverables=deliverables, **values)


def promised(identity: str = "d", when: Any = None, **more: Any) -> Deliverable:
    return Deliverable(identity, identity.upper(), fine() if when is None else when, task="t", **more)


class World:
    """A project, a ledger and an index."""

    def __init__(self, *deliverables: Deliverable, index: Path | None = None, **more: Any) -> None:
        self.project = a_project(*(deliverables or (promised(),)), **more)
        self.ledger = ToyLedger()
        self.index_path = index
        self.types: Mapping[str, Any] = {TOY: Toy()}
        self.criteria = CRITERIA

    @property
    def trust(self) -> Trust:
        keys = (signing_key(name).public_key for name in ("ci", "ana", "ben"))
        return trust_of(self.project, {key.keyid: key for key in keys})

    def statement(  # noqa: PLR0913 -- each names one member that a test may care about
        self,
        predicate_type: str,
        result: object,
        *,
        at: int | None,
        run: str | None = None,
        project: str | None = None,
        deliverables: tuple[str, ...] = (),
        outcome: Any = "succeeded",
        definition: str | None = None,
    ) -> bytes:
        number = self.ledger.size()
        common = RunPredicate(
            run=Run(
                run or f"run-{number:04}",
                outcome=outcome,
                finished_at=None if at is None else format_instant(Instant(at)),
            ),
            actor=Actor("machine", "builder"),
            ci=Ci("github", "https://ci.example/1"),
            git=GitState(commit=COMMIT),
            links=Links(project or self.project.id, deliverables),
            definition=DefinitionPin(COMMIT, definition or self.project.definition.digest),
        )
        subject = StatementSubject({"sha256": "0" * 64}, "toy")
        return build_statement(
            subjects=[subject], predicate_type=predicate_type, predicate=run_predicate(common, {}, {"result": result})
        )

    def append(self, payload: bytes, predicate_type: str, *, key: str = "ci", recorded: int) -> None:
        line = seal(payload, signing_key(key))
        self.ledger.append(line, recorded, signing_key(key).keyid, predicate_type)

    def say(
        self,
        at: int,
        *,
        key: str = "ci",
        recorded: int | None = None,
        finished: bool = True,
        scope: str = "",
        **more: Any,
    ) -> None:
        """Evidence at `at`; subjects and what is said of them as `a="ok"`, links and so on as for `statement`."""
        known = {"run", "project", "deliverables", "outcome", "definition"}
        options = {name: more.pop(name) for name in list(more) if name in known}
        result = {"words": more, "scope": scope}
        payload = self.statement(TOY, result, at=at if finished else None, **options)
        self.append(payload, TOY, key=key, recorded=at if recorded is None else recorded)

    def sign(self, at: int, who: str = "ana", decision: str = "accepted", deliverable: str = "d", **more: Any) -> None:
        recorded = more.pop("recorded", at)
        result = {"deliverable": deliverable, "decision": decision, "comment": "seen"}
        payload = self.statement(SIGNOFF, result, at=at, deliverables=(deliverable,), **more)
        self.append(payload, SIGNOFF, key=who, recorded=recorded)

    def end_key(self, at: int, key: str, by: str) -> None:
        result = {"keyid": signing_key(key).keyid, "action": "revoke", "reason": "lost"}
        self.append(self.statement(KEY, result, at=at), KEY, key=by, recorded=at)

    def refreshed(self) -> FactsIndex:
        return refresh(self.index_path, self.ledger, self.trust, self.types)

    def state(self, as_of: int = T0 + 30 * DAY, at_size: int | None = None) -> ProjectState:
        index = self.refreshed()
        try:
            return project_state(self.project, index, self.criteria, self.trust, Instant(as_of), at_size)
        finally:
            index.close()

    def one(self, as_of: int = T0 + 30 * DAY, at_size: int | None = None) -> DeliverableState:
        return self.state(as_of, at_size).deliverables[0]

    def explained(self, as_of: int = T0 + 30 * DAY, wanted: str = "d") -> DeliverableState:
        index = self.refreshed()
        try:
            state = explained_deliverable(self.project, index, self.criteria, self.trust, Instant(as_of), wanted)
        finally:
            index.close()
        return state.deliverables[0]

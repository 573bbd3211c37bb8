"""One look into one NetBox: what criteria ask, changes that nobody recorded, and cables. Read-only."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from infratrack.api import (
    Collected,
    InputError,
    Instant,
    ObserveContext,
    Unreachable,
    format_instant,
    last_look,
    seen_last,
)
from infratrack.api import changes_result as result_of
from infratrack_netbox.asking import Known, question
from infratrack_netbox.changelog import (
    BLIND_SPOTS,
    CHANGE_FIELDS,
    OVERLAP,
    Subjects,
    bound_records,
    parts,
    reach,
    recorded_requests,
    seen_records,
    seen_until,
    unrecorded,
)
from infratrack_netbox.custom_fields import Definitions, read_definitions
from infratrack_netbox.evidence import NETBOX_CHANGES, NETBOX_OBSERVATION, NETBOX_SYNC, written
from infratrack_netbox.findings import Finding, line, objects
from infratrack_netbox.gathering import Gathering
from infratrack_netbox.hosts import DEVICE
from infratrack_netbox.item_sources import ItemSources
from infratrack_netbox.questions import Asked, questions_of
from infratrack_netbox.reads import Question, Read, Unanswerable
from infratrack_netbox.record_questions import CHANGE

if TYPE_CHECKING:
    from infratrack_netbox.client import NetBoxClient


class Look:
    """One look into one NetBox."""

    def __init__(self, context: ObserveContext, client: NetBoxClient, secrets: frozenset[str] = frozenset()) -> None:
        self._context = context
        self._secrets = secrets
        self._client = client
        self._gathering = Gathering(client)
        self._sources = ItemSources(context)
        self._recorded: Mapping[str, str] | None = None
        self._defined: list[Definitions | None] = []

    def answers(self) -> Collected:
        """The answer to each question; a question that could not be answered gets the reason instead."""
        questions = questions_of(self._context.wanted)
        findings = self._find(questions)
        missing = {
            line(f"{asked.criterion} {asked.label}"): finding.note
            for asked, finding in zip(questions, findings, strict=True)
            if finding.said == "unknown"
        }
        return self._collected(
            NETBOX_OBSERVATION,
            {
                "identity": self._client.identity,
                "server": {"url": self._client.url, "version": self._client.version},
                "queries": self._gathering.queries,
                "requests": self._client.requests_made,
                "answers": [written(asked, finding) for asked, finding in zip(questions, findings, strict=True)],
            },
            missing,
        )

    def changes(self) -> list[Collected]:
        """The changes that no evidence explains, to records that criteria match or that syncs have bound."""
        context, identity = self._context, self._client.identity
        subjects, blind = self._subjects()
        earlier = [one.predicate for one in context.recorded(NETBOX_CHANGES)]
        whole, why = self._client.can_view_all(CHANGE)
        blind += [] if whole else [line(f"the change log may hold more than the token can see: {why}")]
        asked = context.since
        if asked is None:
            asked = _before(last_look(earlier, identity, incomplete_too=not whole), OVERLAP)
        path = self._client.schema().endpoint(CHANGE).path
        since, begins = reach(asked, self._first(path, "id"))
        if context.since is None and asked is not None:
            since = asked  # goes on from the last look, so that the one after it finds no gap
        until = seen_until(self._first(path, "-id"), context.at)
        rows = self._entries(path, asked, subjects)
        found = unrecorded(rows, subjects, self._requests(), seen_last(earlier, identity))
        unreached = bool(self._gathering.unreached)
        pieces = parts(found)
        # Only the last piece says how far the look went: without it, the next look goes over all of this again.
        ends = [None] * (len(pieces) - 1) + [None if unreached else until]
        results = [
            result_of(
                piece,
                source=identity,
                since=since,
                until=end,
                complete=whole and not unreached,
                blind_spots=[begins, *BLIND_SPOTS, *blind],
            )
            for piece, end in zip(pieces, ends, strict=True)
        ]
        return [self._collected(NETBOX_CHANGES, result, {}) for result in results]

    def _first(self, path: str, order: str) -> object:
        """The time of the change log's first entry in that order; None where it has none."""
        body = self._client.read(path, (("ordering", order), ("limit", "1"), ("fields", "id,time")))
        rows = objects(body.get("results")) if isinstance(body, Mapping) else []
        return rows[0].get("time") if rows else None

    def _entries(self, path: str, since: Instant | None, subjects: Subjects) -> Iterable[Mapping[str, Any]]:
        """The entries about records of the subjects' types, and perhaps about others of these types."""
        if not subjects:
            return ()
        filters = [("changed_object_type", name) for name in sorted({name for name, _ in subjects})]
        filters += [("time_after", format_instant(since))] if since is not None else []
        return self._client.list(path, filters, fields=CHANGE_FIELDS)

    def devices(self) -> dict[str, frozenset[str]]:
        """Deliverable → ids of the devices that its criteria rest on."""
        asking = self._asking()
        questions = questions_of(self._context.wanted)
        found: dict[str, frozenset[str]] = {}
        for asked, finding in zip(questions, self._find(questions), strict=True):
            ids = frozenset(id_ for type_name, id_, _ in finding.records if type_name == DEVICE)
            for deliverable in asking[asked.digest]:
                found[deliverable] = found.get(deliverable, frozenset()) | ids
        return found

    def cables(self, devices: Collection[str]) -> Sequence[Mapping[str, Any]]:
        """The cables that end at the devices. Raises Unreachable when they cannot be read."""
        if not devices:
            return ()
        fields = frozenset({"a_terminations", "b_terminations"})
        asked = Read("dcim.cable", keys=(("device_id", tuple(sorted(devices))),), fields=fields)
        rows = self._gathering.read([asked])[asked]
        if rows.failed:
            raise Unreachable(rows.failed, "nothing is suggested; try again when NetBox answers")
        return rows.rows

    def _subjects(self) -> tuple[dict[tuple[str, str], frozenset[str]], list[str]]:
        """The records that count, with the deliverables that rest on them, and what could not be seen of them."""
        questions = questions_of(self._context.wanted)
        asking = self._asking()
        identity = self._client.identity
        subjects = bound_records(self._context.recorded(NETBOX_SYNC), identity)
        parts = [seen_records(self._context.recorded(NETBOX_OBSERVATION), identity, asking)]
        blind: list[str] = []
        for asked, finding in zip(questions, self._find(questions), strict=True):
            parts.append(dict.fromkeys(((one[0], one[1]) for one in finding.records), asking[asked.digest]))
            if not finding.records and finding.said == "unknown":
                blind.append(line(f"what {asked.criterion} {asked.label} rests on is not known: {finding.note}"))
        for part in parts:
            for subject, deliverables in part.items():
                subjects[subject] = subjects.get(subject, frozenset()) | deliverables
        return subjects, blind

    def _asking(self) -> dict[str, frozenset[str]]:
        """Question's digest → the deliverables whose criteria ask it; none for those of phases only."""
        found = {asked.digest: frozenset[str]() for asked in questions_of(self._context.wanted)}
        for deliverable, wanted in self._context.deliverables.items():
            for asked in questions_of(wanted):
                found[asked.digest] = found.get(asked.digest, frozenset()) | {deliverable}
        return found

    def _find(self, questions: Sequence[Asked]) -> list[Finding]:
        if not questions:
            return []
        known = Known(self._client.schema(), self._sources.of, self._requests, self._definitions)
        generators = [self._question(asked, known) for asked in questions]
        results = self._gathering.answer(generators)
        if self._gathering.reached_nothing and self._gathering.unreached:
            raise Unreachable(self._gathering.unreached[0], "nothing was observed; try again when NetBox answers")
        return [Finding("unknown", line(one.reason)) if isinstance(one, Unanswerable) else one for one in results]

    def _question(self, asked: Asked, known: Known) -> Question:
        """The generator that answers it. InputError that names who asks, for what this server does not have."""
        try:
            return question(asked, known)
        except InputError as error:
            asking = sorted(self._asking()[asked.digest])
            if not asking:
                raise
            raise InputError(f"{error.message} (asked by {', '.join(asking)})", error.hint) from None

    def _requests(self) -> Mapping[str, str]:
        if self._recorded is None:
            self._recorded = recorded_requests(self._context.recorded(NETBOX_SYNC))
        return self._recorded

    def _definitions(self) -> Definitions | None:
        if not self._defined:
            self._defined.append(read_definitions(self._client))
        return self._defined[0]

    def _collected(self, predicate_type: str, result: Mapping[str, Any], missing: Mapping[str, str]) -> Collected:
        return Collected(
            predicate_type=predicate_type,
            result=result,
            tool="netbox",
            tool_version=self._client.version or None,
            secrets=self._sources.secrets | self._secrets,
            missing=missing,
            outcome="succeeded",
            unreached=self._gathering.unreached[0] if self._gathering.unreached else "",
        )


def _before(instant: Instant | None, microseconds: int) -> Instant | None:
    return None if instant is None else Instant(max(instant - microseconds, 0))

"""What a look at NetBox leaves, read as words: the answer to each question. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from infratrack.api import Word
from infratrack_netbox.findings import Finding, line
from infratrack_netbox.id_spans import SPANS, spans_by_type
from infratrack_netbox.questions import Asked

NETBOX_OBSERVATION: Final = "urn:infratrack:evidence:netbox-observation:v1"
NETBOX_CHANGES: Final = "urn:infratrack:evidence:netbox-changes:v1"
NETBOX_SYNC: Final = "urn:infratrack:evidence:netbox-sync:v1"
KEPT: Final = 200
"""How many failing records, and of how many records the ids, evidence keeps for one question."""

_DIGEST: Final = "sha256:"
_TAIL: Final = 12
_LONGEST_NAME: Final = 300
_SAID: Final = ("yes", "no", "unknown")

_TEXT: Final = {"type": "string"}
_COUNT: Final = {"type": "integer", "minimum": 0}


def _closed(properties: Mapping[str, Any], *optional: str) -> Mapping[str, Any]:
    """An object of exactly these members."""
    required = [name for name in properties if name not in optional]
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


RESULT_SCHEMA: Final[Mapping[str, Any]] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "$id": "urn:infratrack:schema:evidence:netbox-observation:v1",
    "title": "NetBox observation",
    "description": "What was asked of a NetBox, and what it answered.",
    **_closed(
        {
            "identity": _TEXT | {"description": "Which NetBox: `netbox https://netbox.example`; no credentials."},
            "server": _closed({"url": _TEXT, "version": _TEXT}),
            "queries": {
                "description": "Every list that was asked for, and how many records it had; null: it was not answered.",
                "type": "array",
                "items": _closed(
                    {
                        "type": _TEXT,
                        "filters": {"type": "object", "additionalProperties": {"type": "array", "items": _TEXT}},
                        "records": {"type": ["integer", "null"], "minimum": 0},
                        "whole": {
                            "description": "Absence is proven: the token sees all of the type.",
                            "type": "boolean",
                        },
                        "reason": _TEXT,
                    },
                    "reason",
                ),
            },
            "requests": _COUNT | {"description": "HTTP requests in all."},
            "answers": {
                "type": "array",
                "items": _closed(
                    {
                        "criterion": _TEXT,
                        "question": _TEXT | {"description": "The digest of the criterion's name and parameters."},
                        "label": _TEXT,
                        "said": {"enum": list(_SAID)},
                        "note": _TEXT,
                        "found": _COUNT,
                        "agreeing": _COUNT,
                        "failing": {
                            "description": f"At most {KEPT} of the records that do not say what they should.",
                            "type": "array",
                            "items": _closed({"id": _TEXT, "name": _TEXT, "why": _TEXT}),
                        },
                        "records": {
                            "description": f"At most {KEPT} of the records that the answer rests on.",
                            "type": "array",
                            "items": _closed({"type": _TEXT, "id": _TEXT, "name": _TEXT}),
                        },
                        "recordsInAll": _COUNT,
                        "ids": {
                            "description": "Where it rests on more records: the ids of all, by type: `1-200,305`.",
                            "type": "object",
                            "additionalProperties": _TEXT | {"pattern": f"^{SPANS}$"},
                        },
                        "evidence": {
                            "description": "Requests of the change log and the evidence in which they stand.",
                            "type": "array",
                            "items": _closed({"request": _TEXT, "digest": _TEXT}),
                        },
                    },
                    "evidence",
                    "ids",
                ),
            },
        }
    ),
}


def word_name(label: str, digest: str) -> str:
    """The subject of an answer: what the question is about, and what tells it from others that look the same."""
    return f"{label} #{digest.removeprefix(_DIGEST)[:_TAIL]}"


def written(question: Asked, finding: Finding) -> dict[str, Any]:
    """An answer as evidence keeps it."""
    answer: dict[str, Any] = {
        "criterion": question.criterion,
        "question": question.digest,
        "label": question.label,
        "said": finding.said,
        "note": finding.note,
        "found": finding.found,
        "agreeing": finding.agreeing,
        "failing": [{"id": one.id, "name": one.name, "why": line(one.why)} for one in finding.failing[:KEPT]],
        "records": [{"type": type_name, "id": id_, "name": name} for type_name, id_, name in finding.records[:KEPT]],
        "recordsInAll": len(finding.records),
    }
    if len(finding.records) > KEPT:
        answer["ids"] = spans_by_type((type_name, id_) for type_name, id_, _ in finding.records)
    if finding.evidence:
        answer["evidence"] = [{"request": request, "digest": digest} for request, digest in finding.evidence[:KEPT]]
    return answer


class NetBoxObservation:
    """`urn:infratrack:evidence:netbox-observation:v1`: one word a question."""

    predicate_type: Final = NETBOX_OBSERVATION
    schema: Final = RESULT_SCHEMA

    def words(self, predicate: Mapping[str, Any]) -> Sequence[Word]:
        """Answers as words; the scope is which NetBox gave them."""
        result = predicate.get("result")
        if not isinstance(result, Mapping):
            return []
        identity = result.get("identity")
        scope = line(identity) if isinstance(identity, str) else ""
        return [word for answer in _answers(result) if (word := _word(answer, scope)) is not None]

    def summary(self, predicate: Mapping[str, Any]) -> str:
        """`netbox https://netbox.example: 2 of 3 criteria agree, 1 unknown`."""
        words = self.words(predicate)
        result = predicate.get("result")
        identity = result.get("identity") if isinstance(result, Mapping) else None
        where = line(identity, 200) if isinstance(identity, str) and identity else "netbox"
        said = [word.value["said"] for word in words]
        unknown = f", {said.count('unknown')} unknown" if "unknown" in said else ""
        return f"{where}: {said.count('yes')} of {len(said)} criteria agree{unknown}"


def _answers(result: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    listed = result.get("answers")
    if isinstance(listed, list):
        yield from (one for one in listed if isinstance(one, Mapping))


def _word(answer: Mapping[str, Any], scope: str) -> Word | None:
    criterion, digest, label = (answer.get(name) for name in ("criterion", "question", "label"))
    said, note = answer.get("said"), answer.get("note")
    if not (isinstance(criterion, str) and isinstance(digest, str) and isinstance(label, str) and said in _SAID):
        return None
    told = line(note) if isinstance(note, str) and note.strip() else "nothing more is known"
    name = word_name(line(label, _LONGEST_NAME), line(digest))
    return Word(line(criterion, _LONGEST_NAME), scope, name, {"said": said, "note": told})

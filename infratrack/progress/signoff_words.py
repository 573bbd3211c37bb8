"""Sign-offs and key entries read as words and rows by core itself: they belong to no plugin. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from msgspec import Struct

from infratrack.progress.criterion import SUBJECT_SEPARATOR, Word

KIND: Final = "signoff"
"""Kind of the words that sign-offs say; scope is empty, the name is deliverable and key."""

DECISIONS: Final = ("accepted", "reopened")


class SignedDecision(Struct, frozen=True):
    """What a sign-off statement says."""

    deliverable: str
    decision: str
    comment: str


def signed_decision(predicate: Mapping[str, Any]) -> SignedDecision | None:
    """The decision in a sign-off's predicate; None when it does not hold one."""
    result = predicate.get("result")
    if not isinstance(result, Mapping):
        return None
    deliverable, decision, comment = result.get("deliverable"), result.get("decision"), result.get("comment")
    if not isinstance(deliverable, str) or decision not in DECISIONS:
        return None
    return SignedDecision(deliverable, str(decision), comment if isinstance(comment, str) else "")


def signoff_words(signed: SignedDecision, keyid: str) -> tuple[Word, ...]:
    """One word: this key accepted or reopened this deliverable."""
    name = f"{signed.deliverable}{SUBJECT_SEPARATOR}{keyid}"
    return (Word(KIND, "", name, {"decision": signed.decision, "keyid": keyid}),)


def key_entry(predicate: Mapping[str, Any]) -> tuple[str, str] | None:
    """(key id, action) of a key entry's predicate; None when it does not hold them."""
    result = predicate.get("result")
    if not isinstance(result, Mapping):
        return None
    keyid, action = result.get("keyid"), result.get("action")
    return (keyid, action) if isinstance(keyid, str) and isinstance(action, str) else None

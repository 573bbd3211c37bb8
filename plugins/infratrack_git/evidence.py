"""Git observations read as words. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from infratrack.api import Word
from infratrack_git.questions import read_trailer

GIT_OBSERVATION: Final = "urn:infratrack:evidence:git-observation:v1"
MERGED_KIND: Final = "git.merged"
TAGGED_KIND: Final = "git.tagged"

_COMMIT: Final = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_INSTANT: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", re.ASCII)
_SHORT: Final = 12
_LONGEST_REASON: Final = 400

_COMMIT_SCHEMA: Final = {"type": "string", "pattern": "^([0-9a-f]{40}|[0-9a-f]{64})$"}
_ANSWER: Final[Mapping[str, Any]] = {
    "branch": {"description": "As asked; null: the protected branch.", "type": ["string", "null"]},
    "ref": {"description": "The ref that was looked at; null: none, or all commits.", "type": ["string", "null"]},
    "found": {"description": "null: git could not answer, see `reason`.", "type": ["boolean", "null"]},
    "complete": {"description": "false: the clone is shallow or brings no tags, so absence proves nothing."}
    | {"type": "boolean"},
    "commit": _COMMIT_SCHEMA,
    "at": {"description": "Committer or tag time, UTC.", "type": "string", "pattern": f"^{_INSTANT.pattern}$"},
    "reason": {"type": "string"},
}
RESULT_SCHEMA: Final[Mapping[str, Any]] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "$id": "urn:infratrack:schema:evidence:git-observation:v1",
    "title": "Git observation",
    "description": "What was asked of a Git repository, and what it answered. Commit ids and times, nobody's name.",
    "type": "object",
    "properties": {
        "head": _COMMIT_SCHEMA,
        "currentBranch": {"description": "null: HEAD is detached.", "type": ["string", "null"]},
        "shallow": {"type": "boolean"},
        "protectedBranch": {
            "description": "The ref that stands for it and its commit; null: it could not be told.",
            "type": ["object", "null"],
            "properties": {"ref": {"type": "string"}, "commit": _COMMIT_SCHEMA},
            "required": ["ref", "commit"],
            "additionalProperties": False,
        },
        "merged": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {"trailer": {"type": "string"}, "path": {"type": "string"}, **_ANSWER},
                "required": ["branch", "ref", "found"],
                "oneOf": [{"required": ["trailer"]}, {"required": ["path"]}],
                "additionalProperties": False,
            },
        },
        "tagged": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "tag": {"description": "The pattern asked for.", "type": "string"},
                    "name": {"description": "The newest tag that matches.", "type": "string"},
                    **_ANSWER,
                },
                "required": ["tag", "branch", "ref", "found"],
                "additionalProperties": False,
            },
        },
    },
    "required": ["head", "currentBranch", "shallow", "protectedBranch", "merged", "tagged"],
    "additionalProperties": False,
}


class GitObservation:
    """`urn:infratrack:evidence:git-observation:v1`: one word a question."""

    predicate_type: Final = GIT_OBSERVATION
    schema: Final = RESULT_SCHEMA

    def words(self, predicate: Mapping[str, Any]) -> Sequence[Word]:
        """Answers as words; the scope is the branch asked for, empty for the protected branch."""
        result = predicate.get("result")
        if not isinstance(result, Mapping):
            return []
        return [
            *(word for answer in _answers(result, "merged") for word in _merged(answer)),
            *(word for answer in _answers(result, "tagged") for word in _tagged(answer)),
        ]

    def summary(self, predicate: Mapping[str, Any]) -> str:
        """`git at 0123456789ab: 2 of 3 questions found`."""
        words = self.words(predicate)
        result = predicate.get("result")
        head = result.get("head") if isinstance(result, Mapping) else None
        at = f" at {head[:_SHORT]}" if isinstance(head, str) and _COMMIT.fullmatch(head) else ""
        return f"git{at}: {sum(word.value['found'] is True for word in words)} of {len(words)} questions found"


def _answers(result: Mapping[str, Any], name: str) -> Iterable[Mapping[str, Any]]:
    listed = result.get(name)
    return (item for item in listed if isinstance(item, Mapping)) if isinstance(listed, list) else ()


def _merged(answer: Mapping[str, Any]) -> list[Word]:
    trailer, path = answer.get("trailer"), answer.get("path")
    if isinstance(trailer, str):
        read = read_trailer(trailer)
        return [Word(MERGED_KIND, _scope(answer), read.subject, _value(answer))] if read else []
    return [Word(MERGED_KIND, _scope(answer), f"path:{_line(path)}", _value(answer))] if isinstance(path, str) else []


def _tagged(answer: Mapping[str, Any]) -> list[Word]:
    tag = answer.get("tag")
    return [Word(TAGGED_KIND, _scope(answer), _line(tag), _value(answer))] if isinstance(tag, str) else []


def _scope(answer: Mapping[str, Any]) -> str:
    branch = answer.get("branch")
    return _line(branch) if isinstance(branch, str) else ""


def _value(answer: Mapping[str, Any]) -> dict[str, Any]:
    """`found` true with commit and time, false with whether that proves absence, or null with the reason."""
    found, commit, at = answer.get("found"), answer.get("commit"), answer.get("at")
    complete = answer.get("complete") is True
    if found is True and isinstance(commit, str) and _COMMIT.fullmatch(commit):
        when = at if isinstance(at, str) and _INSTANT.fullmatch(at) else None
        return {"found": True, "complete": complete, "commit": commit[:_SHORT], "at": when}
    if found is False:
        return {"found": False, "complete": complete}
    reason = answer.get("reason")
    return {"found": None, "reason": _line(reason)[:_LONGEST_REASON] if isinstance(reason, str) else "git did not say"}


def _line(text: str) -> str:
    return " ".join(text.split())

"""The criteria on Git. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from infratrack.api import (
    BindContext,
    InputError,
    Instant,
    Judged,
    Judgement,
    Rule,
    Selector,
    every,
    format_instant,
    parse_duration,
    parse_instant,
)
from infratrack_git.evidence import MERGED_KIND, TAGGED_KIND
from infratrack_git.questions import merged_question, tagged_question

_ONE_LINE: Final = "^[^\\x00-\\x1f\\x7f]+$"
_BRANCH: Final = {"type": "string", "pattern": "^[^\\x00-\\x20\\x7f~^:?*\\[\\\\]+$"}
_FRESHNESS: Final = {
    "within": {"description": "How old the look at the repository may be: 12h, 7d.", "type": "string", "minLength": 1},
    "keep": {"description": "Keep `within` counting after acceptance.", "type": "boolean"},
}
MERGED_SCHEMA: Final[Mapping[str, Any]] = {
    "description": "A commit with this trailer, or one that touches this path, is merged into the branch.",
    "type": "object",
    "properties": {
        "trailer": {
            "description": "A trailer of the commit message, `Key: value`; the key's case does not matter.",
            "type": "string",
            "pattern": "^[^\\x00-\\x1f\\x7f:=]*[^\\x00-\\x20\\x7f:=][^\\x00-\\x1f\\x7f:=]*[:=] *[^\\x00-\\x20\\x7f]",
        },
        "path": {
            "description": "A path below the project folder; `*` stands for a name, `**` for folders too.",
            "type": "string",
            "pattern": _ONE_LINE,
        },
        "branch": _BRANCH | {"description": "Default: the remote's default branch; without a remote, the current one."},
        "since": {
            "description": "Only commits from this date or time on (committer time).",
            "type": "string",
            "minLength": 1,
        },
        **_FRESHNESS,
    },
    "oneOf": [{"required": ["trailer"]}, {"required": ["path"]}],
    "additionalProperties": False,
    "examples": [
        {"trailer": "Deliverable: core-vlans"},
        {"path": "network/**", "branch": "main", "since": "2026-01-05"},
    ],
}
TAGGED_SCHEMA: Final[Mapping[str, Any]] = {
    "description": "There is a tag with such a name.",
    "type": "object",
    "properties": {
        "tag": {"description": "The tag's name; `*` stands for anything.", "type": "string", "pattern": _ONE_LINE},
        "branch": _BRANCH | {"description": "The tag must be on this branch. Default: anywhere."},
        **_FRESHNESS,
    },
    "required": ["tag"],
    "additionalProperties": False,
    "examples": [{"tag": "v1.*"}, {"tag": "cutover-done", "branch": "main"}],
}


class Merged:
    """`git.merged`: work has reached the protected branch.

    What counts is the newest `infratrack observe git`. In a shallow clone absence proves nothing, so it is unknown.
    """

    name: Final = "git.merged"
    schema: Final = MERGED_SCHEMA

    def bind(self, parameters: Mapping[str, Any], context: BindContext) -> Rule:
        """The rule for one trailer or path. InputError for a trailer or a date that cannot be read."""
        question = merged_question(parameters)
        if question is None:
            raise InputError(f"git.merged: {parameters['trailer'][:80]!r} is no trailer", "write it as `Key: value`")
        since = parse_instant(parameters["since"]) if "since" in parameters else None
        where = question.branch or "the protected branch"
        work = f"a commit with `{question.trailer}`" if question.trailer else f"a commit that touches {question.path}"
        after = f" since {parameters['since']}" if since is not None else ""
        return Rule(
            selectors=(_selector(MERGED_KIND, question.name, question.branch, work),),
            judge=_judge_of("merged", "no such commit is on the branch", since),
            decide=every,
            wants=f"{work} on {where}{after}, and `infratrack observe git` to see it",
            within=parse_duration(parameters["within"]) if "within" in parameters else None,
            keep=parameters.get("keep", False),
        )


class Tagged:
    """`git.tagged`: a release or a state was tagged, on a branch if one is named."""

    name: Final = "git.tagged"
    schema: Final = TAGGED_SCHEMA

    def bind(self, parameters: Mapping[str, Any], context: BindContext) -> Rule:
        """The rule for one tag pattern."""
        question = tagged_question(parameters)
        where = f" on {question.branch}" if question.branch else ""
        return Rule(
            selectors=(_selector(TAGGED_KIND, question.tag, question.branch, f"a tag {question.tag}"),),
            judge=_judge_of("tagged", "there is no such tag", None),
            decide=every,
            wants=f"a tag {question.tag}{where}, and `infratrack observe git` to see it",
            within=parse_duration(parameters["within"]) if "within" in parameters else None,
            keep=parameters.get("keep", False),
        )


def _selector(kind: str, name: str, branch: str, label: str) -> Selector:
    """Exactly this question's answer: a `*` in a path or tag is part of the question's name, not a pattern here."""
    plain = " ".join(name.split())
    return Selector(kind, plain, scope=branch, match=plain.__eq__, label=label)


def _judge_of(done: str, absent: str, since: Instant | None) -> Callable[[str, Mapping[str, Any]], Judged | None]:
    earliest = None if since is None else format_instant(since)

    def judge(kind: str, value: Mapping[str, Any]) -> Judged | None:
        found = value.get("found")
        if found is None:
            reason = value.get("reason")
            return Judged(Judgement.UNKNOWN, reason) if isinstance(reason, str) and reason else None
        if found is True:
            at = value.get("at")
            if earliest is None or (isinstance(at, str) and at >= earliest):
                return Judged(Judgement.MEETS, f"{done} as {value.get('commit')}")
            if not isinstance(at, str):
                return Judged(Judgement.UNKNOWN, f"{done}, but nobody knows when")
        if value.get("complete") is not True:
            return Judged(Judgement.UNKNOWN, "this clone is shallow or without tags: fetch-depth 0 is needed")
        return Judged(Judgement.FAILS, f"{absent}{f' since {earliest[:10]}' if earliest else ''}")

    return judge

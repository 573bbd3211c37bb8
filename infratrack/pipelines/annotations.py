"""Failing criteria at their line: as workflow commands of GitHub Actions, and as GitLab's code quality report. Pure.

Formats: GitHub's documentation of workflow commands (`::error file=…,line=…,title=…::message`, of which ten a step and
level are shown), and GitLab's of the code quality report, an array of findings with a fingerprint each.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Final

import msgspec

from infratrack.pipelines.failing import LEVELS, FailingCriterion
from infratrack.pipelines.forge_text import shortened

SHOWN_PER_LEVEL: Final = 10
"""GitHub drops what comes after."""
_SEVERITIES: Final = {"error": "major", "warning": "minor", "notice": "info"}
_IN_MESSAGES: Final = {"%": "%25", "\r": "%0D", "\n": "%0A"}
_IN_PROPERTIES: Final = {**_IN_MESSAGES, ":": "%3A", ",": "%2C"}


def github_annotations(failing: Sequence[FailingCriterion]) -> list[str]:
    """A line each, the gravest first; of more than ten of a level the last one says how many are left out."""
    lines = []
    for level in LEVELS:
        found = [one for one in failing if one.level == level]
        fits = len(found) if len(found) <= SHOWN_PER_LEVEL else SHOWN_PER_LEVEL - 1
        lines += [_command(one) for one in found[:fits]]
        if found[fits:]:
            lines.append(f"::{level} title=infratrack::{len(found) - fits} more criteria are told in the summary")
    return lines


def _command(one: FailingCriterion) -> str:
    properties = {"title": f"{one.deliverable}: {one.criterion}"}
    if one.place is not None:
        place = {"file": one.place.file, "line": str(one.place.line), "col": str(one.place.column)}
        properties = {**place, **properties}
    told = ",".join(f"{name}={_escaped(value, _IN_PROPERTIES)}" for name, value in properties.items())
    return f"::{one.level} {told}::{_escaped(f'{one.name}: {one.reason}', _IN_MESSAGES)}"


def _escaped(text: str, special: dict[str, str]) -> str:
    return "".join(special.get(one, one) for one in shortened(text))


def code_quality_report(failing: Sequence[FailingCriterion]) -> bytes:
    """The report as JSON; the same criterion has the same fingerprint wherever in the file it stands."""
    findings = []
    seen: dict[str, int] = {}
    for one in failing:
        if one.place is None:
            continue
        what = f"{one.deliverable}\0{one.criterion}"
        seen[what] = seen.get(what, 0) + 1
        findings.append(
            {
                "description": shortened(f"{one.name}: {one.reason}"),
                "check_name": one.criterion,
                "fingerprint": hashlib.sha256(f"{what}\0{seen[what]}".encode()).hexdigest(),
                "severity": _SEVERITIES[one.level],
                "location": {"path": one.place.file, "lines": {"begin": one.place.line}},
            }
        )
    return msgspec.json.format(msgspec.json.encode(findings), indent=2) + b"\n"

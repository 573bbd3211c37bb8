"""One word and one line about a commit, as forges show beside it. Pure."""

from __future__ import annotations

from typing import Final, Literal

from msgspec import Struct

from infratrack.pipelines.forge_text import shortened
from infratrack.pipelines.outlook import Prospect
from infratrack.pipelines.sections import counts_by_prospect
from infratrack.pipelines.telling import Telling
from infratrack.progress.status import Status
from infratrack.report.words import counted, percent

LONGEST_DESCRIPTION: Final = 140
"""Characters that GitHub takes."""


class CommitStatus(Struct, frozen=True):
    """`failure` when something has regressed or would; `error` when nothing can be said; else `success`."""

    state: Literal["success", "failure", "error"]
    description: str


def commit_status(telling: Telling) -> CommitStatus:
    """What to show beside the commit."""
    state = telling.state
    if state is None:
        return CommitStatus("error", shortened(" ".join(telling.troubles) or "no status", LONGEST_DESCRIPTION))
    regressed = sum(one.status == Status.REGRESSED for one in state.deliverables)
    turned = counts_by_prospect(telling.outlook or ())
    said = [f"{percent(state.progress)} delivered"]
    if regressed:
        said.append(f"{regressed} regressed")
    if turned[Prospect.REGRESSES]:
        said.append(f"{turned[Prospect.REGRESSES]} would regress")
    if turned[Prospect.COMPLETES]:
        said.append(f"{turned[Prospect.COMPLETES]} would complete")
    if state.evidence.damaged:
        damaged = counted(state.evidence.damaged, "damaged piece", "damaged pieces")
        return CommitStatus("error", shortened(f"{damaged} of evidence; {', '.join(said)}", LONGEST_DESCRIPTION))
    bad = bool(regressed or turned[Prospect.REGRESSES])
    return CommitStatus("failure" if bad else "success", shortened(", ".join(said), LONGEST_DESCRIPTION))

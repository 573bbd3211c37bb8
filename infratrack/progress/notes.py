"""What people should know beside a status: evidence that does not count, lost runs, a changed definition. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from infratrack.evidence.identity.sigstore_library import INSTALL
from infratrack.progress.reasons import moment
from infratrack.progress.status import JOB, OTHER_PROJECT, TWICE, UNREAD_JOB, UNREADABLE
from infratrack.values import Instant


def pieces(count: int) -> str:
    """`1 piece of evidence is`, `3 pieces of evidence are`."""
    return "1 piece of evidence is" if count == 1 else f"{count} pieces of evidence are"


def not_counted(by_reason: Mapping[str, int]) -> tuple[str, ...]:
    """A sentence for each reason (a key id, or one of the fixed reasons) why evidence does not count."""
    return tuple(_sentence(reason, count) for reason, count in sorted(by_reason.items()) if count and reason != TWICE)


def _sentence(reason: str, count: int) -> str:
    if reason == OTHER_PROJECT:
        return f"{pieces(count)} of another project and not counted"
    if reason == UNREADABLE:
        return f"{pieces(count)} damaged or unreadable and not counted; run `infratrack ledger verify`"
    if reason == UNREAD_JOB:
        what = f"{pieces(count)} signed in a job that sigstore vouches for"
        return f"{what}, which cannot be verified here, and not counted; run `{INSTALL}`"
    if reason.startswith(JOB):
        job = reason.removeprefix(JOB)
        return f"{pieces(count)} signed in a job that the project does not trust: {job}; see trust.identities"
    return f"{pieces(count)} signed by a key that the project does not trust: keyid {reason}; add it to trust or people"


def lost_runs(outcomes: Sequence[tuple[Instant, str | None]]) -> tuple[str, ...]:
    """A note when the newest run that is linked to the deliverable ended in the dark."""
    ended = [(at, outcome) for at, outcome in outcomes if outcome is not None]
    if not ended or max(ended)[1] != "indeterminate":
        return ()
    at = max(ended)[0]
    return (f"the run recorded {moment(at)} was killed or lost (indeterminate): what it changed is not known",)


def criterion_changed(digest: str, commit: str | None, at: Instant) -> str:
    """Completed by evidence that did not satisfy what was asked when it was made."""
    when = f"commit {commit[:12]}, {digest[:19]}…" if commit else f"{digest[:19]}…"
    return (
        f"complete because its criterion changed: the evidence of {moment(at)} was made under another definition "
        f"({when}), whose criteria it did not satisfy"
    )

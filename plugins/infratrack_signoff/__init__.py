"""Sign-offs as a criterion: named people, or people with a role, signed the deliverable off."""

from __future__ import annotations

from infratrack.api import Criterion, hookimpl
from infratrack_signoff.criteria import Signoff


@hookimpl
def infratrack_criteria() -> list[Criterion]:
    """`signoff`."""
    return [Signoff()]

"""Evidence that is not what was signed: what it said is lost, so no answer that was worked out without it is safe."""

from __future__ import annotations

from typing import TYPE_CHECKING

from infratrack.errors import IntegrityFailure

if TYPE_CHECKING:
    from infratrack.progress.status import ProjectState


def refuse_damage(state: ProjectState) -> None:
    """IntegrityFailure when the state was worked out without evidence that is damaged."""
    if state.evidence.damaged:
        pieces = f"{state.evidence.damaged} {'piece' if state.evidence.damaged == 1 else 'pieces'} of evidence"
        raise IntegrityFailure(
            f"{pieces} in the ledger cannot be what was signed, and may contradict what is shown",
            "`infratrack ledger verify` names the damage",
        )

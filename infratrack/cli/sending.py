"""Delivery from a command that has already made its evidence safe: what stays behind is said, and nothing fails."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from infratrack.errors import InfratrackError

if TYPE_CHECKING:
    from infratrack.capture.workspace import Workspace


def try_to_send(workspace: Workspace, say: Callable[[str], None] | None) -> bool:
    """Send what waits; whether all of it reached the ledger. `say` is told in a line when not."""
    from infratrack.capture.delivery import HELD, SEND, is_held, what_next  # noqa: PLC0415 -- after the work

    if is_held(workspace.environ):
        if say is not None:
            say(f"evidence waits in the spool: {HELD}")
        return False
    try:
        kept = workspace.send_spool().kept
    except InfratrackError as error:
        reason, following = error.message.split("\n", 1)[0], what_next(error)
    else:
        if not kept:
            return True
        reason, following = "; ".join(sorted(set(kept.values()))), SEND
    if say is not None:
        say(f"evidence waits in the spool: {reason}; {following}")
    return False

"""What an ending means: from exit code, signals and `--accept-exit` to an outcome. Pure.

`succeeded`, `failed`, `canceled` (somebody asked it to stop, and it did) or `indeterminate` (killed or lost: nobody
knows how far it came, so it is never read as "unchanged").
"""

from __future__ import annotations

import signal
from collections.abc import Collection
from typing import Final

from msgspec import Struct

from infratrack.evidence.predicates import Outcome

SIGNALED: Final = 128
"""A shell tells death by signal n as exit code 128 + n."""
NOT_EXECUTABLE: Final = 126
NOT_FOUND: Final = 127
ASKING: Final = frozenset({signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM})
"""Signals by which people and CI systems ask a command to stop."""
_ASKED_CODES: Final = frozenset(SIGNALED + number for number in ASKING)


class Ending(Struct, frozen=True):
    """How a command ended: `code` as a shell would tell it, and the signal that ended it, if one did."""

    code: int
    signal: int | None = None


def ending_of(wait_status: int) -> Ending:
    """Read a negative-for-signal code as `os.waitstatus_to_exitcode` and `subprocess` give it."""
    return Ending(wait_status) if wait_status >= 0 else Ending(SIGNALED - wait_status, -wait_status)


def outcome_of(ending: Ending, *, accepted: Collection[int] = (), asked_to_stop: bool = False) -> Outcome:
    """The outcome of an ending.

    Code 0 and the codes in `accepted` are success, also when somebody asked for a stop that came too late. A command
    that exits otherwise after it was asked to stop, or with the code that says so, was canceled. SIGKILL leaves nobody
    who knows: indeterminate.
    """
    if ending.signal is None and (ending.code == 0 or ending.code in accepted):
        return "succeeded"
    if ending.signal == signal.SIGKILL or ending.code == SIGNALED + signal.SIGKILL:
        return "indeterminate"
    if asked_to_stop or ending.code in _ASKED_CODES:
        return "canceled"
    return "failed"

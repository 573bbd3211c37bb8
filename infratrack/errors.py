"""What can go wrong, each kind with the exit code that it always has.

Exit codes never change meaning: 1 the answer is no, 2 bad usage or bad input, 3 a bug in infratrack,
4 something could not be reached, 5 not allowed, 6 integrity failure, 130 interrupted.
"""

from __future__ import annotations

from typing import ClassVar


class InfratrackError(Exception):
    """A failure that a person can act on: what happened (`message`) and what to do next (`hint`)."""

    exit_code: ClassVar[int] = 3

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class AnswerIsNo(InfratrackError):
    """The question was understood and the answer is no (a gate is closed, a check is not met)."""

    exit_code = 1


class InputError(InfratrackError):
    """A file, an argument or an answer is not what it has to be."""

    exit_code = 2


class Unreachable(InfratrackError):
    """A ledger, a server or a file system could not be reached."""

    exit_code = 4


class NotAllowed(InfratrackError):
    """The project does not give this person or key the right to do this."""

    exit_code = 5


class IntegrityFailure(InfratrackError):
    """Something was tampered with or damaged, or there was nothing that could be verified."""

    exit_code = 6

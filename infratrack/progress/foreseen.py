"""What evidence would say if what a plan plans were carried out: for a look ahead, never for a status. Pure."""

from __future__ import annotations

from msgspec import Struct

from infratrack.progress.criterion import Word


class PlannedChange(Struct, frozen=True):
    """One thing that a plan would do: `create`, `update`, `replace`, `delete` and so on, to a thing with a name."""

    action: str
    name: str


class Foreseen(Struct, frozen=True):
    """A plan, as if it had been carried out exactly as it stands and nothing else had happened.

    `words` is what evidence of that would say; of what the plan cannot know, that it is unknown. `changes` is what the
    plan would do, `scope` where (a Terraform root).
    """

    scope: str
    changes: tuple[PlannedChange, ...] = ()
    words: tuple[Word, ...] = ()

"""What a pipeline has to tell about a project: gathered once, and told as summary, comment, annotations and status."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from infratrack.pipelines.failing import FailingCriterion
from infratrack.pipelines.outlook import Expected
from infratrack.progress.foreseen import PlannedChange
from infratrack.progress.status import ProjectState


class PlanTold(Struct, frozen=True):
    """A plan that was handed over: what it is, in a line, and what it would change; or why it cannot be told."""

    source: str
    """The file, as it was named."""
    summary: str = ""
    scope: str = ""
    changes: tuple[PlannedChange, ...] = ()
    foreseeable: bool = False
    """Whether it says what would be true once it was carried out."""
    trouble: str = ""


class Telling(Struct, frozen=True):
    """All that is known; what could not be found out is a sentence among `troubles`."""

    project: str
    """The project's id."""
    state: ProjectState | None = None
    """None when the status could not be computed."""
    failing: tuple[FailingCriterion, ...] = ()
    plans: tuple[PlanTold, ...] = ()
    outlook: tuple[Expected, ...] | None = None
    """What the plans would touch or turn; None when no plan lets one foresee it."""
    waiting: int = 0
    """Pieces of evidence that wait for delivery on this machine."""
    troubles: Sequence[str] = ()
    run_url: str | None = None
    """The page of the pipeline's run."""

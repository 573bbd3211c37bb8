"""The summary of a job, as Markdown: the whole status, what fails and why, and what plans would turn. Pure."""

from __future__ import annotations

from typing import Final

from infratrack.pipelines.forge_text import fitted, forge_text
from infratrack.pipelines.sections import (
    deliverable_lines,
    failing_lines,
    note_lines,
    outlook_lines,
    plan_lines,
    progress_lines,
    trouble_lines,
)
from infratrack.pipelines.telling import Telling

LARGEST_SUMMARY: Final = 1_000_000
"""Bytes; GitHub takes 1 MiB of one step, and shows nothing of more."""


def summary_markdown(telling: Telling, most: int = LARGEST_SUMMARY) -> str:
    """The summary in at most `most` bytes."""
    state = telling.state
    lines = [f"## {forge_text(telling.project if state is None else state.name)}", "", *trouble_lines(telling.troubles)]
    if state is not None:
        lines += progress_lines(state, telling.waiting)
    lines += [*plan_lines(telling.plans), *outlook_lines(telling), *failing_lines(telling.failing)]
    if state is not None:
        lines += [*deliverable_lines(state), *note_lines(state)]
    return fitted(lines, (), most)

"""The one comment on a pull request or merge request, as Markdown, and the mark by which it is found again. Pure."""

from __future__ import annotations

import re
from typing import Final

from infratrack.errors import InputError
from infratrack.pipelines.forge_text import fitted, forge_link, forge_text
from infratrack.pipelines.sections import (
    deliverable_lines,
    failing_lines,
    outlook_lines,
    plan_lines,
    progress_lines,
    trouble_lines,
)
from infratrack.pipelines.telling import Telling

LARGEST_COMMENT: Final = 60_000
"""Bytes; GitHub takes 65,536 characters, GitLab a million."""
_TOPIC: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")


def comment_mark(project: str, topic: str | None) -> str:
    """The comment's first line, which nobody sees: one for each project and topic.

    InputError for a topic that is no plain name.
    """
    if topic is not None and not _TOPIC.fullmatch(topic):
        raise InputError(f"{topic[:80]!r} is no name for a comment", "use letters, digits, dot, dash and underscore")
    return f"<!-- infratrack:{project}{'' if topic is None else '/' + topic} -->"


def comment_markdown(telling: Telling, mark: str, title: str | None = None) -> str:
    """The whole comment: mark, plans and what they would turn, what fails, and the status to be unfolded."""
    state = telling.state
    name = forge_text(telling.project if state is None else state.name)
    lines = [mark, f"## {name}{'' if title is None else ' · ' + forge_text(title)}", ""]
    lines += [*trouble_lines(telling.troubles), *plan_lines(telling.plans), *outlook_lines(telling)]
    if state is not None:
        lines += progress_lines(state, telling.waiting)
    lines += failing_lines(telling.failing)
    if state is not None and state.deliverables:
        listed = deliverable_lines(state)
        lines += ["<details><summary>All deliverables</summary>", "", *listed, "</details>", ""]
    last = [f"<sub>{forge_link('The run that wrote this', telling.run_url)}</sub>"] if telling.run_url else []
    return fitted(lines, last, LARGEST_COMMENT)

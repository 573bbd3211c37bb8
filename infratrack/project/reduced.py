"""What is left of an item that is wrong somewhere: its references, which are looked into all the same. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Final

from infratrack.project.problems import Path

_REFERENCES: Final[Mapping[str, tuple[str, ...]]] = {
    "tasks": ("phase", "owner", "depends", "deliverables"),
    "deliverables": ("task", "owner", "accepted_by"),
    "milestones": ("phase", "depends"),
    "pipelines": ("system", "deliverables", "tasks"),
}
"""By list: the members that name other items."""
_STANDING_IN: Final[Mapping[str, Mapping[str, Any]]] = {
    "tasks": {"name": "-"},
    "deliverables": {"name": "-", "done_when": {"all": []}},
    "milestones": {"name": "-"},
    "pipelines": {"steps": []},
}
"""What an item must have to be built; no problem is ever told of these."""


def references_of(name: str, item: Any, wrong: Collection[Path]) -> dict[str, Any] | None:  # noqa: ANN401 -- whatever YAML holds
    """The id and the references of an item of the list `name`, without what is wrong: the paths inside the item.

    None where nothing can be said of it: no good id, or a list whose items refer to nothing.
    """
    keys = {path[0] for path in wrong if path}
    if name not in _REFERENCES or not isinstance(item, dict) or not isinstance(item.get("id"), str) or "id" in keys:
        return None
    kept = {key: item[key] for key in _REFERENCES[name] if key in item and key not in keys}
    return {"id": item["id"], **_STANDING_IN[name], **kept}

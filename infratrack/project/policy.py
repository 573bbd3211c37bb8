"""What a checkout may not decide by itself: whom to trust, who may accept, and where the evidence is kept. Pure.

A pull request is a proposal: it may add deliverables and change what proves them, and everybody can see how that would
look. But whose word counts is said by the project file at the protected ref, or a pull request could trust itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec
from msgspec import Struct

from infratrack.errors import InputError
from infratrack.project.definition import definition_of, project_from_definition
from infratrack.project.model import Project

GOVERNED: Final = ("ledger", "people", "trust")
"""Keys of the project file that only the protected ref may set."""
_ACCEPTED_BY: Final = "accepted_by"


class Policy(Struct, frozen=True):
    """Where trust, people and the right to accept were read.

    `ref` is the full name of the ref (or a commit as given) and `commit` what it stood for; both None: the files as
    they lie in the working tree.
    """

    ref: str | None = None
    commit: str | None = None
    note: str = ""
    """What people have to know about it, with what to do; empty when there is nothing to say."""


def governed(own: Project, protected: Project, ref: str) -> Project:
    """A checkout's project under the policy of the protected ref, which people call `ref`.

    Deliverables that the protected ref does not have can be accepted by nobody yet. InputError when the two are not the
    same project.
    """
    if own.id != protected.id:
        raise InputError(
            f"these files call the project {own.id!r}, at {ref} it is {protected.id!r}",
            f"a project keeps its id; if it really gets a new one, say so at {ref} first",
        )
    if own.definition.digest == protected.definition.digest:
        return own
    data, _ = _data(own)
    rules, key_files = _data(protected)
    accepting = {one.id: list(one.accepted_by) for one in protected.deliverables}
    mixed = {key: value for key, value in data.items() if key not in GOVERNED}
    mixed |= {key: rules[key] for key in GOVERNED if key in rules}
    return _remade(own, mixed, key_files, accepting)


def trusting_nobody(own: Project) -> Project:
    """A checkout's project where the protected ref has none yet: nobody's evidence counts, and nobody may accept."""
    data, _ = _data(own)
    return _remade(own, {key: value for key, value in data.items() if key not in {"people", "trust"}}, {}, {})


def _data(project: Project) -> tuple[dict[str, Any], dict[str, str]]:
    """The data of the files that a project was made from, and the texts of its key files."""
    document = msgspec.json.decode(project.definition.document)
    return document["project"], document["files"]


def _remade(
    own: Project, data: dict[str, Any], key_files: Mapping[str, str], accepting: Mapping[str, list[str]]
) -> Project:
    """The project of mixed data. What it was computed by can be pinned like any other definition."""
    if "deliverables" in data:
        data["deliverables"] = [_accepted_by(one, accepting.get(one["id"], [])) for one in data["deliverables"]]
    definition = definition_of(data, key_files)
    return own if definition.digest == own.definition.digest else project_from_definition(definition.document)


def _accepted_by(deliverable: Mapping[str, Any], names: list[str]) -> dict[str, Any]:
    rest = {key: value for key, value in deliverable.items() if key != _ACCEPTED_BY}
    return {**rest, _ACCEPTED_BY: names} if names else rest

"""The definition as bytes: what statements pin, and how an old project is made again from such bytes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from infratrack.errors import InputError
from infratrack.project.build import Builder, Items, build_calendar
from infratrack.project.model import Definition, Identity, Project, Signer, Task
from infratrack.project.schema import LISTS, PluginSchemas, project_schema
from infratrack.values import sha256_digest

DOCUMENT_AT_MOST: Final = 128 * 1024 * 1024
_HINT: Final = "a definition is kept as a blob, unchanged, under its digest"
_DEFAULT_LEDGER: Final = Project.__struct_defaults__[1]


def definition_of(data: Mapping[str, Any], key_files: Mapping[str, str]) -> Definition:
    """The definition of a project: its merged data (without `include`) and the text of its key files."""
    merged = {key: value for key, value in data.items() if key != "include"}
    document = msgspec.json.encode({"files": key_files, "project": merged}, order="sorted")
    return Definition(sha256_digest(document), document)


def assemble(data: Mapping[str, Any], items: Items, definition: Definition, key_files: Mapping[str, str]) -> Project:
    """The project from checked data. A deliverable and its task know each other, whichever of them said so."""
    head = data["project"]
    signers = data.get("trust", {}).get("signers", ())
    _join(items)
    return Project(
        id=head["id"],
        name=head["name"],
        definition=definition,
        start=head.get("start"),
        ledger=data.get("ledger", _DEFAULT_LEDGER),
        signers=tuple(Signer(signer["name"], signer.get("key"), signer.get("keyid")) for signer in signers),
        people=tuple(items.people),
        systems=tuple(items.systems),
        calendar=build_calendar(data.get("calendar", {})),
        phases=tuple(items.phases),
        milestones=tuple(items.milestones),
        tasks=tuple(items.tasks),
        deliverables=tuple(items.deliverables),
        pipelines=tuple(items.pipelines),
        cmdb={name: settings or {} for name, settings in data.get("cmdb", {}).items()},
        key_files=dict(key_files),
        identities=tuple(map(_identity, data.get("trust", {}).get("identities", ()))),
    )


def project_from_definition(document: bytes) -> Project:
    """Make an old project again from its definition document; InputError for anything that is no such document.

    Criteria and steps are taken as they are: the plugins of today may know others than those of that day.
    """
    import jsonschema_rs  # noqa: PLC0415 -- only a project whose definition changed needs it

    if len(document) > DOCUMENT_AT_MOST:
        raise InputError("the definition document is too large", _HINT)
    try:
        found = msgspec.json.decode(document, type=_Document)
        fits = jsonschema_rs.is_valid(_open_schema(), found.project)
    except (msgspec.MsgspecError, RecursionError, ValueError) as error:
        raise InputError("the definition document cannot be read", _HINT) from error
    if not fits:
        raise InputError("the definition document does not hold a project", _HINT)
    builder = Builder(build_calendar(found.project.get("calendar", {})))
    items = builder.items({name: found.project.get(name, ()) for name in LISTS})
    if builder.flaws:
        raise InputError("the definition document does not hold a project", _HINT)
    return assemble(found.project, items, Definition(sha256_digest(document), document), found.files)


class _Document(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    files: dict[str, str]
    project: dict[str, Any]


def _open_schema() -> dict[str, Any]:
    """The project's schema with any criterion, any step and any CMDB."""
    schema = project_schema(PluginSchemas())
    definitions = dict(schema["$defs"])
    definitions["condition"] = {**definitions["condition"], "additionalProperties": {"type": ["object", "null"]}}
    step = {**definitions["step"], "additionalProperties": {"type": ["object", "null"]}}
    # Exactly one key beside the name.
    step["minProperties"] = 1
    step["dependentSchemas"] = {"name": {"minProperties": 2, "maxProperties": 2}}
    step["if"] = {"not": {"required": ["name"]}}
    step["then"] = {"maxProperties": 1}
    definitions["cmdb"] = {"type": "object", "additionalProperties": {"type": ["object", "null"]}}
    return {**schema, "$defs": {**definitions, "step": step}}


def _identity(data: Mapping[str, Any]) -> Identity:
    return Identity(**{**data, "events": tuple(data.get("events", ()))})


def _join(items: Items) -> None:
    """Let `task` of a deliverable and `deliverables` of a task say the same."""
    task_of = {name: task.id for task in items.tasks for name in task.deliverables}
    named: dict[str, list[str]] = {}
    for number, deliverable in enumerate(items.deliverables):
        claim = task_of.get(deliverable.id)
        if deliverable.task is None and claim is not None:
            items.deliverables[number] = msgspec.structs.replace(deliverable, task=claim)
        elif deliverable.task is not None and claim is None:
            named.setdefault(deliverable.task, []).append(deliverable.id)
    if named:
        items.tasks[:] = [_with_deliverables(task, named.get(task.id, ())) for task in items.tasks]


def _with_deliverables(task: Task, more: Sequence[str]) -> Task:
    return msgspec.structs.replace(task, deliverables=(*task.deliverables, *more)) if more else task

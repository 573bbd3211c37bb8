"""A plan in a file: what was shown, to be carried out later as it was shown.

The file is the plan's JSON, in which values are masked as they are on the screen, and `pin`. It is compared, never
carried out: the plan is made anew, and of it exactly those records are written that the file names, if nothing about
them moved. So whoever can change the file can leave records out, and nothing else. What is masked goes into one digest,
salted and slow to compute, so that nobody can try out guesses.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any, Final

import msgspec
from msgspec import Struct, structs

from infratrack.capture.sync_planning import Asked
from infratrack.errors import AnswerIsNo, InputError, Unreachable
from infratrack.evidence.durable_files import write_file
from infratrack.reconciliation import pinning
from infratrack.reconciliation.records import RecordPlan, SyncPlan
from infratrack.report.status_json import written

_FORMAT: Final = 1
_SALT_BYTES: Final = 16
_COST: Final = 2**14
_MOST_SENTENCES: Final = 50
_WRITTEN: Final = frozenset({"create", "change"})


class _Pin(Struct, frozen=True):
    format: int
    project: str
    asked: Asked
    """What the plan was asked for with."""
    salt: str
    masked: str
    """Digest of the values that are masked in the file; empty where none is."""


class _File(Struct, frozen=True):
    pin: _Pin


class SavedPlan(Struct, frozen=True):
    """What was in a file."""

    plan: pinning.SavedPlan
    pin: _Pin

    @property
    def asked(self) -> Asked:
        """What the plan was asked for with."""
        return self.pin.asked


def save_plan(  # noqa: PLR0913 -- what a file is made of
    path: Path, document: dict[str, Any], real: SyncPlan, shown: SyncPlan, *, project: str, asked: Asked
) -> None:
    """Write a plan's document, for this user only, whole or not at all. Unreachable when that cannot be done."""
    salt = os.urandom(_SALT_BYTES).hex()
    pin = _Pin(_FORMAT, project, asked, salt, _masked_digest(real, shown, salt))
    try:
        write_file(path.absolute(), written({**document, "pin": msgspec.to_builtins(pin)}))
    except OSError as error:
        reason = (error.strerror or "unknown reason").lower()
        raise Unreachable(f"{path} cannot be written: {reason}", "check the folder's permissions and space") from error


def load_plan(path: Path, project: str, cmdb: str) -> SavedPlan:
    """Read a plan for this project and CMDB; InputError for anything else."""
    try:
        with path.open("rb") as file:
            content = file.read(pinning.LARGEST + 1)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not a path"
        raise InputError(f"{path} cannot be read: {reason}", "name the file that was given to --out") from error
    hint = f"make one: infratrack sync {cmdb} --out {path}"
    try:
        plan = pinning.read_plan(content)
        pin = msgspec.json.decode(content, type=_File).pin
    except InputError as error:
        raise InputError(f"{path}: {error.message}", hint) from error
    except msgspec.MsgspecError as error:
        raise InputError(f"{path} was not written by --out", hint) from error
    if pin.format != _FORMAT:
        raise InputError(f"{path} is a plan of another version of infratrack", hint)
    if (pin.project, plan.cmdb) != (project, cmdb):
        raise InputError(f"{path} is a plan for {plan.cmdb[:80]!r} of the project {pin.project[:80]!r}", hint)
    return SavedPlan(plan, pin)


def as_shown(saved: SavedPlan, real: SyncPlan, shown: SyncPlan) -> SyncPlan:
    """The plan made anew, without what the saved one does not write; AnswerIsNo names everything that moved."""
    restricted = pinning.pinned(saved.plan, shown)
    records = tuple(
        structs.replace(one, carried_out=other.carried_out)
        for one, other in zip(real.records, restricted.records, strict=True)
    )
    real = structs.replace(real, records=records)
    moved = pinning.moved_since(saved.plan, shown)
    if not moved and saved.pin.masked != _masked_digest(real, restricted, saved.pin.salt):
        moved = ["a value that is masked in the plan is another one now"]
    if moved:
        more = [f"and {len(moved) - _MOST_SENTENCES} more"] if len(moved) > _MOST_SENTENCES else []
        raise AnswerIsNo(
            "\n  ".join(["what the plan rests on has moved, nothing was written:", *moved[:_MOST_SENTENCES], *more]),
            f"look at a new plan: infratrack sync {real.cmdb}",
        )
    return real


def is_written(record: RecordPlan) -> bool:
    """Whether an apply writes something of the record."""
    return record.carried_out and (
        record.action in {"create", "delete"} or any(one.verdict in _WRITTEN for one in record.fields)
    )


def _masked_digest(real: SyncPlan, shown: SyncPlan, salt: str) -> str:
    """One digest of all values that are to be written or that writes rest on, and that are shown masked."""
    hidden = [
        [one.type, one.id, one.key, field.name, field.live, field.desired]
        for one, masked in zip(real.records, shown.records, strict=True)
        if is_written(one)
        for field, other in zip(one.fields, masked.fields, strict=True)
        if (one.key, field.live, field.desired) != (masked.key, other.live, other.desired)
    ]
    if not hidden:
        return ""
    return hashlib.scrypt(msgspec.json.encode(hidden, order="sorted"), salt=salt.encode(), n=_COST, r=8, p=1).hex()

"""Saved plan files: what their bytes say beside the plan JSON: lineage, serial, mode, targets. Pure.

A plan file is a zip with the state that it was made from (`tfstate`; `tfstate-prev` has no serial) and the plan as
a protocol buffer (`tfplan`; Terraform's planfile.proto: field 5 target_addrs, field 17 ui_mode with 1 destroy and 2
refresh-only). For a remote run the file is JSON that names the run.
"""

from __future__ import annotations

import hashlib
import io
import zipfile
import zlib
from collections.abc import Iterator
from typing import Final, Literal

import msgspec
from msgspec import Struct

from infratrack.api import Digest

LARGEST_FILE: Final = 1 << 29
_TARGETS: Final = 5
_MODE: Final = 17
_VARINT, _EIGHT, _BYTES, _FOUR = 0, 1, 2, 5

Mode = Literal["normal", "destroy", "refresh-only"]
_MODES: Final[dict[int, Mode]] = {1: "destroy", 2: "refresh-only"}


class PlanFile(Struct, frozen=True):
    """What a saved plan file says of itself. What could not be read is None."""

    digest: Digest
    remote: bool = False
    lineage: str | None = None
    serial: int | None = None
    mode: Mode | None = None
    targeted: bool | None = None


class _Origin(Struct):
    lineage: str = ""
    serial: int = 0


def describe_plan_file(content: bytes) -> PlanFile:
    """What the bytes of a plan file say. Anything at all may be in them: what makes no sense stays None."""
    digest = Digest("sha256:" + hashlib.sha256(content).hexdigest())
    if content[:1] == b"{":
        return PlanFile(digest, remote=True)
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            state = _member(archive, "tfstate")
            plan = _member(archive, "tfplan")
    except (zipfile.BadZipFile, zlib.error, KeyError, ValueError, OSError, EOFError, RuntimeError):
        return PlanFile(digest)  # what zipfile raises on damaged archives, all of it
    try:
        origin = msgspec.json.decode(state, type=_Origin)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return PlanFile(digest)
    lineage = origin.lineage[:128]
    try:
        fields = list(_fields(plan))
    except IndexError:
        return PlanFile(digest, lineage=lineage, serial=origin.serial)
    modes = [value for field, value in fields if field == _MODE]
    return PlanFile(
        digest,
        lineage=lineage,
        serial=origin.serial,
        mode=_MODES.get(modes[-1], "normal") if modes else "normal",
        targeted=any(field == _TARGETS for field, _ in fields),
    )


def _member(archive: zipfile.ZipFile, name: str) -> bytes:
    if archive.getinfo(name).file_size > LARGEST_FILE:
        raise ValueError(f"{name} is too large")
    return archive.read(name)


def _fields(message: bytes) -> Iterator[tuple[int, int]]:
    """(field, number) of every top-level field of a protocol buffer; the number of a text is its length."""
    place = 0
    while place < len(message):
        tag, place = _varint(message, place)
        field, kind = tag >> 3, tag & 7
        number = 0
        if kind in {_VARINT, _BYTES}:
            number, place = _varint(message, place)
        place += {_BYTES: number, _EIGHT: 8, _FOUR: 4}.get(kind, 0)
        if kind not in {_VARINT, _BYTES, _EIGHT, _FOUR} or place > len(message):
            raise IndexError("not a protocol buffer")
        yield field, number


def _varint(message: bytes, place: int) -> tuple[int, int]:
    number = shift = 0
    while True:
        byte = message[place]
        place += 1
        number |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:  # noqa: PLR2004 -- the continuation bit
            return number, place
        if shift > 63:  # noqa: PLR2004 -- a varint has at most ten bytes
            raise IndexError("not a protocol buffer")

"""Writes evidence that waits into one file, for another machine to deliver (`pack_format.py` says what is in it)."""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import BinaryIO

from msgspec import Struct

from infratrack.capture.pack_format import (
    ABOUT,
    END,
    ENVELOPES,
    KEYS,
    LARGEST_PACK,
    MOST_BLOBS,
    MOST_ENVELOPES,
    Member,
    blob_name,
    named_blobs,
    write_about,
    write_header,
)
from infratrack.errors import InfratrackError, InputError, Unreachable
from infratrack.evidence.envelope import open_envelope
from infratrack.evidence.keys import PublicKey
from infratrack.evidence.spool import Spool, SpooledEvidence
from infratrack.evidence.statement import read_statement
from infratrack.ledger.bundle_format import write_keys
from infratrack.values import Digest


class Packed(Struct, frozen=True):
    """What was packed, and what stays behind with the reason for each."""

    evidence: tuple[SpooledEvidence, ...]
    left_out: Mapping[Digest, str] = {}


def write_pack(path: Path, project_id: str, spool: Spool, known: Mapping[str, PublicKey]) -> Packed:
    """Pack everything that waits into a new file, on disk when this returns. The spool keeps it.

    `known` are the public keys at hand. What nobody could take in (it is no evidence) is left out, with the reason.
    InputError when the file is there already, Unreachable when it cannot be written.
    """
    evidence, left_out = [], {}
    for one in spool.pending():
        try:
            read_statement(open_envelope(one.line).payload)
        except InfratrackError as error:
            left_out[one.digest] = error.message
        else:
            evidence.append(one)
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}.new")
    try:
        with temporary.open("xb") as file:
            _write(file, project_id, evidence, known)
            file.flush()
            os.fsync(file.fileno())
        os.link(temporary, path)  # a link never replaces a file; a rename would
    except FileExistsError as error:
        raise InputError(f"{path} is there already", "name a new file: nothing is overwritten") from error
    except OSError as error:
        reason = (error.strerror or "unknown reason").lower()
        raise Unreachable(f"{path} cannot be written: {reason}", "check the folder's permissions and space") from error
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink()
    return Packed(tuple(evidence), left_out)


def _write(
    file: BinaryIO, project_id: str, evidence: Sequence[SpooledEvidence], known: Mapping[str, PublicKey]
) -> None:
    signers = {one.keyid for piece in evidence for one in open_envelope(piece.line).signatures}
    _write_member(file, ABOUT, write_about(project_id))
    _write_member(file, KEYS, write_keys({keyid: known[keyid] for keyid in signers if keyid in known}))
    lines = Member(ENVELOPES, sum(len(one.line) + 1 for one in evidence))
    file.write(write_header(lines))
    file.writelines(one.line + b"\n" for one in evidence)
    file.write(bytes(lines.padding))
    owners = {
        digest: one for one in evidence for digest in named_blobs(read_statement(open_envelope(one.line).payload))
    }
    for digest in sorted(owners):
        content = owners[digest].read_blobs().get(digest)
        if content is not None:
            _write_member(file, blob_name(digest), content)
    file.write(END)
    if file.tell() > LARGEST_PACK or len(evidence) > MOST_ENVELOPES or len(owners) > MOST_BLOBS:
        raise InputError("more evidence waits than a pack holds", "deliver it from this machine")


def _write_member(file: BinaryIO, name: str, content: bytes) -> None:
    member = Member(name, len(content))
    file.write(write_header(member))
    file.write(content)
    file.write(bytes(member.padding))

"""What an exported bundle looks like, byte for byte: names of files, and how keys are written.

envelopes.intoto.jsonl   one DSSE envelope a line
entries.jsonl            one leaf a line, in the same order
checkpoint               the signed note
keys.json                public keys by id, as securesystemslib, TUF and in-toto write them
blobs/sha256/<hex>       artifacts
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

import msgspec
import rfc8785

from infratrack.errors import InputError, IntegrityFailure
from infratrack.evidence.keys import PublicKey

ENVELOPES: Final = "envelopes.intoto.jsonl"
ENTRIES: Final = "entries.jsonl"
CHECKPOINT: Final = "checkpoint"
KEYS: Final = "keys.json"
FILES: Final = frozenset({ENVELOPES, ENTRIES, CHECKPOINT, KEYS})
BLOBS: Final = "blobs/sha256"
BLOB_NAME: Final = re.compile(r"[0-9a-f]{64}")


def write_keys(keys: Mapping[str, PublicKey]) -> bytes:
    """The text of `keys.json`: canonical JSON and a line feed."""
    document: Any = {
        keyid: {"keytype": "ed25519", "scheme": "ed25519", "keyval": {"public": key.raw.hex()}}
        for keyid, key in keys.items()
    }
    return rfc8785.dumps(document) + b"\n"


def read_keys(content: bytes) -> dict[str, PublicKey]:
    """The keys; IntegrityFailure unless the bytes are just what `write_keys` writes for them."""
    keys: dict[str, PublicKey] = {}
    try:
        document = msgspec.json.decode(content, type=dict[str, dict[str, Any]])
        for written in document.values():
            key = PublicKey.from_raw(bytes.fromhex(written["keyval"]["public"]))
            keys[key.keyid] = key
    except (msgspec.MsgspecError, UnicodeError, ValueError, KeyError, TypeError, RecursionError, InputError) as error:
        raise IntegrityFailure(f"{KEYS}: it cannot be read: {' '.join(str(error).split())[:200]}") from error
    if write_keys(keys) != content:
        raise IntegrityFailure(f"{KEYS}: it is not what the keys in it are written as")
    return keys

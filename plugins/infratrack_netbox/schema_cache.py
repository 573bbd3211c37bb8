"""The compact schema on disk, so that a server is asked for 15 MB once a release and not at every run."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

import msgspec

from infratrack_netbox.server_schema import ServerSchema

_FORMAT: Final = 1
"""Counts up when the compact form changes its meaning."""


class SchemaCache:
    """One file for one server with one release and one set of plugins; all of it may be deleted at any time."""

    def __init__(self, folder: Path | None, identity: str, version: str, plugins: Mapping[str, str]) -> None:
        named = msgspec.json.encode([_FORMAT, identity, version, sorted(plugins.items())])
        self._file = folder / f"netbox-schema-{hashlib.sha256(named).hexdigest()[:24]}.json" if folder else None

    def load(self) -> ServerSchema | None:
        """What was kept; None when there is nothing, or nothing that can be read."""
        if self._file is None:
            return None
        try:
            schema = msgspec.json.decode(self._file.read_bytes(), type=ServerSchema)
        except (OSError, msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return None
        return schema if schema.endpoints else None

    def keep(self, schema: ServerSchema) -> None:
        """Write it in one step, for nobody else to read. A disk that is full or read-only is no reason to fail."""
        if self._file is None:
            return
        with suppress(OSError):
            self._file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            descriptor, name = tempfile.mkstemp(dir=self._file.parent, prefix=".netbox-schema-")  # made with mode 0600
            temporary = Path(name)
            try:
                with os.fdopen(descriptor, "wb") as file:
                    file.write(msgspec.json.encode(schema))
                temporary.replace(self._file)
            except OSError:
                temporary.unlink(missing_ok=True)
                raise

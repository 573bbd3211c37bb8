"""Public keys of signers whose evidence waits: those that the project names by their id only, and keys of one run.

    INFRATRACK_HOME/spool/<project id>/keys/<key id>.pub     PEM, as `infratrack key export` writes it

A key here is not trusted for being here. It lets evidence that its holder signed be checked, and delivered.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from infratrack.errors import InputError
from infratrack.evidence.durable_files import make_private_folder, reaching, write_file
from infratrack.evidence.keys import PublicKey

_SUFFIX: Final = ".pub"
_MAXIMUM_KEY_BYTES: Final = 4_096


class SpooledKeys:
    """The public keys in one project's spool."""

    def __init__(self, spool_folder: Path) -> None:
        self.folder: Final = spool_folder / "keys"

    def keep(self, keys: Iterable[PublicKey]) -> None:
        """Keep these keys too. Raises Unreachable when they cannot be written."""
        with reaching(self.folder, "written"):
            for key in keys:
                path = self.folder / f"{key.keyid}{_SUFFIX}"
                if not path.is_file():
                    make_private_folder(self.folder)
                    write_file(path, key.pem.encode())

    def all(self) -> dict[str, PublicKey]:
        """Every key by its id; a file that holds no key, or another one than its name says, is passed over."""
        found: dict[str, PublicKey] = {}
        for path in sorted(self.folder.glob("*" + _SUFFIX)):
            with contextlib.suppress(OSError, InputError), path.open("rb") as file:
                key = PublicKey.from_pem(file.read(_MAXIMUM_KEY_BYTES))
                if path.name == key.keyid + _SUFFIX:
                    found[key.keyid] = key
        return found

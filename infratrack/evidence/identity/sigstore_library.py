"""The Python package `sigstore`, an extra: loaded where an endorsement of sigstore is written or read."""

from __future__ import annotations

import importlib.util
import logging
from typing import Final

from infratrack.errors import InputError

INSTALL: Final = "pip install 'infratrack[sigstore]'"


def installed() -> bool:
    """Whether endorsements of sigstore can be verified here."""
    return importlib.util.find_spec("sigstore") is not None


def need_library() -> None:
    """Load the package; InputError, with what to install, where it is missing."""
    try:
        import sigstore.models  # noqa: PLC0415 -- heavy, and an extra
        import sigstore.verify  # noqa: F401, PLC0415 -- likewise
    except ImportError as error:
        raise InputError("the Python package sigstore is missing or of an unknown version", INSTALL) from error
    # What it has to say of a stranger's bundle ends in an error that we tell in our own words.
    logging.getLogger("sigstore").setLevel(logging.CRITICAL)

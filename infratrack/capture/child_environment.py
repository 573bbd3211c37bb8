"""The environment for what we start: everything but the signing key. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

SIGNING_KEY_VARIABLE: Final = "INFRATRACK_SIGNING_KEY"


def without_signing_key(environ: Mapping[str, str]) -> dict[str, str]:
    """The environment for commands, helpers and plugins: none of them signs, so none of them gets the key."""
    return {name: value for name, value in environ.items() if name != SIGNING_KEY_VARIABLE}

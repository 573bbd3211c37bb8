"""The environment for what we start: everything but the signing key and the token that endorses it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

SIGNING_KEY_VARIABLE: Final = "INFRATRACK_SIGNING_KEY"
ID_TOKEN_VARIABLE: Final = "INFRATRACK_ID_TOKEN"  # noqa: S105 -- a name
IDENTITY_VARIABLES: Final = frozenset({ID_TOKEN_VARIABLE, "ACTIONS_ID_TOKEN_REQUEST_URL"})
"""Where none of these is set, no CI system offers an identity."""
_OURS: Final = frozenset({SIGNING_KEY_VARIABLE, ID_TOKEN_VARIABLE})


def without_signing_key(environ: Mapping[str, str]) -> dict[str, str]:
    """The environment for commands, helpers and plugins: none of them signs, so none of them gets the key."""
    return {name: value for name, value in environ.items() if name not in _OURS}

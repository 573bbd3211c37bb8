"""Credentials in URLs."""

from __future__ import annotations

import re
from typing import Final

from infratrack.evidence.redaction.patterns import is_plain_user

_URL: Final = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://(?P<rest>.*)", re.DOTALL)
_KEEPS_USER: Final = frozenset({"ssh", "git+ssh", "sftp"})


def strip_credentials(url: str) -> str:
    """The URL without user, password, query and fragment. `ssh://git@host` and `git@host:path` keep the login name."""
    found = _URL.fullmatch(url)
    if not found:
        return _strip_short_form(url)
    rest = re.split(r"[?#]", found["rest"], maxsplit=1)[0]
    authority, slash, path = rest.partition("/")
    if "@" not in authority and "@" in found["rest"] and _is_odd(authority):
        # A password with a slash, `?` or `#` in it: everything up to the last @ is credentials.
        authority = found["rest"].rpartition("@")[0] + "@"
        rest = re.split(r"[?#]", found["rest"][len(authority) :], maxsplit=1)[0]
        host, slash, path = rest.partition("/")
        authority += host
    userinfo, _, host = authority.rpartition("@")
    user = userinfo.partition(":")[0]
    kept = f"{user}@" if found["scheme"].lower() in _KEEPS_USER and is_plain_user(user) else ""
    return f"{found['scheme']}://{kept}{host}{slash}{path}"


def _strip_short_form(url: str) -> str:
    """The scp-like form `user@host:path`, or a local path."""
    user, at, rest = url.rpartition("@")
    if not at or "/" in user.partition(":")[0]:
        return url
    name = user.partition(":")[0]
    return f"{name}@{rest}" if is_plain_user(name) else rest


def _is_odd(authority: str) -> bool:
    """Whether this is no host with a port: what follows its colon is no number, or there are colons before it."""
    host, colon, port = authority.rpartition(":")
    if not colon or authority.endswith("]"):
        return False
    return not port.isdigit() or (":" in host and not host.endswith("]"))

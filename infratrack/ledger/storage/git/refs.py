"""Names of refs and addresses of remotes that are safe to hand to git. Pure."""

from __future__ import annotations

import re
from typing import Final

from infratrack.errors import InputError

TRANSPORTS: Final = ("https", "http", "ssh", "git", "file")
"""The transports that a ledger may use. Others (`ext::`) can be made to run any program."""

_FORBIDDEN: Final = re.compile(r"[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{|//|/\.|\.lock(/|$)|\.$|/$|^/|^\.|^-|/-")
_LONGEST_REF: Final = 240
_LONGEST_URL: Final = 4_096
_SCHEME: Final = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*):/")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_HELPER: Final = re.compile(r"[A-Za-z0-9+.-]+::")


def full_ref(name: str) -> str:
    """`infratrack/ledger` → `refs/heads/infratrack/ledger`; a name that begins with `refs/` stays as it is.

    InputError for what git would not take as a ref (git-check-ref-format(1)), or is none of a branch's kind (`refs/x`).
    """
    ref = name if name.startswith("refs/") else f"refs/heads/{name}"
    if not name or len(ref) > _LONGEST_REF or _FORBIDDEN.search(name) or ref.count("/") < 2:  # noqa: PLR2004 -- refs/x/y
        raise InputError(f"{name[:120]!a} is not the name of a branch or ref", "write it like git:infratrack/ledger")
    return ref


def check_url(url: str) -> str:
    """The URL, path or `user@host:path`, if git may be given it; InputError otherwise."""
    found = _SCHEME.match(url)
    known = found is None or found["scheme"].lower() in TRANSPORTS
    if not url or len(url) > _LONGEST_URL or url.startswith("-") or _CONTROL.search(url) or not known:
        raise InputError(
            "this is no address of a Git remote that a ledger may use", f"use one of {', '.join(TRANSPORTS)}, or a path"
        )
    if _HELPER.match(url):
        raise InputError("a ledger's remote may not name a program (`helper::…`)", f"use {', '.join(TRANSPORTS)}")
    return url

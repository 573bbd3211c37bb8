"""Passwords in a remote's URL and settings: kept out of arguments, and known so that no message repeats them."""

from __future__ import annotations

import base64
import binascii
from typing import Final
from urllib.parse import unquote, urlsplit

from infratrack.ledger.storage.git.environment import Settings

_SHORTEST: Final = 4
"""Shorter words are not masked: they stand in every sentence."""


def without_password(url: str) -> tuple[str, Settings]:
    """The URL without its password, and the settings that say it instead.

    git starts a helper with the URL as its argument, which every user of the machine can read; a setting in the
    environment is not shown. Only for http and https with a user and a password; any other URL comes back as it is.
    """
    try:
        parts = urlsplit(url)
    except ValueError:
        return url, ()
    user, colon, password = parts.netloc.rpartition("@")[0].partition(":")
    if parts.scheme.lower() not in {"http", "https"} or not colon:
        return url, ()
    host = parts.netloc.rpartition("@")[2]
    token = base64.b64encode(f"{unquote(user)}:{unquote(password)}".encode()).decode()
    bare = f"{parts.scheme}://{host}"
    return (
        parts._replace(netloc=host).geturl(),
        [(f"http.{bare}/.extraHeader", f"Authorization: Basic {token}")],
    )


def secrets_of(url: str, settings: Settings) -> frozenset[str]:
    """Every word that must not be shown: passwords in the URL and in settings, tokens in headers."""
    found: set[str] = set()
    for text in (url, *(name for name, _ in settings), *(value for _, value in settings)):
        found |= _in_url(text)
    for name, value in settings:
        if name.lower().endswith(".extraheader"):
            word = value.rpartition(" ")[2]
            found |= {word, *_decoded(word)}
    return frozenset(secret for secret in found if len(secret) >= _SHORTEST)


def _in_url(text: str) -> set[str]:
    scheme, there, rest = text.partition("://")
    userinfo, at, _ = rest.partition("/")[0].rpartition("@")
    if not there or not at or scheme.endswith("ssh"):
        return set()
    user, colon, password = userinfo.partition(":")
    words = {password, unquote(password)} if colon else {user, unquote(user)}
    return {*words, userinfo}


def _decoded(word: str) -> set[str]:
    try:
        user, colon, password = base64.b64decode(word, validate=True).decode().partition(":")
    except (binascii.Error, ValueError):
        return set()
    return {password, f"{user}:{password}"} if colon else set()

"""A server's address and release, as they are written down."""

from __future__ import annotations

from urllib.parse import urlsplit

from infratrack.api import InputError


def checked_url(url: str) -> str:
    """The URL without a trailing slash; InputError for anything but plain http and https without credentials."""
    hint = "write it like https://netbox.example.com"
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise InputError("`url` of NetBox is not a URL", hint) from error
    if parts.username or parts.password or "@" in parts.netloc:
        raise InputError("`url` of NetBox holds credentials", "take them out; the token comes from NETBOX_TOKEN")
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment or port == 0:
        raise InputError("`url` of NetBox is not an http or https address", hint)
    if not url.isprintable() or " " in url:
        raise InputError("`url` of NetBox holds characters that no address has", hint)
    return f"{parts.scheme}://{parts.netloc.lower()}{parts.path.rstrip('/').removesuffix('/api')}"


def release_of(version: str) -> tuple[int, ...]:
    """`4.7.3-Docker` is (4, 7); what cannot be read is ()."""
    parts = version.split(".")[:2]
    return tuple(int(part) for part in parts) if all(part.isascii() and part.isdigit() for part in parts) else ()

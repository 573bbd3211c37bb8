"""Reads the files of public keys that `trust` and `people` name; they are part of the definition."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import msgspec

from infratrack.errors import InputError

KEY_FILE_AT_MOST: Final = 64 * 1024
"""Of an issuer's keys; a signing key is far smaller."""
PEM_AT_MOST: Final = 16 * 1024
KEYID_PREFIX: Final = "keyid:"


def key_paths(data: Mapping[str, Any]) -> Iterator[tuple[str, tuple[str | int, ...]]]:
    """Every key file that some (perhaps faulty) data names, with the path to where it stands."""
    trust = data.get("trust")
    for number, signer in enumerate(_list(trust.get("signers") if isinstance(trust, dict) else None)):
        if isinstance(signer, dict) and isinstance(signer.get("key"), str) and signer["key"]:
            yield signer["key"], ("trust", "signers", number, "key")
    for number, identity in enumerate(_list(trust.get("identities") if isinstance(trust, dict) else None)):
        for member in ("issuer_keys", "sigstore_root") if isinstance(identity, dict) else ():
            if isinstance(identity.get(member), str) and identity[member]:
                yield identity[member], ("trust", "identities", number, member)
    for number, person in enumerate(_list(data.get("people"))):
        for position, key in enumerate(_list(person.get("keys") if isinstance(person, dict) else None)):
            if isinstance(key, str) and key and not key.startswith(KEYID_PREFIX):
                yield key, ("people", number, "keys", position)


def key_file_path(folder: Path, name: str) -> Path:
    """The path of a key file inside the project folder; InputError with what was expected in its hint."""
    root = folder.resolve()
    try:
        path = (folder / name).resolve()
        exists = path.exists()
    except (OSError, RuntimeError, ValueError) as error:
        raise InputError(f"the key file {name[:80]!r} cannot be looked up", "the path of a file") from error
    if not path.is_relative_to(root):
        raise InputError(f"the key file {name[:80]!r} lies outside the project folder", "a file inside it")
    if not exists:
        raise no_key_file(name)
    return path


def no_key_file(name: str) -> InputError:
    """What to say of a key file that is not there."""
    return InputError(f"the key file {name[:80]!r} is not there", "a file that `infratrack key export NAME` wrote")


def key_text(name: str, content: bytes) -> str:
    """The text of a public key file from its content; InputError with what was expected in its hint.

    A file named `.json` holds an issuer's keys (JWKS) or a sigstore trusted root, any other a signing key's public half
    (PEM).
    """
    if b"PRIVATE KEY" in content:
        raise InputError(f"{name[:80]!r} holds a private key; it must never be shared", "the public key")
    text = content.decode("ascii", "replace").replace("\r\n", "\n")
    if name.endswith(".json"):
        if len(content) > KEY_FILE_AT_MOST or not _holds_public_keys(content):
            raise InputError(
                f"{name[:80]!r} is no set of an issuer's public keys",
                "JSON, as `infratrack identity keys ISSUER` (JWKS) or `infratrack identity sigstore` prints it",
            )
        return text
    if len(content) > PEM_AT_MOST or "-----BEGIN PUBLIC KEY-----" not in text or "\ufffd" in text:
        raise InputError(f"{name[:80]!r} is no public key", "PEM text, as `infratrack key export NAME` prints it")
    return text


def _holds_public_keys(content: bytes) -> bool:
    """Whether this is a JWKS or a trusted root in plain ASCII; which keys can be used is decided where trust is."""
    try:
        document = msgspec.json.decode(content)
    except (msgspec.MsgspecError, UnicodeError, RecursionError, ValueError):
        return False
    if not content.isascii() or not isinstance(document, dict):
        return False
    return isinstance(document.get("keys"), list) or isinstance(document.get("certificateAuthorities"), list)


def _list(value: Any) -> list[Any]:  # noqa: ANN401 -- whatever YAML holds
    return value if isinstance(value, list) else []

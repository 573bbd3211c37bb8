"""Which names (of variables, flags, headers, members) announce a secret."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

_ANYWHERE: Final = frozenset(
    {
        "password", "passwd", "passphrase", "passcode", "pwd", "secret", "secrets", "token", "tokens", "credential",
        "credentials", "creds", "authorization", "cookie", "apikey", "apitoken", "bearer",
    }
)  # fmt: skip
_AT_THE_END: Final = frozenset({"key", "keys", "pass", "pw", "auth", "pat", "otp", "dsn", "psk"})
_INSIDE: Final = re.compile(
    r"password|passwd|passphrase|secret|(?:api|access|private|signing|encryption|master|account)_?key|conn(?:ection)?_?str(?:ing)?"
    r"|(?:access|auth|api|refresh|id|bearer|session|sas|vault)token"
)
_TELLS_OF: Final = frozenset(
    {
        "file", "files", "path", "dir", "folder", "sock", "socket", "name", "names", "type", "version", "user",
        "username", "host", "port", "enabled", "length", "ttl", "expiry", "expires", "arn", "alias", "policy", "count",
        "url", "uri", "endpoint", "stdin", "env", "algorithm", "digest", "checksum", "fingerprint", "id", "ids",
        "rotation", "reset", "required", "min", "max", "size", "bits", "region", "age", "store", "manager",
    }
)  # fmt: skip
"""Last parts of a name that is about a secret without holding it (`PASSWORD_FILE`, `token_ttl`)."""

_PUBLIC_KEYS: Final = frozenset({"public", "foreign", "partition", "sort", "cache"})
_INNOCENT: Final = frozenset({"pwd", "oldpwd", "infratrack_key", "key", "keys", "for_each_key"})
_PARTS: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
_MAXIMUM_NAME: Final = 128


@lru_cache(maxsize=4096)
def is_secret_name(name: str) -> bool:
    """Whether a value under this name is taken for a secret. Of a dotted name the last part decides."""
    last = name[-_MAXIMUM_NAME:].rpartition(".")[2].strip("-_")
    if last.lower() in _INNOCENT:
        return False
    parts = [part.lower() for part in _PARTS.findall(last) if not part.isdigit()]
    if not parts or (parts[-1] in _TELLS_OF and parts[-2:] != ["secret", "id"]):
        return False
    if not _ANYWHERE.isdisjoint(parts) or _INSIDE.search("_".join(parts)):
        return True
    return parts[-1] in _AT_THE_END and _PUBLIC_KEYS.isdisjoint(parts[:-1])

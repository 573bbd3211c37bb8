"""What secrets look like wherever they stand: tokens of known shape, credentials in URLs, headers and assignments.

Shapes are the ones that the issuers document (a prefix and a length) and that public secret scanners use.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from infratrack.evidence.redaction.names import is_secret_name

Span = tuple[int, int]
"""Where a secret stands in a text: start and end."""

MASK_OPEN: Final = "‹masked"

_TOKENS: Final = re.compile(
    r"(?<![A-Za-z0-9])(?:"
    r"(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}(?![A-Za-z0-9])"  # Amazon access keys
    r"|gh[pousr]_[A-Za-z0-9]{20,}|github_pat_[A-Za-z0-9_]{20,}"  # GitHub
    r"|gl(?:pat|ptt|dt|rt|cbt|oas|soat|ft|imt|agent)-[A-Za-z0-9_.-]{16,}"  # GitLab
    r"|xox[abeoprs]-[A-Za-z0-9-]{10,}|xapp-[0-9]-[A-Za-z0-9-]{10,}"  # Slack
    r"|(?:sk|rk|pk)_(?:live|test)_[A-Za-z0-9]{10,}|whsec_[A-Za-z0-9]{16,}"  # Stripe
    r"|AIza[A-Za-z0-9_-]{35}|ya29\.[A-Za-z0-9_-]{20,}|GOCSPX-[A-Za-z0-9_-]{20,}"  # Google
    r"|eyJ[A-Za-z0-9_-]{8,1024}\.eyJ[A-Za-z0-9_-]{4,}(?:\.[A-Za-z0-9_-]*)?"  # JSON Web Tokens
    r"|hv[sbr]\.[A-Za-z0-9_-]{20,}|[A-Za-z0-9]{14}\.atlasv1\.[A-Za-z0-9_-]{40,}"  # Vault, HCP Terraform
    r"|nbt_[A-Za-z0-9]{8,}\.[A-Za-z0-9]{20,}"  # NetBox
    r"|do[opr]_v1_[a-f0-9]{32,}|dapi[a-f0-9]{32}|npm_[A-Za-z0-9]{36}|hf_[A-Za-z0-9]{30,}|sk-[A-Za-z0-9_-]{20,}"
    r"|SG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}|AGE-SECRET-KEY-1[A-Z0-9]{50,}|glsa_[A-Za-z0-9_]{32,}"
    r"|dp\.(?:pt|st|ct|sa)\.[A-Za-z0-9]{32,}|shp(?:at|ss|ca|pa)_[a-fA-F0-9]{32}|lin_api_[A-Za-z0-9]{32,}"
    r")"
)
_PRIVATE_KEYS: Final = re.compile(
    r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----.*?"
    r"(?:-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----|\Z)",
    re.DOTALL,
)
_WEB_HOOKS: Final = re.compile(r"https://hooks\.[a-z0-9.-]+/[A-Za-z0-9_/-]{10,}")
_URL_CREDENTIALS: Final = re.compile(
    r"[A-Za-z][A-Za-z0-9+.-]{1,30}://(?P<user>[^\s/:@\"'<>]{0,1024})(?P<rest>:[^\s\"'<>]{0,1024}?)?@(?=[A-Za-z0-9\[%_])"
)
_AUTHORIZATION: Final = re.compile(
    r"(?:\b(?:Bearer|Basic|Negotiate|Digest|Token|ApiKey)\s+|authorization[\"']?\s{0,3}[:=]\s{0,3}[\"']?(?:[A-Za-z]{3,12}\s+)?)"
    r"(?P<value>[A-Za-z0-9._~+/=:-]{8,})",
    re.IGNORECASE,
)
_ASSIGNMENT: Final = re.compile(
    r"(?<![A-Za-z0-9_])(?P<name>[A-Za-z_][A-Za-z0-9_.-]{0,127})\\?[\"']?\]?\s{0,3}(?::=|=>|[:=])\s{0,3}"
)
_ASSIGNED: Final = re.compile(
    r"\\\"(?:[^\"\\]|\\(?!\"))*(?:\\\")?|\"(?:[^\"\\]|\\.)*\"?|'[^']*'?|[^\s,;&\"'(){}\[\]‹›]+", re.DOTALL
)
_FLAG: Final = re.compile(r"(?<!\S)--?(?P<name>[A-Za-z][A-Za-z0-9_-]{0,63})\s+")
_FLAG_VALUE: Final = re.compile(r"\"[^\"]*\"?|'[^']*'?|[^\s\"'‹›-][^\s\"'‹›]*")
_VARIABLE: Final = re.compile(
    r"(?<!\S)--?(?:var|extra-vars|set-string|set)(?:\s+|=)"
    r"(?:(?P<quote>[\"'])[A-Za-z_][A-Za-z0-9_.-]*=(?P<quoted>.+?)(?:(?P=quote)|\Z)"
    r"|[A-Za-z_][A-Za-z0-9_.-]*=(?P<bare>\"[^\"]*\"?|'[^']*'?|[^\s\"'‹›]+))",
    re.DOTALL,
)
_REFERENCE: Final = re.compile(r"\$[{(]|\$(?:[a-z_]+)?$|\{\{|\*+$")
"""A value that stands elsewhere (`${var.password}`, `$PASSWORD`, `{{ password }}`), or was blotted out already."""
_SWITCHES: Final = frozenset({"true", "false", "null", "none", "yes", "no", "on", "off", "enabled", "disabled"})
_QUOTES: Final = "\"'\\"

HARMLESS_VALUES: Final = frozenset(
    {
        "true", "false", "null", "none", "nil", "yes", "no", "on", "off", "undefined", "unknown", "sensitive",
        "create", "update", "delete", "replace", "read", "no-op", "forget", "import", "move", "present", "absent",
        "tainted", "changed", "unchanged", "ok", "failed", "skipped", "succeeded", "canceled", "indeterminate",
        "drifted", "pass", "passed", "known", "string", "number", "bool", "list", "map", "object", "any",
        "creating...", "creating", "destroying...", "destroying", "modifying...", "modifying", "reading...", "reading",
        "refreshing", "still", "creation", "destruction", "modifications", "bearer", "basic", "plan", "will", "must",
        "is",
    }
)  # fmt: skip
"""Values that say something about a secret without being one."""

TRIGGERS: Final = (
    "pass", "pwd", "pw", "secret", "token", "key", "cred", "auth", "cookie", "pat", "otp", "dsn", "psk", "conn", "://",
    "bearer", "basic", "begin ", "-var", "--set", "-vars", "akia", "asia", "abia", "acca", "gh", "gl", "xox", "xapp-",
    "sk_", "rk_", "pk_", "whsec_", "aiza", "ya29", "gocspx", "eyj", "hv", "atlasv1", "nbt_", "_v1_", "dapi", "npm_",
    "hf_", "sk-", "sg.", "dp.", "shp", "lin_api", "negotiate", "digest",
)  # fmt: skip
"""A text that holds none of these (in lower case) matches no pattern: a quick first look."""


def pattern_spans(text: str) -> Iterator[Span]:
    """Where tokens, private keys and credentials stand in a text."""
    for pattern in (_TOKENS, _PRIVATE_KEYS, _WEB_HOOKS):
        for found in pattern.finditer(text):
            yield found.span()
    yield from _url_spans(text)
    for found in _AUTHORIZATION.finditer(text):
        if not is_harmless(found["value"]):
            yield found.span("value")
    yield from _named_spans(_ASSIGNMENT, _ASSIGNED, text)
    yield from _named_spans(_FLAG, _FLAG_VALUE, text)
    for found in _VARIABLE.finditer(text):
        yield found.span("quoted" if found["quoted"] else "bare")


def is_no_secret(value: str) -> bool:
    """Whether the value of a secret's flag or variable is none: empty, a switch, a reference, or blotted out."""
    bare = value.strip(_QUOTES).lower()
    return not bare or bare in _SWITCHES or bare.startswith(MASK_OPEN) or bool(_REFERENCE.match(bare))


def is_harmless(value: str) -> bool:
    """Whether a value that stands behind a secret's name in free text says nothing: also a word of the trade."""
    return is_no_secret(value) or value.strip(_QUOTES).lower() in HARMLESS_VALUES


def _named_spans(naming: re.Pattern[str], valued: re.Pattern[str], text: str) -> Iterator[Span]:
    """Values that follow a name which announces a secret; quotes around them stay."""
    position = 0
    while found := naming.search(text, position):
        # What follows another name may itself be a name: `a=password=x`.
        position = found.end()
        value = valued.match(text, position) if is_secret_name(found["name"]) else None
        if value is None or is_harmless(value[0]):
            continue
        bare = value[0].lstrip(_QUOTES)
        start = value.end() - len(bare)
        position = value.end()
        yield start, position - (len(bare) - len(bare.rstrip(_QUOTES)) if start > value.start() else 0)


def _url_spans(text: str) -> Iterator[Span]:
    for found in _URL_CREDENTIALS.finditer(text):
        if found["rest"] and len(found["rest"]) > 1:
            yield found.start("rest") + 1, found.end("rest")
        elif found["user"] and not is_plain_user(found["user"]):
            yield found.span("user")


def is_plain_user(user: str) -> bool:
    """Whether the user part of a URL is a login name and no token: `git`, `deploy`, `jane.doe`."""
    return bool(re.fullmatch(r"[a-z][a-z._-]{0,19}[0-9]{0,3}", user))

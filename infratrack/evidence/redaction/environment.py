"""Which variables of an environment hold secrets: by their names, and by what their values look like."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final

from infratrack.evidence.redaction.entropy import looks_random, random_spans
from infratrack.evidence.redaction.names import is_secret_name
from infratrack.evidence.redaction.patterns import is_no_secret, pattern_spans
from infratrack.evidence.redaction.plain_values import is_plain_value, texts_in_json

MINIMUM_SECRET: Final = 6
"""Shorter values are not searched for elsewhere: they would shred the facts."""

_ALWAYS: Final = frozenset({"INFRATRACK_SIGNING_KEY"})
_TERRAFORM_VARIABLE: Final = "TF_VAR_"
_PATH: Final = re.compile(r"~?(?:/[\w.@+-]+)+/?")


def secrets_in_environment(environ: Mapping[str, str]) -> frozenset[str]:
    """The values (and parts of values) of an environment that must appear nowhere."""
    return frozenset(
        secret
        for name, value in environ.items()
        for secret in _secrets_of(name, value)
        if len(secret) >= MINIMUM_SECRET
    )


def _secrets_of(name: str, value: str) -> Iterator[str]:
    if name in _ALWAYS:
        yield value
        yield value.replace("\\n", "\n")
        return
    if is_no_secret(value):
        return
    if name.startswith(_TERRAFORM_VARIABLE):
        secret = is_secret_name(name) or not is_plain_value(value)
    else:
        secret = is_secret_name(name)
    if secret and not _is_path(value):
        yield value
        yield from texts_in_json(value)
        return
    for start, end in (*pattern_spans(value), *random_spans(value)):
        yield value[start:end]


def _is_path(value: str) -> bool:
    """`SSH_AUTH_SOCK=/run/…`, `GOOGLE_APPLICATION_CREDENTIALS=/etc/…`: where a secret lies, not the secret."""
    return bool(_PATH.fullmatch(value)) and value.count("/") > 1 and not any(map(looks_random, value.split("/")))

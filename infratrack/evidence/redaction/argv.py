"""Secrets in command lines: where in an argument vector the values of secret flags and assignments stand."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from typing import Final

from infratrack.evidence.redaction.names import is_secret_name
from infratrack.evidence.redaction.patterns import Span, is_no_secret
from infratrack.evidence.redaction.plain_values import is_plain_value, texts_in_json

_VARIABLE_FLAGS: Final = frozenset({"var", "extra-vars", "e", "set", "set-string", "set-literal", "build-arg", "env"})
"""Flags whose `name=value` keeps the name and always loses the value (Terraform, Ansible, Helm, Docker)."""
_HEADER_FLAGS: Final = frozenset({"H", "header"})
_USER_FLAGS: Final = frozenset({"u", "user", "proxy-user", "U"})
_PASSWORD_TOOLS: Final = frozenset(
    {"sshpass", "docker", "podman", "helm", "az", "skopeo", "buildah", "ldapsearch", "nerdctl"}
)
"""Tools whose `-p VALUE` (or `-w VALUE`) is a password when they log in."""
_SHELLS: Final = frozenset({"sh", "bash", "dash", "zsh", "ksh", "ash", "busybox"})
_OPEN_BACKEND_SETTINGS: Final = frozenset(
    {
        "bucket", "key", "region", "path", "prefix", "workspace_dir", "workspace_key_prefix", "hostname",
        "organization", "resource_group_name", "storage_account_name", "container_name", "dynamodb_table", "endpoint",
        "profile", "role_arn", "encrypt", "use_lockfile", "address", "lock_address", "unlock_address",
        "lock_method", "unlock_method", "schema_name", "namespace", "secret_suffix", "subscription_id", "tenant_id",
        "client_id",
    }
)  # fmt: skip
"""Backend settings that say where the state lies; any other value of `-backend-config` is masked."""

_FLAG: Final = re.compile(r"--?(?P<name>[A-Za-z][A-Za-z0-9_.-]*)(?:=(?P<value>.*))?", re.DOTALL)
_ASSIGNMENT: Final = re.compile(r"(?P<name>[A-Za-z_][A-Za-z0-9_.-]*)=(?P<value>.*)", re.DOTALL)
_ASSIGNED_NAME: Final = re.compile(r"(?P<name>[A-Za-z0-9_.-]+)=[\"']?$")
_HEADER: Final = re.compile(r"(?P<name>[A-Za-z0-9-]+):\s*(?P<value>.*)", re.DOTALL)
_USER_PASSWORD: Final = re.compile(r"(?P<name>[^:]*):(?P<value>.+)", re.DOTALL)
_ATTACHED: Final = re.compile(r"-[pw](?P<value>.{4,})", re.DOTALL)
_PLAIN_ATTACHED: Final = re.compile(r"[a-z-]+(?:=.*)?|[\d:./a-z-]*[:/][\d:./a-z-]*|\d+", re.DOTALL)
_SCRIPT_FLAG: Final = re.compile(r"-[a-z]*c[a-z]*")
_MAXIMUM_SCRIPT_DEPTH: Final = 3
_TOOL_PLACES: Final = 4
"""The tool is looked for among this many first words (`sudo -E docker …`)."""


def argv_spans(argv: Sequence[str], depth: int = 0) -> dict[int, list[Span]]:
    """Where secrets stand, argument by argument (index → spans)."""
    spans: dict[int, list[Span]] = {}
    tools = {argument.rpartition("/")[2] for argument in argv[:_TOOL_PLACES]}
    for index, argument in enumerate(argv):
        if depth < _MAXIMUM_SCRIPT_DEPTH and not tools.isdisjoint(_SHELLS) and _is_script(argv, index):
            spans.setdefault(index, []).extend(_script_spans(argument, depth))
            continue
        following = argv[index + 1] if index + 1 < len(argv) else None
        for at, start, end in _spans_of(argument, following, tools):
            spans.setdefault(index + at, []).append((start, end))
    return {index: found for index, found in spans.items() if found}


def secrets_in_argv(argv: Sequence[str]) -> frozenset[str]:
    """The secret values in a command line, so that they can be masked elsewhere too.

    Plain values of variables whose names announce no secret (`-var region=eu-west-1`) are masked in the command line
    but are not among these: they would shred the facts.
    """
    found: set[str] = set()
    for index, spans in argv_spans(argv).items():
        for start, end in spans:
            value = argv[index][start:end]
            assigned = _ASSIGNED_NAME.search(argv[index][:start])
            if assigned and is_plain_value(value) and not is_secret_name(assigned["name"]):
                continue
            found.update((value, *texts_in_json(value)))
            scheme, _, credentials = value.partition(" ")
            if scheme.isalpha() and " " not in credentials:
                found.add(credentials)  # of `Bearer abc` both
    return frozenset(found - {""})


def _is_script(argv: Sequence[str], index: int) -> bool:
    """Whether an argument is what a shell is to run (`sh -c "…"`)."""
    return index > 0 and bool(_SCRIPT_FLAG.fullmatch(argv[index - 1]))


def _spans_of(argument: str, following: str | None, tools: set[str]) -> list[tuple[int, int, int]]:
    """Spans as (0 for this argument or 1 for the next one, start, end)."""
    flag = _FLAG.fullmatch(argument)
    attached = _ATTACHED.fullmatch(argument)
    if flag and flag["value"] is not None:
        return [(0, *span) for span in _flag_value(flag["name"], flag["value"], flag.start("value"))]
    if attached and not _PLAIN_ATTACHED.fullmatch(attached["value"]):
        return [(0, *attached.span("value"))]
    if flag is None:
        return [(0, *span) for span in _assignment(argument)]
    name = flag["name"]
    if following is None or (is_secret_name(name) and _FLAG.fullmatch(following)):
        return []  # the second: `--ask-pass --check`, a switch and not a value
    if name in {"p", "w"} and not tools.isdisjoint(_PASSWORD_TOOLS) and not following.isdigit():
        return [(1, 0, len(following))]
    return [(1, *span) for span in _flag_value(name, following, 0)]


def _flag_value(name: str, value: str, offset: int) -> list[Span]:
    if name in _VARIABLE_FLAGS:
        return _variable(value, offset)
    found: re.Match[str] | None = None
    if name == "backend-config":
        found = _ASSIGNMENT.fullmatch(value)
        found = None if found and found["name"] in _OPEN_BACKEND_SETTINGS else found
    elif name in _HEADER_FLAGS:
        found = _HEADER.fullmatch(value)
        found = found if found and is_secret_name(found["name"]) else None
    elif name in _USER_FLAGS:
        found = _USER_PASSWORD.fullmatch(value)
        found = None if found and found["value"].isdigit() else found
    elif is_secret_name(name) and not name.startswith(("ask-", "no-", "use-")) and not is_no_secret(value):
        return [(offset, offset + len(value))]
    return _masked(found, offset) if found else []


def _variable(value: str, offset: int) -> list[Span]:
    """`name=value`: the name stays. Ansible also takes several pairs, `@file`, JSON and YAML."""
    if value.startswith("@"):
        return []
    if value.lstrip().startswith(("{", "[")):
        return [(offset, offset + len(value))]
    first = _ASSIGNMENT.fullmatch(value)
    return _masked(first, offset) if first else []


def _assignment(argument: str) -> list[Span]:
    """`NAME=value` in front of a command, or `password=value` behind one."""
    found = _ASSIGNMENT.fullmatch(argument)
    if found and (is_secret_name(found["name"]) or found["name"].startswith("TF_VAR_")):
        return [] if is_no_secret(found["value"]) else _masked(found, 0)
    return []


def _masked(found: re.Match[str], offset: int) -> list[Span]:
    start, end = found.span("value")
    return [(offset + start, offset + end)] if end > start else []


def _script_spans(script: str, depth: int) -> list[Span]:
    """Secrets in a command line that is one argument of a shell."""
    try:
        words = shlex.split(script)
    except ValueError:
        words = script.split()
    spans = []
    for index, found in argv_spans(words, depth + 1).items():
        for start, end in found:
            secret = words[index][start:end]
            if not secret:
                continue
            position = script.find(secret)
            while position >= 0:
                spans.append((position, position + len(secret)))
                position = script.find(secret, position + len(secret))
    return spans

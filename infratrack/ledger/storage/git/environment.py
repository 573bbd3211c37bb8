"""The environment that our git runs in: the user's way to the network, and nothing else that changes git. Pure.

Hooks, templates, and every variable that names a repository, an index, a work tree or a trace are left behind. Settings
travel in the environment (`GIT_CONFIG_COUNT`), never in arguments, which every user of the machine can read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from infratrack.evidence.key_store import KEY_VARIABLE
from infratrack.ledger.storage.git.refs import TRANSPORTS

Settings = Sequence[tuple[str, str]]
"""Git settings in order; a name may come more than once (`credential.helper`)."""

_NETWORK: Final = (
    "GIT_SSH",
    "GIT_SSH_COMMAND",
    "GIT_SSH_VARIANT",
    "GIT_ASKPASS",
    "GIT_PROXY_COMMAND",
    "GIT_PROXY_SSL_CAINFO",
    "GIT_PROXY_SSL_CERT",
    "GIT_PROXY_SSL_KEY",
    "GIT_SSL_CAINFO",
    "GIT_SSL_CAPATH",
    "GIT_SSL_CERT",
    "GIT_SSL_CIPHER_LIST",
    "GIT_SSL_KEY",
    "GIT_SSL_NO_VERIFY",
    "GIT_SSL_VERSION",
    "GIT_HTTP_LOW_SPEED_LIMIT",
    "GIT_HTTP_LOW_SPEED_TIME",
    "GIT_HTTP_PROXY_AUTHMETHOD",
    "GIT_HTTP_USER_AGENT",
)
"""What a user may have set so that git reaches servers at all."""

_CONFIGURATION: Final = ("GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM", "GIT_CONFIG_NOSYSTEM", "GIT_CONFIG_PARAMETERS")
_FIXED: Final[Settings] = (
    ("core.hooksPath", "/dev/null"),
    ("core.fsmonitor", "false"),
    ("core.bigFileThreshold", "16m"),
    ("gc.autoDetach", "false"),
    ("push.gpgSign", "false"),
    ("push.followTags", "false"),
    ("push.recurseSubmodules", "no"),
    ("protocol.version", "2"),
    ("protocol.ext.allow", "never"),
    ("advice.pushFetchFirst", "false"),
)


def own_environment(
    environ: Mapping[str, str], settings: Settings, *, repository: str, configuration: str
) -> dict[str, str]:
    """The environment for git in a repository of ours: only these settings and those of the file `configuration`."""
    kept = {name: value for name, value in environ.items() if not name.startswith("GIT_") and name != KEY_VARIABLE}
    kept |= {name: environ[name] for name in _NETWORK if name in environ}
    return {
        **kept,
        **_always(),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": configuration,
        "GIT_DIR": repository,
        "GIT_ALLOW_PROTOCOL": ":".join(TRANSPORTS),
        **numbered([*settings, *_FIXED]),
    }


def reading_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """The environment for asking git about the user's own settings: theirs, without what points somewhere else.

    A folder that merely looks like a bare repository is not taken for one: in a checked-out pull request it could hold
    settings that run programs.
    """
    kept = {name: value for name, value in environ.items() if not name.startswith("GIT_") and name != KEY_VARIABLE}
    kept |= {name: environ[name] for name in _CONFIGURATION if name in environ}
    given = given_settings(environ)
    return {**kept, **_always(), **numbered([*given, ("safe.bareRepository", "explicit"), ("core.fsmonitor", "false")])}


def given_settings(environ: Mapping[str, str]) -> list[tuple[str, str]]:
    """The settings that the environment itself hands to git, with `GIT_CONFIG_COUNT`; none when that is no number."""
    count = environ.get("GIT_CONFIG_COUNT", "")
    if not (count.isascii() and count.isdigit() and len(count) <= 4):  # noqa: PLR2004 -- more than anybody sets
        return []
    pairs = ((environ.get(f"GIT_CONFIG_KEY_{n}"), environ.get(f"GIT_CONFIG_VALUE_{n}")) for n in range(int(count)))
    return [(key, value) for key, value in pairs if key is not None and value is not None]


def numbered(settings: Settings) -> dict[str, str]:
    """Settings as the variables that git reads: GIT_CONFIG_COUNT, GIT_CONFIG_KEY_0, GIT_CONFIG_VALUE_0 and so on."""
    variables = {"GIT_CONFIG_COUNT": str(len(settings))}
    for number, (name, value) in enumerate(settings):
        variables[f"GIT_CONFIG_KEY_{number}"] = name
        variables[f"GIT_CONFIG_VALUE_{number}"] = value
    return variables


def _always() -> dict[str, str]:
    return {
        "LC_ALL": "C",
        "TZ": "UTC",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_NO_LAZY_FETCH": "1",  # since git 2.44; before, a repository without a promisor fetches nothing by itself
        "GIT_OPTIONAL_LOCKS": "0",
        "SSH_ASKPASS_REQUIRE": "never",
    }

"""The user's Git configuration, read: where a remote is, and with what git would reach it. Pure.

Format: `git config --list --null --show-scope` (git-config(1)). Names come in lower case but for what stands between
their first and last dot.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from msgspec import Struct

from infratrack.ledger.storage.git.environment import Settings

_WAYS: Final = re.compile(
    r"(http|credential)\..+|core\.(sshcommand|askpass|gitproxy)|ssh\.[a-z]+|remote\..+\.(proxy|proxyauthmethod)",
    re.DOTALL,
)
"""Settings that say how a server is reached and who asks."""

_OWN_NAME: Final = "ledger"
_TRUSTED_SCOPES: Final = frozenset({"system", "global", "command"})
"""git takes `safe.directory` from nowhere else: a repository could declare itself safe."""


class Setting(Struct, frozen=True, gc=False):
    """One setting: its name, its value (a name without a value means `true`), and where it stands."""

    name: str
    value: str
    scope: str


class Configuration(Struct, frozen=True):
    """Every setting that is in force, in order; later ones win, or add up."""

    settings: Sequence[Setting]

    def url_of(self, remote: str) -> str | None:
        """Where `git push REMOTE` pushes to; None when there is no such remote.

        The ledger is read there too: a mirror that lags behind would never let anybody write.
        """
        pushed = self._values(f"remote.{remote}.pushurl")
        if pushed:
            return self.rewritten(pushed[0])
        urls = self._values(f"remote.{remote}.url")
        if not urls:
            return None
        return self._rewritten(urls[0], "pushinsteadof") or self.rewritten(urls[0])

    def rewritten(self, url: str) -> str:
        """The URL that `url.*.insteadOf` makes of it."""
        return self._rewritten(url, "insteadof") or url

    def ways(self, remote: str | None) -> Settings:
        """What git needs to reach a server as it would for the user, in order; proxies of `remote` are ours then."""
        found: list[tuple[str, str]] = []
        for setting in self.settings:
            name, value = setting.name, setting.value
            if name == "safe.directory" and setting.scope in _TRUSTED_SCOPES:
                found.append((name, value))
            elif _WAYS.fullmatch(name):
                prefix = f"remote.{remote}."
                if not name.startswith("remote."):
                    found.append((name, value))
                elif remote is not None and name.startswith(prefix):
                    found.append((f"remote.{_OWN_NAME}.{name.removeprefix(prefix)}", value))
        return found

    def _values(self, name: str) -> list[str]:
        return [setting.value for setting in self.settings if setting.name == name]

    def _rewritten(self, url: str, kind: str) -> str | None:
        """The longest matching rule's result, as git chooses; None when no rule matches."""
        best: tuple[str, str] | None = None
        for setting in self.settings:
            first, _, rest = setting.name.partition(".")
            base, _, last = rest.rpartition(".")
            matches = first == "url" and last == kind and url.startswith(setting.value)
            if matches and (best is None or len(setting.value) > len(best[0])):
                best = (setting.value, base)
        return None if best is None else best[1] + url[len(best[0]) :]


def read_configuration(output: bytes) -> Configuration:
    """Read what `git config --list --null --show-scope` printed. Bytes that are no UTF-8 become surrogates."""
    words = output.decode(errors="surrogateescape").split("\0")
    settings: list[Setting] = []
    for scope, setting in zip(words[::2], words[1::2], strict=False):
        name, there, value = setting.partition("\n")
        settings.append(Setting(name, value if there else "true", scope))
    return Configuration(settings)


def is_relative_path(url: str) -> bool:
    """Whether git would take this for a path that starts in the repository's folder."""
    before_slash = url.partition("/")[0]
    return not url.startswith("/") and ":" not in before_slash

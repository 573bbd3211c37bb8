"""Asks a plugin's collector for facts about one command, with deadlines: facts may be missing, evidence may not."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePath
from typing import Final

import msgspec

from infratrack.errors import InfratrackError, InputError
from infratrack.evidence.predicates import COMMAND
from infratrack.hookspecs import Collected, Collector, CommandContext, CommandEnd, FactsLevel, Wanted, Watch
from infratrack.plugin_manager import PluginFailure, Plugins, guarded

RECOGNISE_SECONDS: Final = 5.0
BEGIN_SECONDS: Final = 20.0
FINISH_SECONDS: Final = 120.0
FACTS: Final = "facts"


class FactFinder:
    """Follows one command with the collector that recognises it; without one, the facts are the command's ending.

    No method raises for a plugin's sake: what a collector could not tell is `missing` in what `finish` returns, with
    the reason.
    """

    def __init__(self, argv: Sequence[str]) -> None:
        self.tool = PurePath(argv[0]).name
        self.environment: Mapping[str, str] = {}
        self.unseen: Collected | None = None
        """What to record should nobody see the end."""
        self._watch: Watch | None = None
        self._scratch: Path | None = None
        self._missing: dict[str, str] = {}

    def begin(  # noqa: PLR0913 -- what a collector is told, all by keyword
        self,
        plugins: Plugins,
        *,
        argv: Sequence[str],
        cwd: Path,
        environ: Mapping[str, str],
        level: FactsLevel,
        wanted: Wanted,
        scope_folder: str,
        tool: str | None,
    ) -> None:
        """Find the collector (or take the one that `--as` names) and let it begin. Call before the command starts."""
        collector = self._collector(plugins, argv, tool)
        if collector is None:
            return
        self.tool = collector.name
        try:
            self._scratch = Path(tempfile.mkdtemp(prefix="infratrack-"))
            context = CommandContext(
                argv=tuple(argv),
                cwd=cwd,
                environment=environ,
                scratch=self._scratch,
                facts=level,
                wanted=wanted,
                scope_folder=scope_folder,
            )
            watch, environment, unseen = guarded(
                lambda: _begin(collector, context), BEGIN_SECONDS, f"{self.tool} collector"
            )
        except (PluginFailure, InfratrackError, OSError) as failure:
            self._missing[FACTS] = reason_of(failure)
            return
        self._watch, self.environment, self.unseen = watch, environment, unseen

    def finish(self, end: CommandEnd) -> Collected:
        """The facts after the end. KeyboardInterrupt passes: whoever waits may have had enough."""
        if self._watch is None:
            return self.without_facts()
        watch = self._watch
        try:
            collected = guarded(lambda: watch.finish(end), FINISH_SECONDS, f"{self.tool} collector")
            if not isinstance(collected, Collected):
                raise PluginFailure(f"the {self.tool} collector handed over no facts")  # noqa: TRY301 -- one way out
        except (PluginFailure, InfratrackError) as failure:
            self._missing[FACTS] = reason_of(failure)
            return self.without_facts()
        return collected

    def without_facts(self, reason: str | None = None) -> Collected:
        """What remains to be said when there are no facts: the command itself, and why there is no more."""
        if reason is not None:
            self._missing[FACTS] = reason
        return Collected(COMMAND, {}, tool=self.tool, missing=self._missing)

    def close(self) -> None:
        """Delete the collector's private folder."""
        if self._scratch is not None:
            shutil.rmtree(self._scratch, ignore_errors=True)

    def _collector(self, plugins: Plugins, argv: Sequence[str], tool: str | None) -> Collector | None:
        if tool is not None:
            if tool not in plugins.collectors:
                known = ", ".join(sorted(plugins.collectors)) or "none"
                self._missing[FACTS] = f"no plugin collects facts as {tool!r} (known: {known})"
            return plugins.collectors.get(tool)
        for name, collector in plugins.collectors.items():
            try:
                if guarded(lambda one=collector: one.recognises(argv), RECOGNISE_SECONDS, f"{name} collector"):  # type: ignore[misc]  # mypy cannot infer a lambda's default
                    return collector
            except (PluginFailure, InfratrackError) as failure:
                self._missing[f"{FACTS}.{name}"] = reason_of(failure)
        return None


def _begin(collector: Collector, context: CommandContext) -> tuple[Watch, dict[str, str], Collected | None]:
    watch = collector.begin(context)
    environment = {str(name): str(value) for name, value in watch.environment.items()}
    if any(not name or "=" in name or "\0" in name + value for name, value in environment.items()):
        raise InputError("the collector asks for an environment variable that no system takes", "this is its fault")
    return watch, environment, usable(getattr(watch, "unseen", None))


def usable(unseen: object) -> Collected | None:
    """What a plugin gave for the case that nobody sees the end; None for nonsense, which must not cost us the start."""
    if not isinstance(unseen, Collected) or not isinstance(unseen.predicate_type, str):
        return None
    try:
        msgspec.to_builtins(unseen, str_keys=True)
    except (TypeError, ValueError, RecursionError):
        return None
    return unseen


def reason_of(failure: Exception) -> str:
    """Why something is missing, in words."""
    if isinstance(failure, InfratrackError):
        return failure.message
    return (failure.strerror or "it could not be written") if isinstance(failure, OSError) else str(failure)

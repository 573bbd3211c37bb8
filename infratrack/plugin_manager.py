"""Finds the plugins and guards against them: one that does not import, raises or hangs is reported, never fatal.

Plugins are modules named by entry points in the group `infratrack`. They are read from the folders of `sys.path`
directly, because `importlib.metadata.entry_points` parses every distribution's metadata and costs several times as
much; they are imported one by one, because one ImportError must not take the others along.
"""

from __future__ import annotations

import configparser
import importlib
import os
import re
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from types import FrameType
from typing import Any, Final, TypeVar

import msgspec
import pluggy
from msgspec import Struct

from infratrack.errors import InfratrackError
from infratrack.hookspecs import (
    PROJECT_NAME,
    Collector,
    EvidenceType,
    Hooks,
    JobSystem,
    LinkSuggester,
    Observer,
    Proposal,
    Recorder,
    StepType,
)
from infratrack.progress.criterion import Criterion, Word
from infratrack.progress.foreseen import Foreseen
from infratrack.project.schema import PluginSchemas
from infratrack.reconciliation.interface import Reconciler, Source

IMPORT_SECONDS: Final = 20.0
HOOK_SECONDS: Final = 10.0
WORDS_SECONDS: Final = 5.0
_GROUP: Final = "infratrack"
_SECTION: Final = b"[infratrack]"
_LARGEST_ENTRY_POINTS: Final = 1 << 20
_NAME: Final = re.compile(r"[\w.-]{1,100}")

Result = TypeVar("Result")


class PluginFailure(Exception):
    """A plugin raised, hung or handed over something else than it should; `str()` says which, and holds no values."""


class EntryPoint(Struct, frozen=True):
    """One plugin as its distribution names it: `name = module` or `name = module:attribute`."""

    name: str
    value: str


def guarded(call: Callable[[], Result], seconds: float, what: str) -> Result:
    """Run plugin code with a deadline and return what it returns.

    The code runs in a daemon thread, so that one that never returns cannot hold up the program. Raises PluginFailure
    when it raises or is late; an InfratrackError (bad input, something unreachable) passes through, for people to read.
    """
    results: list[Result] = []
    failures: list[BaseException] = []

    def work() -> None:
        try:
            results.append(call())
        except BaseException as error:  # noqa: BLE001 -- the guard: also a plugin's SystemExit must not end the program
            failures.append(error)

    thread = threading.Thread(target=work, name=f"infratrack: {what}", daemon=True)
    thread.start()
    thread.join(seconds)
    if results:
        return results[0]
    if not failures:
        raise PluginFailure(f"{what} did not come back within {seconds:g} s")
    if isinstance(failures[0], InfratrackError):
        raise failures[0]
    raise PluginFailure(f"{what} raised {described(failures[0])}") from failures[0]


def described(error: BaseException) -> str:
    """The kind of an exception and where it was raised; not its message, which may quote anything."""
    frames = traceback.extract_tb(error.__traceback__)
    place = f" at {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
    missing = f" (no module {error.name})" if isinstance(error, ModuleNotFoundError) and error.name else ""
    return f"{type(error).__name__}{missing}{place}"


def find_entry_points(search_path: Sequence[str]) -> list[EntryPoint]:
    """The entry points of the group `infratrack`, in the order of the search path; unreadable folders are skipped."""
    found: dict[tuple[str, str], EntryPoint] = {}
    for folder in search_path:
        for text in _entry_point_files(folder or "."):
            parser = configparser.ConfigParser(delimiters=("=",), interpolation=None, strict=False)
            parser.optionxform = str  # type: ignore[assignment,method-assign]  # names keep their case (documented use)
            try:
                parser.read_string(text.decode())
            except (configparser.Error, UnicodeDecodeError):
                continue
            for name, value in parser.items(_GROUP):
                # One distribution may stand on the path twice (a wheel and its editable install): the first counts.
                found.setdefault((name, value), EntryPoint(name, value))
    return sorted(found.values(), key=lambda entry: (entry.name, entry.value))


def _entry_point_files(folder: str) -> Iterator[bytes]:
    """The text of each entry_points.txt below one folder of the search path that has a section of ours."""
    try:
        names = sorted(os.listdir(folder))  # noqa: PTH208 -- a Path for every file of site-packages would cost start-up
    except OSError:
        return
    for name in names:
        if name.endswith((".dist-info", ".egg-info")):
            try:
                with open(f"{folder}/{name}/entry_points.txt", "rb") as file:  # noqa: PTH123 -- likewise
                    text = file.read(_LARGEST_ENTRY_POINTS)
            except OSError:
                continue
            if _SECTION in text:
                yield text


class Plugins:
    """What all plugins offer. Each hook is asked once, when first needed; what fails is in `broken` with its reason."""

    def __init__(self, entry_points: Sequence[EntryPoint]) -> None:
        self.broken: dict[str, str] = {}
        self._manager = pluggy.PluginManager(PROJECT_NAME)
        self._manager.add_hookspecs(Hooks)
        for entry_point in entry_points:
            self._load(entry_point)

    @cached_property
    def criteria(self) -> Mapping[str, Criterion]:
        """Acceptance criteria by name."""
        return self._named("infratrack_criteria", lambda criterion: criterion.name, ("schema", "bind"))

    @cached_property
    def evidence_types(self) -> Mapping[str, GuardedEvidenceType]:
        """Kinds of evidence by predicate type; each is guarded, so that its `words` cannot hang."""
        types = self._named("infratrack_evidence_types", lambda kind: kind.predicate_type, ("words", "summary"))
        return {name: GuardedEvidenceType(kind) for name, kind in types.items()}

    @cached_property
    def collectors(self) -> Mapping[str, Collector]:
        """Collectors by the tool's name."""
        return self._named("infratrack_collectors", lambda collector: collector.name, ("recognises", "begin"))

    @cached_property
    def steps(self) -> Mapping[str, StepType]:
        """Step types by name."""
        return self._named("infratrack_steps", lambda step: step.name, ("schema", "run"))

    @cached_property
    def recorders(self) -> Mapping[str, Recorder]:
        """Recorders by what they take."""
        return self._named("infratrack_recorders", lambda recorder: recorder.name, ("detect", "read"))

    @cached_property
    def job_systems(self) -> Mapping[str, JobSystem]:
        """Systems whose jobs can be recorded, by name."""
        return self._named("infratrack_job_systems", lambda system: system.name, ("read",))

    @cached_property
    def observers(self) -> Mapping[str, Observer]:
        """Observers by name."""
        return self._named("infratrack_observers", lambda observer: observer.name, ("observe",))

    @cached_property
    def reconcilers(self) -> Mapping[str, Reconciler]:
        """CMDBs by name."""
        return self._named("infratrack_reconcilers", lambda one: one.name, ("schema", "open", "predicate_type"))

    @cached_property
    def sources(self) -> Mapping[str, Source]:
        """Sources of desired records by name."""
        return self._named("infratrack_sources", lambda source: source.name, ("schema", "read"))

    @cached_property
    def link_suggesters(self) -> Mapping[str, LinkSuggester]:
        """Who proposes links, by what they look into."""
        return self._named("infratrack_links", lambda one: one.name, ("suggest",))

    def proposals(self, folder: Path) -> list[Proposal]:
        """What the plugins propose for a folder."""
        return [proposal for _, proposal in self._ask("infratrack_proposals", folder=folder)]

    @cached_property
    def schemas(self) -> PluginSchemas:
        """What everything takes that a project file can name."""
        return PluginSchemas(
            self.schemas_of(self.criteria),
            self.schemas_of(self.steps),
            self.schemas_of(self.reconcilers),
            self.schemas_of(self.sources),
        )

    def schemas_of(
        self,
        things: Mapping[str, Criterion] | Mapping[str, StepType] | Mapping[str, Reconciler] | Mapping[str, Source],
    ) -> dict[str, Mapping[str, Any]]:
        """Name → JSON Schema of criteria, steps, reconcilers or sources.

        What cannot hand one over is left out and reported in `broken`.
        """
        found = {}
        for name, thing in things.items():
            schema = getattr_safely(thing, lambda one: one.schema)
            if isinstance(schema, Mapping):
                found[name] = schema
            else:
                self.broken[name.partition(".")[0]] = f"{name[:100]} has no JSON Schema of its parameters"
        return found

    def _load(self, entry_point: EntryPoint) -> None:
        name = entry_point.name if _NAME.fullmatch(entry_point.name) else "?"
        module_name, _, attribute = entry_point.value.partition(":")
        if self._manager.has_plugin(name):
            self.broken[name] = f"two plugins have this name; {module_name} was left out"
            return

        def load() -> None:
            plugin: Any = importlib.import_module(module_name.strip())
            for part in attribute.strip().split(".") if attribute.strip() else ():
                plugin = getattr(plugin, part)
            self._manager.register(plugin, name=name)

        try:
            guarded(load, IMPORT_SECONDS, f"importing {module_name.strip()}")
        except (PluginFailure, InfratrackError) as failure:
            self.broken[name] = str(failure)

    def _ask(self, hook: str, **arguments: object) -> Iterator[tuple[str, Any]]:
        """Ask every plugin for one hook, and yield its answers with the plugin's name."""
        for implementation in getattr(self._manager.hook, hook).get_hookimpls():
            plugin = implementation.plugin_name
            wanted = {name: arguments[name] for name in implementation.argnames}

            def call(
                function: Callable[..., Any] = implementation.function, given: dict[str, Any] = wanted
            ) -> list[Any]:
                return list(function(**given))

            try:
                answers = guarded(call, HOOK_SECONDS, hook)
            except (PluginFailure, InfratrackError) as failure:
                self.broken[plugin] = str(failure)
                continue
            for answer in answers:
                yield plugin, answer

    def _named(self, hook: str, name_of: Callable[[Any], Any], members: Sequence[str]) -> dict[str, Any]:
        """The answers to one hook by name. Of two with the same name the first counts; the other is reported."""
        found: dict[str, Any] = {}
        for plugin, answer in self._ask(hook):
            name = getattr_safely(answer, name_of)
            present = getattr_safely(answer, lambda one: all(hasattr(one, member) for member in members))
            if not isinstance(name, str) or not present:
                self.broken[plugin] = f"{hook} handed over a {type(answer).__name__} without the members it needs"
            elif name in found:
                self.broken[plugin] = f"{hook}: the name {name[:100]} is already taken by another plugin"
            else:
                found[name] = answer
        return found


def getattr_safely(answer: object, name_of: Callable[[Any], Any]) -> Any:  # noqa: ANN401 -- whatever the plugin says
    """What a plugin calls its thing, or None when it cannot say."""
    try:
        return name_of(answer)
    except Exception:  # noqa: BLE001 -- the guard
        return None


class GuardedEvidenceType:
    """An evidence type whose `words` and `summary` are given a deadline.

    They are called for every piece of evidence, so a thread each would cost too much: an interval timer does it. That
    works in the main thread only; elsewhere the calls are made bare. Whatever goes wrong is a PluginFailure.
    """

    def __init__(self, kind: EvidenceType) -> None:
        self.wrapped: Final = kind
        """The plugin's own object."""

    @property
    def predicate_type(self) -> str:
        """As the plugin says."""
        return self.wrapped.predicate_type

    @property
    def schema(self) -> Mapping[str, Any]:
        """As the plugin says."""
        return self.wrapped.schema

    def words(self, predicate: Mapping[str, Any]) -> Sequence[Word]:
        """As the plugin says; PluginFailure when it raises or does not come back."""
        return _timed(lambda: self.wrapped.words(predicate), f"reading {self.wrapped.predicate_type}")

    def summary(self, predicate: Mapping[str, Any]) -> str:
        """As the plugin says; PluginFailure when it raises or does not come back."""
        return _timed(lambda: self.wrapped.summary(predicate), f"summarising {self.wrapped.predicate_type}")

    def foreseen(self, predicate: Mapping[str, Any]) -> Foreseen | None:
        """As the plugin says, None where it foresees nothing; PluginFailure when it raises or does not come back."""
        look = getattr_safely(self.wrapped, lambda kind: kind.foreseen)
        if look is None:
            return None
        found = _timed(lambda: look(predicate), f"looking ahead by {self.wrapped.predicate_type}")
        if found is None:
            return None
        try:
            # A copy of the right types: what a plugin hands over goes into comments and into the fold.
            return msgspec.convert(msgspec.to_builtins(found), Foreseen)
        except (msgspec.MsgspecError, TypeError, ValueError) as error:
            raise PluginFailure(f"{self.wrapped.predicate_type} foresees what is no Foreseen") from error


class _TooLate(BaseException):
    """Not an Exception, so that a plugin's own `except Exception` does not swallow it."""


def _timed(call: Callable[[], Result], what: str) -> Result:
    in_main = threading.current_thread() is threading.main_thread()
    previous: Any = None
    try:
        if in_main:
            previous = signal.signal(signal.SIGALRM, _too_late)
            signal.setitimer(signal.ITIMER_REAL, WORDS_SECONDS)
        return call()
    except _TooLate as late:
        raise PluginFailure(f"{what} did not come back within {WORDS_SECONDS:g} s") from late
    except Exception as error:
        raise PluginFailure(f"{what} raised {described(error)}") from error
    finally:
        if in_main:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, previous)


def _too_late(number: int, frame: FrameType | None) -> None:
    raise _TooLate


def load_plugins(search_path: Sequence[str] | None = None) -> Plugins:
    """Find and import every plugin on the search path (`sys.path`); never raises for a plugin's sake."""
    return Plugins(find_entry_points(sys.path if search_path is None else search_path))

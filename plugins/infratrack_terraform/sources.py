"""Sources of desired records: `terraform.output.NAME` and `terraform.resource.TYPE`, from today's state.

The state is read through a pipe and stays in memory. What is not whole (never applied, tainted, not readable, changed
while it was read) is said to be so: nothing is deleted on the strength of it.
"""

from __future__ import annotations

import secrets as randomness
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from msgspec import Struct

from infratrack.api import InputError, SourceContext, SourceReading
from infratrack_terraform.client import BINARY_HINT, Terraform, Unread, find_tool
from infratrack_terraform.documents import RawState, StateDocument, Values, decode
from infratrack_terraform.state import StateFacts, read_raw_state, read_shown_state
from infratrack_terraform.state_items import output_items, resources_of
from infratrack_terraform.wanted import WantedValues, wanted_values
from infratrack_terraform.words import scope_of

READING_SECONDS: Final = 120.0
_PULLED: Final = "terraform state pull"
_SHOWN: Final = "terraform show -json of the state"
_CONFIGURATION: Final = ("*.tf", "*.tf.json", "*.tofu")


def _schema(description: str) -> Mapping[str, Any]:
    return {
        "title": "a Terraform root",
        "description": description,
        "type": "object",
        "properties": {
            "directory": {
                "title": "a folder inside the project folder",
                "description": "Folder of the root module in the project folder; default: the project folder itself.",
                "type": "string",
                "minLength": 1,
                "examples": ["infra"],
            },
            "workspace": {
                "title": "a Terraform workspace",
                "description": "Terraform workspace; default: the one that is chosen there.",
                "type": "string",
                "minLength": 1,
            },
        },
        "additionalProperties": False,
        "examples": [{"directory": "infra"}, {"directory": "infra", "workspace": "prod"}],
    }


class OutputSource:
    """`terraform.output.NAME`: the objects of a list that a root gives out."""

    name: Final = "terraform.output"
    schema: Final = _schema("Where Terraform gives out the list.")

    def read(self, context: SourceContext) -> SourceReading:
        """The list. InputError for an output that is not there, is sensitive or is no list of objects."""
        root = _Root.of(context, "terraform.output.NAME")
        what = f"terraform output {context.name}"
        try:
            pulled = root.pulled()
        except Unread as problem:
            return root.unread(what, str(problem))
        if pulled is None:
            return root.unread(what, _NEVER_APPLIED)
        state, document = pulled
        return root.reading(what, state, output_items(document.outputs, context.name), state.secrets)


class ResourceSource:
    """`terraform.resource.TYPE`: every managed instance of a type, with its attributes and `address`."""

    name: Final = "terraform.resource"
    schema: Final = _schema("Where Terraform manages the resources.")

    def read(self, context: SourceContext) -> SourceReading:
        """The instances in the state; attributes that Terraform calls sensitive are left out."""
        root = _Root.of(context, "terraform.resource.TYPE")
        what = f"terraform resources {context.name}"
        try:
            pulled = root.pulled()
            if pulled is None:
                return root.unread(what, _NEVER_APPLIED)
            shown, values = root.shown()
        except Unread as problem:
            return root.unread(what, str(problem))
        state, _ = pulled
        secrets = state.secrets | shown.secrets
        items = resources_of(values.root_module, context.name, secrets)
        if set(shown.instances) != set(state.instances):
            return root.reading(what, state, items, secrets, "the state changed while it was read; sync again")
        return root.reading(what, state, items, secrets)


_NEVER_APPLIED: Final = "nothing was applied there yet"
_NOTHING_WANTED: Final[WantedValues] = wanted_values({})


class _Root(Struct, frozen=True):
    """The root that a source is asked about."""

    terraform: Terraform | None
    directory: str
    workspace: str

    @classmethod
    def of(cls, context: SourceContext, usage: str) -> _Root:
        """InputError where the folder holds no root, or the mapping does not say what is wanted of it."""
        if not context.name or "." in context.name:
            raise InputError(f"`each` does not say what is wanted: {context.name[:80]!r}", f"write {usage}")
        directory = str(context.parameters.get("directory", "."))
        folder = _folder(context.folder, directory)
        chosen = context.parameters.get("workspace")
        environment = {**context.environment, **({"TF_WORKSPACE": str(chosen)} if chosen else {})}
        tool = find_tool(environment, folder)
        terraform = Terraform(tool, folder, environment) if tool else None
        return cls(terraform, directory, terraform.workspace() if terraform else str(chosen or "default"))

    @property
    def scope(self) -> str:
        return scope_of({"root": self.directory, "workspace": self.workspace})

    def pulled(self) -> tuple[StateFacts, RawState] | None:
        """The state as it is kept; None before anything was applied. Raises Unread."""
        content = self._tool().pull_state(READING_SECONDS)
        try:
            state = read_raw_state(content, _PULLED, _NOTHING_WANTED, _key())
            return (state, decode(content, RawState, _PULLED)) if state.lineage else None
        except InputError as error:
            raise Unread(error.message) from None

    def shown(self) -> tuple[StateFacts, Values]:
        """The state as providers describe it: only they know all that is sensitive. Raises Unread."""
        content = self._tool().show_state(READING_SECONDS)
        try:
            facts = read_shown_state(content, _SHOWN, _NOTHING_WANTED, _key())
            return facts, decode(content, StateDocument, _SHOWN).values or Values()
        except InputError as error:
            raise Unread(error.message) from None

    def unread(self, what: str, reason: str) -> SourceReading:
        return SourceReading((), f"{what} of {self.scope}", complete=False, reason=reason)

    def reading(
        self, what: str, state: StateFacts, items: tuple[Any, ...], secrets: frozenset[str], reason: str = ""
    ) -> SourceReading:
        """What was found. A tainted instance means an apply that did not finish: the state is only part of it."""
        tainted = sorted(address for address, one in state.instances.items() if one.tainted)
        if tainted and not reason:
            reason = f"{len(tainted)} tainted, {tainted[0][:120]} first: an apply did not finish"
        return SourceReading(
            items,
            f"{what} of {self.scope}, serial {state.serial}",
            complete=not reason,
            reason=reason,
            facts={
                "root": self.directory,
                "workspace": self.workspace,
                "lineage": state.lineage,
                "serial": state.serial,
                "stateDigest": state.digest,
            },
            secrets=secrets,
        )

    def _tool(self) -> Terraform:
        if self.terraform is None:
            raise Unread(f"there is no Terraform on PATH ({BINARY_HINT})")
        return self.terraform


def _folder(project: Path, directory: str) -> Path:
    """The folder of a root. InputError unless it lies in the project and holds configuration."""
    hint = "name a Terraform root: from: {directory: infra}"
    try:
        folder = (project / directory).resolve()
        inside = folder.is_relative_to(project.resolve())
        has_files = inside and any(next(folder.glob(pattern), None) for pattern in _CONFIGURATION)
    except (OSError, RuntimeError, ValueError):
        raise InputError(f"the folder {directory[:80]!r} cannot be looked up", hint) from None
    if not inside:
        raise InputError(f"the folder {directory[:80]!r} lies outside the project", hint)
    if not has_files:
        there = sorted({path.parent.name for path in project.glob("*/*.tf")})[:3]
        if there:
            hint = f"name a Terraform root: from: {{directory: {there[0]}}}"
        raise InputError(f"there is no Terraform configuration in {directory[:80]!r}", hint)
    return folder


def _key() -> bytes:
    """For fingerprints that nobody keeps."""
    return randomness.token_bytes(32)

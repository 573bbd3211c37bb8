"""Terraform's JSON documents as typed values: decoding is lean, strict in types and forgiving in what is missing.

Sources: Terraform's "JSON Output Format" (plan and state representation, format versions 0.1 to 1.2) and its state
file, version 4. Unknown members are ignored, as that format asks of readers.
"""

from __future__ import annotations

import codecs
from typing import Any, Final, TypeVar

import msgspec
from msgspec import UNSET, Struct, UnsetType

from infratrack.api import InputError

LARGEST_DOCUMENT: Final = 1 << 29
_WIDE_MARKS: Final = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)

T = TypeVar("T")


class Change(Struct):
    """`change` of a resource or an output."""

    actions: tuple[str, ...] = ()
    before: Any = None
    after: Any = UNSET
    after_unknown: Any = None
    before_sensitive: Any | UnsetType = UNSET
    after_sensitive: Any | UnsetType = UNSET
    importing: Any = None


class ResourceChange(Struct):
    """An entry of `resource_changes` and `resource_drift`; some versions leave the address out of the latter."""

    change: Change
    address: str = ""
    mode: str = "managed"
    type: str = ""
    name: str = ""
    index: str | float | None = None
    provider_name: str = ""
    module_address: str | None = None
    previous_address: str | None = None
    deposed: str | None = None
    action_reason: str | None = None


class DeferredChange(Struct):
    """An entry of `deferred_changes`."""

    resource_change: ResourceChange | None = None
    reason: str | None = None


class CheckAddress(Struct):
    """What a check belongs to."""

    to_display: str = ""
    kind: str = ""


class Check(Struct):
    """An entry of `checks`; what its messages say is not read."""

    address: CheckAddress
    status: str = "unknown"


class OutputValue(Struct):
    """An output in `values.outputs`."""

    value: Any = UNSET
    sensitive: bool = False


class ResourceValue(Struct):
    """A resource in `values`."""

    address: str = ""
    mode: str = "managed"
    type: str = ""
    name: str = ""
    index: str | float | None = None
    provider_name: str = ""
    values: Any = None
    sensitive_values: Any | UnsetType = UNSET
    tainted: bool = False
    deposed_key: str | None = None


class ModuleValues(Struct):
    """A module in `values`."""

    address: str = ""
    resources: list[ResourceValue] = []
    child_modules: list[ModuleValues] = []


class Values(Struct):
    """`values`, `planned_values`."""

    outputs: dict[str, OutputValue] = {}
    root_module: ModuleValues = msgspec.field(default_factory=ModuleValues)


class PriorState(Struct):
    """`prior_state`."""

    values: Values | None = None


class VariableValue(Struct):
    """`variables.*`."""

    value: Any = None


class VariableConfiguration(Struct):
    """`configuration…variables.*`."""

    sensitive: bool = False
    default: Any = None


class OutputConfiguration(Struct):
    """`configuration.root_module.outputs.*`."""

    sensitive: bool = False


class ModuleConfiguration(Struct):
    """A module in `configuration`."""

    variables: dict[str, VariableConfiguration] = {}
    outputs: dict[str, OutputConfiguration] = {}
    module_calls: dict[str, ModuleCall] = {}


class ModuleCall(Struct):
    """A call of a module in `configuration`."""

    module: ModuleConfiguration | None = None


class Configuration(Struct):
    """`configuration`."""

    root_module: ModuleConfiguration = msgspec.field(default_factory=ModuleConfiguration)


class PlanDocument(Struct):
    """`terraform show -json PLAN`."""

    format_version: str
    terraform_version: str = ""
    resource_changes: list[ResourceChange] | None = None
    resource_drift: list[ResourceChange] | None = None
    deferred_changes: list[DeferredChange] | None = None
    output_changes: dict[str, Change] | None = None
    checks: list[Check] | None = None
    variables: dict[str, VariableValue] | None = None
    planned_values: Values | None = None
    prior_state: PriorState | None = None
    configuration: Configuration | None = None
    errored: bool | None = None
    complete: bool | None = None
    applyable: bool | None = None


class StateDocument(Struct):
    """`terraform show -json`, of a state."""

    format_version: str
    terraform_version: str = ""
    values: Values | None = None
    checks: list[Check] | None = None


class RawOutput(Struct):
    """An output of a state file."""

    value: Any = None
    sensitive: bool = False


class RawInstance(Struct):
    """An instance of a resource in a state file."""

    index_key: str | float | None = None
    status: str | None = None
    deposed: str | None = None
    attributes: msgspec.Raw = msgspec.Raw(b"null")
    sensitive_attributes: Any = None


class RawResource(Struct):
    """A resource of a state file."""

    mode: str
    type: str
    name: str
    module: str = ""
    provider: str = ""
    instances: list[RawInstance] = []


class RawCheck(Struct):
    """Check results of a state file."""

    object_kind: str = ""
    config_addr: str = ""
    status: str = "unknown"


class RawState(Struct):
    """`terraform state pull`: a state file, version 4."""

    version: int
    terraform_version: str = ""
    serial: int = 0
    lineage: str = ""
    outputs: dict[str, RawOutput] = {}
    resources: list[RawResource] = []
    check_results: list[RawCheck] | None = None


def decode(content: bytes, kind: type[T], name: str) -> T:
    """Decode JSON, or say in a sentence what is wrong where (InputError); `name` names the document to people."""
    if len(content) > LARGEST_DOCUMENT:
        raise InputError(f"{name}: {len(content)} bytes are too large for a Terraform document", "is this the file?")
    try:
        content = plain_utf8(content)
        content.decode()  # the whole of it now: msgspec would look into parts kept raw only when they are read
        return msgspec.json.decode(content, type=kind)
    except msgspec.ValidationError as error:
        raise InputError(f"{name}: {error}", "expected the output of terraform show -json") from None
    except (msgspec.DecodeError, UnicodeError) as error:
        reason = str(error) if isinstance(error, msgspec.DecodeError) else "it is not UTF-8 text"
        raise InputError(f"{name}: {reason}", "expected the output of terraform show -json") from None
    except RecursionError:
        raise InputError(f"{name}: it is nested too deeply", "expected the output of terraform show -json") from None


def plain_utf8(content: bytes) -> bytes:
    """The same text as UTF-8 without a byte-order mark: PowerShell's `>` writes UTF-16."""
    if content.startswith(_WIDE_MARKS):
        return content.decode("utf-16").encode()
    return content.removeprefix(codecs.BOM_UTF8)

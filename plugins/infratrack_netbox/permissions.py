"""What the token is proven to see.

NetBox leaves out what a token may not see, without a word: an empty list proves nothing unless it is known that nothing
was left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct

from infratrack.api import InfratrackError, InputError
from infratrack_netbox.exchange import plain

if TYPE_CHECKING:
    from infratrack_netbox.client import NetBoxClient

_SUPERUSER: Final = "is_superuser"


class Visibility(Struct, frozen=True):
    """Of which types everything is seen."""

    everything: bool = False
    """A superuser's token."""
    types: frozenset[str] = frozenset()
    constrained: Mapping[str, str] = {}
    """Type → name of the permission that shows only some of its records."""
    reason: str = ""
    """Why nothing is known about other types."""

    def of(self, type_name: str) -> tuple[bool, str]:
        """Whether every record of the type is seen; if that is not proven, why."""
        if self.everything or type_name in self.types:
            return True, ""
        if type_name in self.constrained:
            return (
                False,
                f"the permission {self.constrained[type_name]!r} shows this token only some {type_name} records",
            )
        return False, self.reason or f"no permission is known that shows this token all {type_name} records"


def read_visibility(client: NetBoxClient) -> Visibility:
    """Ask who the token belongs to and what they may see: one to three requests."""
    try:
        user = client.read("/api/authentication-check/")
    except InfratrackError as error:
        return Visibility(reason=f"the server does not say whose token it is ({plain(error.message)})")
    number = user.get("id") if isinstance(user, dict) else None
    if not isinstance(user, dict) or not isinstance(number, int) or isinstance(number, bool):
        return Visibility(reason="the server does not say whose token it is")
    if _is_superuser(client, number):
        return Visibility(everything=True)
    try:
        wanted = ("name", "enabled", "object_types", "actions", "constraints", "groups", "users")
        rows = list(client.list("/api/users/permissions/", fields=wanted))
    except InfratrackError:
        return Visibility(
            reason="this token may not read its own permissions, so whether it sees everything is not known"
        )
    return judge_permissions(rows, number, _ids(user.get("groups")))


def judge_permissions(rows: list[dict[str, Any]], user: int, groups: frozenset[int]) -> Visibility:
    """What the permissions of a user and their groups show without constraint. Pure."""
    types: set[str] = set()
    constrained: dict[str, str] = {}
    for row in rows:
        held = user in _ids(row.get("users")) or groups & _ids(row.get("groups"))
        if not held or row.get("enabled") is not True or "view" not in _texts(row.get("actions")):
            continue
        if row.get("constraints") in (None, {}, []) and "constraints" in row:
            types |= _texts(row.get("object_types"))
        else:
            constrained |= dict.fromkeys(_texts(row.get("object_types")), plain(str(row.get("name"))))
    return Visibility(types=frozenset(types), constrained=constrained)


def _is_superuser(client: NetBoxClient, number: int) -> bool:
    """Proven by a filter that this server is known to have: it would ignore another one and answer all the same."""
    try:
        if _SUPERUSER not in client.schema().endpoint("users.user").filters:
            return False
        return client.count("/api/users/users/", (("id", str(number)), (_SUPERUSER, "true"))) == 1
    except InputError:
        return False
    except InfratrackError:  # an ordinary user's token that may not look at users
        return False


def _ids(value: object) -> frozenset[int]:
    """Ids of nested records, or the ids themselves."""
    items = value if isinstance(value, list) else []
    found = (item.get("id") if isinstance(item, dict) else item for item in items)
    return frozenset(item for item in found if isinstance(item, int) and not isinstance(item, bool))


def _texts(value: object) -> set[str]:
    return {item for item in value if isinstance(item, str)} if isinstance(value, list) else set()

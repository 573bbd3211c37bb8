from __future__ import annotations

from typing import Any

import pytest

from infratrack_netbox.permissions import Visibility, judge_permissions


def _permission(**changed: Any) -> dict[str, Any]:
    row = {
        "name": "view",
        "enabled": True,
        "object_types": ["dcim.device"],
        "actions": ["view"],
        "constraints": None,
        "groups": [],
        "users": [{"id": 7}],
    }
    return {**row, **changed}


def test_an_unconstrained_permission_of_the_user_or_a_group_proves_it() -> None:
    assert judge_permissions([_permission()], 7, frozenset()).of("dcim.device") == (True, "")
    by_group = _permission(users=[], groups=[{"id": 2}])
    assert judge_permissions([by_group], 7, frozenset({2})).of("dcim.device") == (True, "")
    assert judge_permissions([_permission(users=[7], constraints=[])], 7, frozenset()).of("dcim.device") == (True, "")


@pytest.mark.parametrize(
    "changed",
    [
        {"users": [{"id": 8}]},
        {"enabled": False},
        {"enabled": None},
        {"actions": ["add"]},
        {"actions": "view"},
        {"object_types": ["dcim.site"]},
        {"object_types": None},
        {"constraints": {"site": 1}},
        {"constraints": [{}, {"a": 1}]},
        {"users": None},
        {"users": [{"id": True}]},
    ],
)
def test_anything_else_proves_nothing(changed: dict[str, Any]) -> None:
    seen, reason = judge_permissions([_permission(**changed)], 7, frozenset({3})).of("dcim.device")
    assert not seen
    assert "dcim.device" in reason


def test_constraints_that_are_not_shown_are_not_taken_for_none() -> None:
    row = _permission()
    del row["constraints"]
    seen, reason = judge_permissions([row], 7, frozenset()).of("dcim.device")
    assert not seen
    assert "the permission 'view' shows this token only some dcim.device records" in reason


def test_an_unconstrained_permission_beside_a_constrained_one_is_enough() -> None:
    rows = [_permission(constraints={"a": 1}), _permission()]
    assert judge_permissions(rows, 7, frozenset()).of("dcim.device") == (True, "")


def test_a_superuser_sees_everything_and_a_reason_is_repeated() -> None:
    assert Visibility(everything=True).of("dcim.device") == (True, "")
    assert Visibility(reason="because").of("dcim.device") == (False, "because")

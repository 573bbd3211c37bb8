from __future__ import annotations

from typing import Any

import pytest

from infratrack.api import InputError
from infratrack_netbox.filters import checked_filters
from tests.plugins.netbox.small_server import small_schema

DEVICE = small_schema().endpoint("dcim.device")


def _checked(within: dict[str, Any]) -> tuple[tuple[str, str], ...]:
    return checked_filters(DEVICE, within, {"owner"}, "leafs")


def test_filters_are_sent_in_one_order_a_value_at_a_time() -> None:
    assert _checked({"status": ["active", "planned"], "site": " ams1 ", "cf_owner": True, "site_id": 5}) == (
        ("cf_owner", "true"),
        ("site", "ams1"),
        ("site_id", "5"),
        ("status", "active"),
        ("status", "planned"),
    )
    assert _checked({"cf_owner__ic": False}) == (("cf_owner__ic", "false"),)
    assert _checked({}) == ()


def test_a_filter_that_the_server_would_ignore_is_refused_with_the_nearest() -> None:
    with pytest.raises(InputError, match=r"leafs: NetBox has no filter 'stauts' for dcim\.device") as error:
        _checked({"stauts": "active"})
    assert "status" in error.value.hint
    assert error.value.exit_code == 2
    with pytest.raises(InputError, match="'cf_ower'") as custom:
        _checked({"cf_ower": 1})
    assert "cf_owner" in custom.value.hint


@pytest.mark.parametrize("name", ["limit", "offset", "start", "fields", "ordering"])
def test_what_only_chooses_the_page_is_no_filter(name: str) -> None:
    with pytest.raises(InputError, match="no filter"):
        _checked({name: "1"})


@pytest.mark.parametrize("value", ["", "  ", None, [], [""], {"a": 1}, "a\nb", "x" * 501])
def test_values_that_the_server_would_ignore_are_refused(value: object) -> None:
    with pytest.raises(InputError, match="leafs: the filter 'site' has") as error:
        _checked({"site": value})
    assert error.value.hint

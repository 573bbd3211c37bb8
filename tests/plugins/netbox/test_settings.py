from __future__ import annotations

from pathlib import Path
from typing import Any

import jsonschema
import pytest

from infratrack.api import InputError
from infratrack_netbox.reconciler import NetBoxReconciler
from infratrack_netbox.server_address import checked_url, release_of
from infratrack_netbox.settings import Mark, read_settings

ENVIRONMENT = {"NETBOX_TOKEN": "nbt_key.secret", "NETBOX_URL": "https://netbox.example "}


def _settings(configuration: dict[str, Any], environment: dict[str, str] | None = None) -> Any:
    jsonschema.validate(configuration, NetBoxReconciler.schema)
    return read_settings(configuration, ENVIRONMENT if environment is None else environment, Path("/project"))


def test_the_address_is_filled_in_from_the_environment() -> None:
    settings = _settings({"url": "${NETBOX_URL}"})
    assert settings.url == "https://netbox.example"
    assert (settings.timeout, settings.mark, settings.ca_file) == (30.0, Mark(tag="infratrack"), None)


def test_every_setting_is_read() -> None:
    settings = _settings({"url": "http://n", "own": {"custom_field": {"by": "me"}}, "timeout": 5, "ca_file": "ca.pem"})
    assert (settings.timeout, settings.mark, settings.ca_file) == (5.0, Mark(field="by", value="me"), "/project/ca.pem")


def test_what_is_not_set_is_told_with_its_name() -> None:
    with pytest.raises(InputError, match="NETBOX_URL, which is not set"):
        _settings({"url": "${NETBOX_URL}"}, {"NETBOX_TOKEN": "x"})
    with pytest.raises(InputError, match="NETBOX_TOKEN is not set"):
        _settings({"url": "http://n"}, {})


@pytest.mark.parametrize(
    "configuration",
    [
        {},
        {"url": ""},
        {"url": "http://n", "token": "x"},
        {"url": "http://n", "own": {"tag": "two words"}},
        {"url": "http://n", "own": {"tag": "a", "custom_field": {"b": "c"}}},
        {"url": "http://n", "own": {"custom_field": {"a": 1, "b": 2}}},
        {"url": "http://n", "timeout": 0},
    ],
)
def test_other_settings_do_not_fit_the_schema(configuration: dict[str, Any]) -> None:
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(configuration, NetBoxReconciler.schema)


def test_a_tag_or_a_value_marks_a_record() -> None:
    tag = Mark(tag="mine")
    assert tag.is_on({"tags": [{"slug": "other"}, {"slug": "mine"}]})
    assert not tag.is_on({"tags": [{"slug": "Mine"}, "mine"]})
    assert not tag.is_on({"tags": "mine"})
    field = Mark(field="by", value=1)
    assert field.is_on({"custom_fields": {"by": 1}})
    assert field.is_on({"custom_fields": {"by": {"value": 1, "label": "one"}}})
    assert not field.is_on({"custom_fields": {"by": True}})
    assert not field.is_on({"custom_fields": {"by": None}})
    assert not field.is_on({"custom_fields": None})


def test_an_address_has_one_spelling() -> None:
    for url in ("https://NetBox.example/", "https://netbox.example", "https://netbox.example/api/"):
        assert checked_url(url) == "https://netbox.example"
    assert checked_url("http://n:8000/netbox/") == "http://n:8000/netbox"


@pytest.mark.parametrize(
    "url",
    [
        "netbox.example",
        "ftp://n",
        "http://",
        "http://n/?a=1",
        "http://n/#x",
        "http://a:b@n",
        "http://a@n",
        "http://n:x",
        "http://n:0",
        "http://n/a b",
        "http://n/\x1b",
        "http://[n",
    ],
)
def test_what_is_no_address_is_told_without_repeating_it(url: str) -> None:
    with pytest.raises(InputError, match="`url` of NetBox") as error:
        checked_url(url)
    assert url not in error.value.message
    assert error.value.hint


def test_releases_are_compared_by_their_first_two_numbers() -> None:
    assert release_of("4.7.3-Docker-3.1") == (4, 7)
    assert release_of("v4") == ()
    assert release_of("") == ()

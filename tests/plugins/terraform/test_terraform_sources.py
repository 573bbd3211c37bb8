"""Desired records from real Terraform: outputs, resources, and states that are not whole."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pytest

from infratrack.api import InputError, SourceContext, SourceReading, read_sets
from infratrack_terraform.sources import OutputSource, ResourceSource

if TYPE_CHECKING:
    from tests.plugins.terraform.conftest import Stage

PLANTED = "hunter2-hunter2"
ROOT = """
variable "password" {
  default   = "hunter2-hunter2"
  sensitive = true
}
resource "terraform_data" "device" {
  for_each = toset(["sw1", "sw2"])
  input    = { name = each.key, site = "ams1", login = { user = "admin", password = var.password } }
}
module "inner" { source = "./inner" }
output "devices" { value = [for d in terraform_data.device : { name = d.input.name, site = "ams1" }] }
output "logins" {
  value     = [{ name = "sw1", password = var.password }]
  sensitive = true
}
"""
INNER = 'resource "terraform_data" "rack" { input = "r1" }'


def read(stage: Stage, each: str, parameters: Mapping[str, Any] | None = None) -> SourceReading:
    given = {"directory": "infra"} if parameters is None else parameters
    sources = {source.name: source for source in (OutputSource(), ResourceSource())}
    kind, name = each.rsplit(".", 1)
    found = sources[kind].read(SourceContext(name, given, stage.folder, stage.environment))
    assert PLANTED not in repr((found.items, found.origin, found.reason, found.facts))
    return found


@pytest.fixture
def applied(stage: Stage) -> Stage:
    (stage.infra / "inner").mkdir()
    (stage.infra / "inner" / "main.tf").write_text(INNER)
    stage.write(ROOT)
    assert stage.terraform("init").returncode == 0
    assert stage.terraform("apply", "-auto-approve").returncode == 0
    return stage


@pytest.mark.slow
def test_outputs_and_resources_of_an_applied_root(applied: Stage) -> None:
    devices = read(applied, "terraform.output.devices")
    assert devices.items == ({"name": "sw1", "site": "ams1"}, {"name": "sw2", "site": "ams1"})
    assert (devices.complete, devices.reason) == (True, "")
    assert devices.origin == f"terraform output devices of infra, serial {devices.facts['serial']}"
    assert {"root", "workspace", "lineage", "serial", "stateDigest"} == set(devices.facts)
    assert devices.facts["lineage"]
    assert devices.facts["stateDigest"].startswith("sha256:")
    assert PLANTED in devices.secrets

    resources = read(applied, "terraform.resource.terraform_data")
    assert (resources.complete, PLANTED in resources.secrets) == (True, True)
    assert resources.facts == devices.facts
    assert [one["address"] for one in resources.items] == [
        "module.inner.terraform_data.rack",
        'terraform_data.device["sw1"]',
        'terraform_data.device["sw2"]',
    ]
    # Its copy in `output` is not marked as sensitive; it is left out all the same.
    expected = {"name": "sw1", "site": "ams1", "login": {"user": "admin"}}
    assert (resources.items[1]["input"], resources.items[1]["output"]) == (expected, expected)
    none = read(applied, "terraform.resource.local_file")
    assert (none.items, none.complete) == ((), True)

    for name, said in (
        ("logins", "is sensitive"),
        ("device", "has no output 'device'"),
    ):
        with pytest.raises(InputError, match=said) as refused:
            read(applied, f"terraform.output.{name}")
        assert PLANTED not in refused.value.message + refused.value.hint


@pytest.mark.slow
def test_records_are_made_of_an_output(applied: Stage) -> None:
    record = {
        "type": "dcim.device",
        "each": "terraform.output.devices",
        "from": {"directory": "infra"},
        "key": {"name": "{name}"},
        "fields": {"site": {"slug": "{site}"}},
    }
    sources = {"terraform.output": OutputSource()}
    (found,) = read_sets({"records": [record]}, sources, applied.folder, applied.environment)
    assert [(one.key, one.fields) for one in found.records.desired] == [
        ({"name": name}, {"site": {"slug": "ams1"}}) for name in ("sw1", "sw2")
    ]
    assert found.records.source.startswith("terraform output devices of infra, serial ")


@pytest.mark.slow
def test_a_half_failed_apply_is_not_whole(applied: Stage) -> None:
    applied.write(ROOT + 'resource "terraform_data" "bad" {\n provisioner "local-exec" { command = "exit 3" }\n}\n')
    assert applied.terraform("apply", "-auto-approve").returncode == 1
    for each in ("terraform.output.devices", "terraform.resource.terraform_data"):
        found = read(applied, each)
        assert found.items
        assert not found.complete
        assert found.reason == "1 tainted, terraform_data.bad first: an apply did not finish"


@pytest.mark.slow
def test_a_workspace_of_its_own_and_one_where_nothing_was_applied(applied: Stage) -> None:
    assert applied.terraform("workspace", "new", "prod").returncode == 0
    assert read(applied, "terraform.output.devices").facts == {}
    default = read(applied, "terraform.output.devices", {"directory": "infra", "workspace": "default"})
    assert (len(default.items), default.complete) == (2, True)
    for each in ("terraform.output.devices", "terraform.resource.terraform_data"):
        prod = read(applied, each, {"directory": "infra", "workspace": "prod"})
        assert (prod.items, prod.complete) == ((), False)
        assert prod.reason == "nothing was applied there yet"


@pytest.mark.slow
def test_a_state_that_cannot_be_read_is_not_empty(applied: Stage) -> None:
    (applied.infra / "terraform.tfstate").write_text("{ broken")
    for each in ("terraform.output.devices", "terraform.resource.terraform_data"):
        found = read(applied, each)
        assert (found.items, found.complete) == ((), False)
        assert "terraform state pull ended with exit code 1" in found.reason


def fake(stage: Stage, script: str) -> Stage:
    """A stand-in for Terraform, for answers that the real one does not give."""
    tool = stage.folder / "fake" / "terraform"
    tool.parent.mkdir()
    tool.write_text(f"#!/bin/sh\n{script}\n")
    tool.chmod(0o700)
    return type(stage)(stage.folder, {**stage.environment, "PATH": f"{tool.parent}:/usr/bin:/bin"})


STATE = '{"version": 4, "serial": 3, "lineage": "l", "outputs": {}, "resources": []}'
SHOWN = (
    '{"format_version": "1.0", "values": {"root_module": {"resources": [{"address": "a.b", "type": "a", "name": "b", '
    '"values": {"x": 1}, "sensitive_values": {}}]}}}'
)


def test_a_state_that_changes_while_it_is_read_is_not_whole(stage: Stage) -> None:
    stage.write(ROOT)
    moved = fake(stage, f"case $1 in state) echo '{STATE}';; show) echo '{SHOWN}';; esac")
    found = read(moved, "terraform.resource.a")
    assert found.items == ({"x": 1, "address": "a.b"},)
    assert (found.complete, found.reason) == (False, "the state changed while it was read; sync again")


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("echo '{}'", "terraform state pull: "),
        ("echo hunter2-hunter2", "terraform state pull: "),
        (f"case $1 in state) echo '{STATE}';; show) echo '{{}}';; esac", "terraform show -json of the state: "),
        (f"case $1 in state) echo '{STATE}';; show) exit 1;; esac", "terraform show -json of the state ended with"),
    ],
)
def test_answers_that_are_no_state_are_not_whole(stage: Stage, script: str, said: str) -> None:
    stage.write(ROOT)
    found = read(fake(stage, script), "terraform.resource.a")
    assert (found.items, found.complete) == ((), False)
    assert found.reason.startswith(said)


def test_without_terraform_nothing_is_known(stage: Stage) -> None:
    stage.write(ROOT)
    bare = type(stage)(stage.folder, {**stage.environment, "PATH": "/nowhere"})
    found = read(bare, "terraform.output.devices")
    assert (found.items, found.complete) == ((), False)
    assert "no Terraform on PATH" in found.reason
    assert read(bare, "terraform.output.x", {"directory": "infra", "workspace": "w"}).origin.endswith(" of infra#w")


def test_a_mapping_names_a_root_in_the_project_and_what_is_wanted_of_it(stage: Stage) -> None:
    stage.write(ROOT)
    (stage.folder / "empty").mkdir()
    for parameters, said, hint in (
        ({}, "there is no Terraform configuration in '.'", "from: {directory: infra}"),
        ({"directory": "empty"}, "there is no Terraform configuration in 'empty'", "from: {directory: infra}"),
        ({"directory": "none"}, "there is no Terraform configuration in 'none'", "from: {directory: infra}"),
        ({"directory": ".."}, "the folder '..' lies outside the project", "from: {directory: infra}"),
        ({"directory": "a\0"}, "the folder 'a\\x00' cannot be looked up", "from: {directory: infra}"),
    ):
        with pytest.raises(InputError) as refused:
            read(stage, "terraform.output.devices", parameters)
        assert refused.value.message == said
        assert hint in refused.value.hint
    for source, name in ((OutputSource(), ""), (ResourceSource(), "a.b")):
        with pytest.raises(InputError, match="`each` does not say what is wanted") as refused:
            source.read(SourceContext(name, {"directory": "infra"}, stage.folder, stage.environment))
        assert refused.value.hint.startswith(f"write {source.name}.")

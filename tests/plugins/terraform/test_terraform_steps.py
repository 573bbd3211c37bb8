"""The pipeline steps with real Terraform: what is applied is what was planned."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from jsonschema import Draft202012Validator

from infratrack.api import InputError
from infratrack_terraform.steps import ApplyStep, PlanStep

if TYPE_CHECKING:
    from tests.plugins.terraform.conftest import Stage

pytestmark = pytest.mark.slow

VLANS = """
variable "pw" {
  sensitive = true
  default   = "Planted-step-secret"
}
resource "terraform_data" "vlan" {
  count = 2
  input = { id = count.index, pw = var.pw }
}
"""
FAILING = """
variable "pw" { default = "Planted-step-secret" }
resource "terraform_data" "bad" {
  provisioner "local-exec" { command = "echo Planted-step-secret; exit 3" }
}
"""
SLOW = """
resource "terraform_data" "slow" {
  provisioner "local-exec" { command = "echo > ../started; sleep 20" }
}
"""
INFRA = {"directory": "infra"}


@pytest.mark.parametrize("step", [PlanStep(), ApplyStep()])
def test_the_schema_is_valid(step: Any) -> None:
    Draft202012Validator.check_schema(step.schema)
    for example in step.schema["examples"]:
        Draft202012Validator(step.schema).validate(example)


def test_a_plan_is_pinned_and_applied_with_live_progress(stage: Stage) -> None:
    stage.write(VLANS)
    said: list[str] = []
    context = stage.step_context(INFRA, report=said.append)
    planned = PlanStep().run(context)
    assert (planned.outcome, planned.exit_code) == ("succeeded", 2)
    assert planned.collected.result["counts"] == {"create": 2}
    assert "plan: 2 to add, 0 to change, 0 to destroy" in said
    applied = ApplyStep().run(context)
    assert applied.outcome == "succeeded"
    assert applied.collected.result["counts"] == {"applied": 2}
    assert applied.collected.result["planDigest"] == planned.collected.result["planDigest"]
    assert "terraform_data.vlan[1]: created, 0 s" in said
    assert not applied.collected.missing
    assert "Planted-step-secret" in applied.collected.secrets
    assert "Planted-step-secret" not in repr((said, applied.collected.result, applied.argv))
    assert applied.argv[1] == "apply"
    assert "-json" in applied.argv
    again = PlanStep().run(context)
    assert (again.outcome, again.exit_code) == ("succeeded", 0)


def test_a_plan_that_was_replaced_is_not_applied(stage: Stage) -> None:
    stage.write(VLANS)
    context = stage.step_context(INFRA)
    PlanStep().run(context)
    (pinned,) = context.handoff.values()
    Path(pinned["path"]).write_bytes(b"another plan")
    end = ApplyStep().run(context)
    assert (end.outcome, end.exit_code) == ("failed", 1)
    assert end.message == "the plan file is no longer the one that was planned: nothing was applied"
    assert stage.terraform("state", "list").stdout == ""
    Path(pinned["path"]).unlink()
    assert ApplyStep().run(context).outcome == "failed"


def test_an_apply_without_a_plan_plans_first(stage: Stage) -> None:
    stage.write(VLANS)
    end = ApplyStep().run(stage.step_context({**INFRA, "targets": ["terraform_data.vlan[0]"]}))
    assert end.outcome == "succeeded"
    assert end.collected.result["targeted"] is True
    assert [one["address"] for one in end.collected.result["resources"]] == ["terraform_data.vlan[0]"]
    destroyed = ApplyStep().run(stage.step_context({**INFRA, "destroy": True}))
    assert destroyed.collected.result["mode"] == "destroy"
    assert stage.terraform("state", "list").stdout == ""


def test_a_failing_apply_says_why_without_what_is_secret(stage: Stage) -> None:
    stage.write(FAILING)
    said: list[str] = []
    end = ApplyStep().run(stage.step_context(INFRA, report=said.append))
    assert end.outcome == "failed"
    assert end.message.startswith("terraform apply in infra failed: error: terraform_data.bad: local-exec provisioner")
    assert end.collected.result["resources"][0]["result"] == "failed"
    assert "Planted-step-secret" not in repr((said, end.message))


def test_a_failing_plan_stops_an_apply(stage: Stage) -> None:
    stage.write('resource "terraform_data" "x" { input = var.missing }')
    end = ApplyStep().run(stage.step_context(INFRA))
    assert end.outcome == "failed"
    assert end.collected.missing == {"plan": "the command wrote no plan file"}
    assert "Reference to undeclared input variable" in end.message


def test_a_folder_is_initialised_when_it_has_to_be(stage: Stage) -> None:
    (stage.infra / "inner").mkdir()
    (stage.infra / "inner" / "main.tf").write_text('resource "terraform_data" "x" {}\n')
    stage.write('module "inner" { source = "./inner" }\n')
    said: list[str] = []
    assert PlanStep().run(stage.step_context(INFRA, report=said.append)).outcome == "succeeded"
    assert said[0] == "terraform init"
    stage.write('module "second" { source = "./inner" }\n', "second.tf")
    assert PlanStep().run(stage.step_context(INFRA)).outcome == "succeeded"


def test_an_initialisation_that_fails_is_told(stage: Stage) -> None:
    stage.write('module "gone" { source = "./gone" }\n')
    end = PlanStep().run(stage.step_context(INFRA))
    assert end.outcome == "failed"
    assert end.message == "terraform init in infra ended with exit code 1: run it there to see why"


def test_workspaces_and_variable_files(stage: Stage) -> None:
    stage.write(VLANS)
    (stage.infra / "own.tfvars").write_text('pw = "Planted-file-secret"\n')
    stage.terraform("workspace", "new", "prod")
    stage.terraform("workspace", "select", "default")
    context = stage.step_context({**INFRA, "workspace": "prod", "var_files": ["own.tfvars"]})
    end = ApplyStep().run(context)
    assert end.collected.result["workspace"] == "prod"
    assert "Planted-file-secret" in end.collected.secrets


def test_a_canceled_apply_is_canceled(stage: Stage) -> None:
    stage.write(SLOW)
    context = stage.step_context(INFRA, canceled=(stage.folder / "started").exists)
    end = ApplyStep().run(context)
    assert end.outcome == "canceled"
    assert end.message.startswith("terraform apply in infra was canceled: error: ")
    assert end.collected.result["resources"][0]["result"] == "failed"


def test_what_is_wrong_with_the_surroundings_gets_a_sentence(stage: Stage) -> None:
    with pytest.raises(InputError, match="no folder nowhere"):
        PlanStep().run(stage.step_context({"directory": "nowhere"}))
    empty = stage.folder / "empty"
    empty.mkdir()
    with pytest.raises(InputError, match="neither terraform nor tofu") as caught:
        PlanStep().run(stage.step_context(INFRA, environment={"PATH": os.fspath(empty)}))
    assert "terraform-binary" in caught.value.hint

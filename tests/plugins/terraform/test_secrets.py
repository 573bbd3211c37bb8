"""Planted secrets, in every place where Terraform shows them in clear, are in no fact once the scrubber has passed."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest

from infratrack.api import Collected, RecordSource
from infratrack.evidence.redaction.scrubber import Scrubber
from infratrack_terraform.recorders import TerraformRecorder

if TYPE_CHECKING:
    from tests.plugins.terraform.conftest import Stage

pytestmark = pytest.mark.slow

CONFIGURATION = """
variable "default_secret" {
  sensitive = true
  default   = "Planted-default-1"
}
variable "given" { sensitive = true }
variable "from_environment" { sensitive = true }
variable "from_file" { sensitive = true }
variable "plain_but_given" {}
variable "list" {
  sensitive = true
  default   = ["Planted-listed-5", { deep = "Planted-deeper-6" }]
}
resource "terraform_data" "holder" {
  input = {
    plain    = "harmless"
    all      = [var.default_secret, var.given, var.from_environment, var.from_file, var.plain_but_given]
    combined = "prefix ${var.given} suffix"
    list     = var.list
  }
  triggers_replace = [var.default_secret]
}
resource "terraform_data" "copy" {
  for_each = toset(["Planted-index"])
  input    = nonsensitive(var.from_file)
}
output "secret" {
  value     = var.given
  sensitive = true
}
output "copied" { value = nonsensitive("copied ${var.from_environment}") }
output "object" {
  value     = { inner = var.list, word = "Planted-output-7" }
  sensitive = true
}
check "leaky" {
  assert {
    condition     = terraform_data.holder.input.plain == "other"
    error_message = "the password is ${nonsensitive(var.default_secret)}"
  }
}
"""
GIVEN = {
    "default": "Planted-default-1",
    "given": "Planted-given-2",
    "environment": "Planted-environ-3",
    "file": "Planted-file-4",
    "listed": "Planted-listed-5",
    "deep": "Planted-deeper-6",
    "output": "Planted-output-7",
    "plain": "Planted-plain-8",
}
WANTED: dict[str, tuple[dict[str, Any], ...]] = {
    "terraform.output": tuple({"name": name, "equals": 1} for name in ("secret", "copied", "object")),
    "terraform.resource": tuple(
        {"address": "terraform_data.*", "attribute": attribute}
        for attribute in ("input", "output", "input.all", "output.all.0", "input.combined", "input.plain", "id")
    ),
}


def assert_clean(collected: Collected) -> None:
    scrubber = Scrubber(collected.secrets)
    told = repr((scrubber.json(collected.result), scrubber.json(collected.missing), collected.subjects))
    for where, secret in GIVEN.items():
        for form in (secret, base64.b64encode(secret.encode()).decode().rstrip("="), quote(secret)):
            assert form not in told, (where, form)


def run_options(stage: Stage) -> list[str]:
    (stage.infra / "own.tfvars").write_text(f'from_file = "{GIVEN["file"]}"\n')
    return ["-var", f"given={GIVEN['given']}", f"-var=plain_but_given={GIVEN['plain']}", "-var-file=own.tfvars"]


def test_no_secret_is_left_in_the_facts_of_plans_and_applies(stage: Stage) -> None:
    stage.write(CONFIGURATION)
    options, environment = run_options(stage), {"TF_VAR_from_environment": GIVEN["environment"]}
    planned = stage.run("plan", *options, "-out=tfplan", wanted=WANTED, env=environment)
    assert planned.result["counts"] == {"create": 2}
    assert planned.masked
    assert_clean(planned)
    applied = stage.run("apply", "tfplan", wanted=WANTED, env=environment)
    assert applied.result["counts"] == {"applied": 2}
    assert_clean(applied)
    values = {(one["address"], one["attribute"]): one for one in applied.result["attributes"]}
    assert values["terraform_data.holder", "input.plain"]["value"] == "harmless"
    assert values["terraform_data.holder", "output.all.0"] == {
        "address": "terraform_data.holder", "attribute": "output.all.0", "present": True, "sensitive": True,
    }  # fmt: skip
    assert 'terraform_data.copy["Planted-index"]' in repr(Scrubber(applied.secrets).json(applied.result))
    stage.write(CONFIGURATION.replace("harmless", "changed"))
    assert_clean(stage.run("plan", *options, "-out=tfplan", wanted=WANTED, env=environment))
    assert_clean(stage.run("apply", "-auto-approve", *options, wanted=WANTED, env=environment))
    assert_clean(stage.run("destroy", "-auto-approve", *options, wanted=WANTED, env=environment))


def test_no_secret_is_left_in_what_is_recorded(stage: Stage) -> None:
    stage.write(CONFIGURATION)
    options, environment = run_options(stage), {"TF_VAR_from_environment": GIVEN["environment"]}
    # The variable that is not sensitive is a secret by its being given with -var: in a file nobody can tell.
    options[2] = "-var=plain_but_given=nothing"
    assert stage.terraform("plan", *options, "-out=tfplan", env=environment).returncode == 0
    plan = stage.terraform("show", "-json", "tfplan").stdout
    assert stage.terraform("apply", "tfplan").returncode == 0
    shown = stage.terraform("show", "-json").stdout
    pulled = stage.terraform("state", "pull").stdout
    for text in (plan, shown, pulled):
        assert GIVEN["default"] in text
        source = RecordSource(stage.infra / "x.json", text.encode(), WANTED, "infra")
        assert TerraformRecorder().detect(source)
        (collected,) = TerraformRecorder().read(source)
        assert json.loads(json.dumps(collected.result))["resources"]
        assert_clean(collected)

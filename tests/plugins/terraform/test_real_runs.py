"""Real Terraform, followed by the collector: what each kind of run leaves as facts."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pytest
from jsonschema import Draft202012Validator

from infratrack.api import Collected, FactsLevel, Outcome, Word
from infratrack.testing.builders import predicate
from infratrack_terraform.evidence import APPLY, PLAN, ApplyEvidence, PlanEvidence
from infratrack_terraform.evidence_schemas import APPLY_SCHEMA, PLAN_SCHEMA

if TYPE_CHECKING:
    from tests.plugins.terraform.conftest import Stage

pytestmark = pytest.mark.slow

VLANS = """
resource "terraform_data" "vlan" {
  count = 2
  input = { id = 10 * (count.index + 1) }
}
output "ids" { value = [for v in terraform_data.vlan : v.input.id] }
check "two" {
  assert {
    condition     = length(terraform_data.vlan) == 2
    error_message = "not two"
  }
}
"""
HALF_FAILING = """
resource "terraform_data" "ok" { input = "fine" }
resource "terraform_data" "bad" {
  depends_on = [terraform_data.ok]
  provisioner "local-exec" { command = "exit 3" }
}
resource "terraform_data" "later" { depends_on = [terraform_data.bad] }
"""
SLOW = """
resource "terraform_data" "slow" {
  provisioner "local-exec" { command = "echo > ../started; sleep 20" }
}
resource "terraform_data" "later" { depends_on = [terraform_data.slow] }
"""


def result(collected: Collected) -> Mapping[str, Any]:
    """The result, after checking it against its published schema."""
    schema = {PLAN: PLAN_SCHEMA, APPLY: APPLY_SCHEMA}[collected.predicate_type]
    plain: dict[str, Any] = json.loads(json.dumps(collected.result))
    Draft202012Validator(schema).validate(plain)
    return plain


def words(collected: Collected, outcome: Outcome = "succeeded") -> dict[tuple[str, str], Mapping[str, Any]]:
    """Words by kind and name."""
    kind = PlanEvidence() if collected.predicate_type == PLAN else ApplyEvidence()
    said: list[Word] = list(kind.words(predicate(result(collected), outcome=collected.outcome or outcome)))
    assert {word.scope for word in said} == {said[0].scope}
    return {(word.kind, word.name): word.value for word in said}


def by_address(collected: Collected) -> dict[str, Mapping[str, Any]]:
    return {one["address"]: one for one in result(collected)["resources"]}


def test_a_plan_is_read_with_lineage_serial_and_digest(stage: Stage) -> None:
    stage.write(VLANS)
    collected = stage.run("plan", "-out=tfplan")
    found = result(collected)
    assert found["counts"] == {"create": 2}
    assert (found["root"], found["workspace"], found["mode"]) == ("infra", "default", "normal")
    assert (found["serial"], found["changes"], found["drifted"], found["complete"]) == (0, 3, 0, True)
    assert found["planDigest"].removeprefix("sha256:") == collected.subjects[0].digest["sha256"]
    assert found["checks"] == [{"address": "check.two", "kind": "check", "status": "pass"}]
    assert collected.tool_version
    assert not collected.missing
    said = words(collected)
    assert said["terraform.resource", "terraform_data.vlan[0]"]["presence"] == "absent"
    assert said["terraform.output", "ids"] == {"present": False}
    assert said["terraform.root", "root"]["converged"] is False


def test_an_apply_joins_plan_and_states(stage: Stage) -> None:
    stage.write(VLANS)
    stage.run("plan", "-out=tfplan")
    wanted: dict[str, tuple[dict[str, Any], ...]] = {
        "terraform.output": ({"name": "ids", "equals": [10, 20]},),
        "terraform.resource": ({"address": "terraform_data.vlan[*]", "attribute": "input.id"},),
    }
    collected = stage.run("apply", "tfplan", wanted=wanted)
    found = result(collected)
    assert found["counts"] == {"applied": 2}
    assert (found["serialBefore"], found["planSerial"]) == (0, 0)
    assert found["serialAfter"] > 0
    assert found["lineage"]
    assert found["outputs"] == [{"name": "ids", "now": {"present": True, "value": [10, 20]}}]
    assert [one["value"] for one in found["attributes"]] == [10, 20]
    assert collected.missing == {}
    said = words(collected)
    assert {**said["terraform.root", "root"], "outcome": 0} == {
        "of": "apply", "outcome": 0, "mode": "normal", "complete": True, "converged": True, "changes": 0, "drifted": 0,
        "deletes": 0,
    }  # fmt: skip
    assert said["terraform.check", "check.two"] == {"status": "pass"}
    again = stage.run("plan", "-out=tfplan", "-detailed-exitcode")
    assert words(again)["terraform.root", "root"]["converged"] is True
    assert result(again)["serial"] == found["serialAfter"]
    assert result(again)["lineage"] == found["lineage"]
    next_apply = result(stage.run("apply", "tfplan"))
    assert next_apply["stateDigestBefore"] == found["stateDigest"]
    assert next_apply["counts"] == {"unchanged": 2}


def test_a_half_failed_apply_tells_applied_failed_and_not_reached_apart(stage: Stage) -> None:
    stage.write(HALF_FAILING)
    stage.run("plan", "-out=tfplan")
    collected = stage.run("apply", "tfplan")
    facts = by_address(collected)
    assert {address: (one["result"], one["presence"]) for address, one in facts.items()} == {
        "terraform_data.ok": ("applied", "present"),
        "terraform_data.bad": ("failed", "tainted"),
        "terraform_data.later": ("notReached", "absent"),
    }
    said = words(collected, "failed")
    assert said["terraform.root", "root"]["converged"] is False
    assert said["terraform.root", "root"]["changes"] == 2
    assert said["terraform.resource", "terraform_data.bad"]["pending"] == "replace"
    again = stage.run("plan", "-out=tfplan")
    assert words(again)["terraform.resource", "terraform_data.bad"]["presence"] == "tainted"
    repeated = by_address(stage.run("apply", "tfplan"))
    assert repeated["terraform_data.bad"]["result"] == "failed"
    assert repeated["terraform_data.ok"]["result"] == "unchanged"


def test_without_a_plan_the_addresses_whose_state_changed_are_touched(stage: Stage) -> None:
    stage.write(HALF_FAILING)
    facts = by_address(stage.run("apply", "-auto-approve"))
    assert {address: one["result"] for address, one in facts.items()} == {
        "terraform_data.ok": "applied",
        "terraform_data.bad": "failed",
    }
    stage.write(VLANS)
    facts = by_address(stage.run("apply", "-auto-approve"))
    assert facts["terraform_data.ok"]["action"] == "delete"
    assert facts["terraform_data.vlan[1]"]["action"] == "create"
    assert result(stage.run("apply", "-auto-approve"))["resources"] == []


def test_destroy_leaves_everything_absent_and_nothing_converged(stage: Stage) -> None:
    stage.write(VLANS)
    stage.run("apply", "-auto-approve")
    collected = stage.run("destroy", "-auto-approve")
    said = words(collected)
    assert said["terraform.resource", "terraform_data.vlan[0]"] == {
        "presence": "absent", "pending": "none", "drift": "none", "deleted": True,
    }  # fmt: skip
    assert said["terraform.root", "root"]["converged"] is False
    assert said["terraform.output", "ids"] == {"present": False}
    assert result(collected)["deletes"] == 2


def test_a_saved_destroy_plan_is_known_for_what_it_is(stage: Stage) -> None:
    stage.write(VLANS)
    stage.run("apply", "-auto-approve")
    assert result(stage.run("plan", "-destroy", "-out=tfplan"))["mode"] == "destroy"
    assert result(stage.run("apply", "tfplan"))["mode"] == "destroy"


def test_a_targeted_plan_speaks_for_its_targets_only(stage: Stage) -> None:
    stage.write(VLANS)
    collected = stage.run("plan", "-target=terraform_data.vlan[0]", "-out=tfplan")
    assert list(by_address(collected)) == ["terraform_data.vlan[0]"]
    assert result(collected)["targeted"] is True
    applied = stage.run("apply", "tfplan")
    assert result(applied)["targeted"] is True
    assert words(applied)["terraform.root", "root"]["converged"] is None
    assert words(applied)["terraform.resource", "terraform_data.vlan[0]"]["pending"] == "none"


def test_a_removal_behind_terraforms_back_shows_in_the_next_plan(stage: Stage) -> None:
    stage.write(VLANS)
    stage.run("apply", "-auto-approve")
    assert stage.terraform("destroy", "-auto-approve", "-target=terraform_data.vlan[1]").returncode == 0
    said = words(stage.run("plan", "-out=tfplan"))
    assert said["terraform.resource", "terraform_data.vlan[1]"]["presence"] == "absent"
    assert said["terraform.resource", "terraform_data.vlan[0]"]["pending"] == "none"


def test_a_stale_plan_did_nothing(stage: Stage) -> None:
    stage.write(VLANS)
    stage.run("plan", "-out=tfplan")
    stage.terraform("apply", "-auto-approve")
    collected = stage.run("apply", "tfplan")
    assert result(collected)["stale"] is True
    assert result(collected)["counts"] == {"notReached": 2}
    assert words(collected, "failed")["terraform.resource", "terraform_data.vlan[0]"]["presence"] == "present"


def test_a_refresh_only_plan_proves_nothing_converged(stage: Stage) -> None:
    stage.write(VLANS)
    stage.run("apply", "-auto-approve")
    found = stage.run("plan", "-refresh-only", "-out=tfplan")
    assert result(found)["mode"] == "refresh-only"
    assert words(found)["terraform.root", "root"]["converged"] is None
    assert result(stage.run("apply", "tfplan"))["mode"] == "refresh-only"
    assert result(stage.run("refresh"))["mode"] == "refresh-only"


def test_a_plan_without_a_file_says_how_to_get_facts(stage: Stage) -> None:
    stage.write(VLANS)
    collected = stage.run("plan")
    assert "-out" in collected.missing["plan"]
    assert list(words(collected)) == [("terraform.root", "root")]
    assert words(collected)["terraform.root", "root"]["converged"] is None


def test_detailed_exit_codes_are_success_and_say_whether_changes_are_pending(stage: Stage) -> None:
    stage.write(VLANS)
    pending = stage.run("plan", env={"TF_CLI_ARGS_plan": "-detailed-exitcode"})
    assert pending.outcome == "succeeded"
    assert words(pending)["terraform.root", "root"]["converged"] is False
    stage.terraform("apply", "-auto-approve")
    clean = stage.run("plan", "-detailed-exitcode")
    assert clean.outcome is None
    assert words(clean)["terraform.root", "root"]["converged"] is True


def test_options_hidden_in_the_environment_count_and_never_reach_our_own_calls(stage: Stage) -> None:
    stage.write(VLANS + 'variable "who" {}\n')
    hidden = {"TF_CLI_ARGS_plan": "-out=hidden.tfplan", "TF_CLI_ARGS": "-var=who=me", "TF_LOG": "TRACE"}
    collected = stage.run("plan", env=hidden)
    assert result(collected)["counts"] == {"create": 2}
    assert "me" not in collected.secrets
    applied = stage.run("apply", "hidden.tfplan", env={"TF_CLI_ARGS": "-no-color", "TF_CLI_ARGS_state": "-bogus"})
    assert applied.missing == {}


def test_chdir_data_folder_and_workspace_are_followed(stage: Stage) -> None:
    stage.write(VLANS)
    sub = stage.infra / "sub"
    sub.mkdir()
    (stage.infra / "main.tf").rename(sub / "main.tf")
    data = {"TF_DATA_DIR": ".data"}
    assert stage.terraform("-chdir=sub", "workspace", "new", "prod", env=data).returncode == 0
    collected = stage.run("-chdir=sub", "plan", "-out=tfplan", env=data)
    assert (result(collected)["root"], result(collected)["workspace"]) == ("infra/sub", "prod")
    applied = stage.run(f"-chdir={sub}", "apply", "tfplan", env=data)
    assert (result(applied)["root"], result(applied)["workspace"]) == ("infra/sub", "prod")
    assert result(applied)["counts"] == {"applied": 2}
    other = stage.run("-chdir=sub", "plan", "-out=tfplan", env=data | {"TF_WORKSPACE": "default"})
    assert result(other)["workspace"] == "default"
    assert result(other)["counts"] == {"create": 2}


def test_a_state_file_named_on_the_command_line_is_read_directly(stage: Stage) -> None:
    stage.write(VLANS)
    found = result(stage.run("apply", "-auto-approve", "-state=own.tfstate"))
    assert found["counts"] == {"applied": 2}
    assert found["serialAfter"] > 0


@pytest.mark.parametrize("level", ["plan", "none"])
def test_what_the_user_did_not_want_read_is_missing_with_that_reason(stage: Stage, level: FactsLevel) -> None:
    stage.write(VLANS)
    stage.run("plan", "-out=tfplan")
    collected = stage.run("apply", "tfplan", facts=level)
    assert collected.missing["state"] == f"not read: --facts {level}"
    assert ("resources" in result(collected)) is (level == "plan")
    assert words(collected)["terraform.root", "root"]["converged"] is True
    if level == "plan":
        assert words(collected)["terraform.resource", "terraform_data.vlan[0]"]["presence"] == "present"


def test_a_plan_that_fails_leaves_a_reason(stage: Stage) -> None:
    stage.write("resource {")
    collected = stage.run("plan", "-out=tfplan")
    assert collected.missing == {"plan": "the command wrote no plan file"}
    assert words(collected, "failed")["terraform.root", "root"]["outcome"] == "failed"


def test_a_plan_file_that_is_missing_or_no_plan_leaves_a_reason(stage: Stage) -> None:
    stage.write(VLANS)
    assert "cannot be read" in stage.run("apply", "nothing.tfplan").missing["plan"]
    (stage.infra / "bad.tfplan").write_text("no plan")
    assert "exit code" in stage.run("apply", "bad.tfplan").missing["plan"]
    assert "cannot be read" in stage.run("apply", ".").missing["plan"]


def interrupted(process: subprocess.Popen[bytes], stage: Stage, number: signal.Signals) -> Outcome:
    deadline = time.monotonic() + 60
    while not (stage.folder / "started").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(number)
    return "canceled" if number == signal.SIGINT else "indeterminate"


def test_a_canceled_apply_leaves_a_tainted_resource(stage: Stage) -> None:
    stage.write(SLOW)
    stage.run("plan", "-out=tfplan")
    collected = stage.run("apply", "tfplan", during=lambda process: interrupted(process, stage, signal.SIGINT))
    facts = by_address(collected)
    assert facts["terraform_data.slow"]["result"] == "failed"
    assert facts["terraform_data.later"]["result"] == "notReached"
    assert words(collected, "canceled")["terraform.root", "root"]["converged"] is False


def test_what_a_killed_apply_did_is_unknown_never_unchanged(stage: Stage) -> None:
    stage.write(SLOW)
    stage.run("plan", "-out=tfplan")
    collected = stage.run("apply", "tfplan", during=lambda process: interrupted(process, stage, signal.SIGKILL))
    said = words(collected, "indeterminate")
    assert said["terraform.resource", "terraform_data.slow"]["presence"] == "unknown"
    assert said["terraform.root", "root"]["converged"] is None

"""What plans, applies and states say of each address, as words."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from infratrack.api import Judgement, Outcome
from infratrack.testing.builders import predicate
from infratrack.testing.evidence_types import EvidenceTypeContract
from infratrack_terraform.apply_facts import ApplyJoin
from infratrack_terraform.criteria import judge_converged
from infratrack_terraform.evidence import ApplyEvidence, PlanEvidence, StateEvidence
from infratrack_terraform.evidence_schemas import APPLY_SCHEMA, PLAN_SCHEMA, STATE_SCHEMA
from infratrack_terraform.plan import read_plan
from infratrack_terraform.plan_file import PlanFile
from infratrack_terraform.results import Setting, apply_result, plan_result, state_result, unread, unseen_apply_result
from infratrack_terraform.state import NO_STATE, read_raw_state, read_shown_state
from infratrack_terraform.wanted import WantedValues, wanted_values
from infratrack_terraform.words import scope_of
from tests.plugins.terraform.plan_documents import RAW_STATE, SHOWN_STATE, change, plan

WANTED = wanted_values(
    {
        "terraform.output": ({"name": "ids"}, {"name": "size"}),
        "terraform.resource": (
            {"address": "terraform_data.vlan[*]", "attribute": "input.id"},
            {"address": "aws_x.a", "attribute": "size"},
        ),
    }
)
UNWANTED = "delete_because_no_resource_config"
SETTING = Setting("infra", "default")
FILE = PlanFile(digest="sha256:" + "0" * 64, lineage="L", serial=4, mode="normal", targeted=False)  # type: ignore[arg-type]  # a Digest
MARKS: dict[str, Any] = {"before_sensitive": False, "after_sensitive": False}
FULL = plan(
    change("aws_x.a", "no-op", before={"size": 1}, after={"size": 1}, **MARKS),
    change("aws_x.b", "create"),
    change("aws_x.c", "update"),
    change("aws_x.d", "delete", action_reason="delete_because_no_resource_config"),
    change("aws_x.e", "delete", "create", action_reason="replace_because_tainted"),
    change("aws_x.f", "create", "delete"),
    change("aws_x.g", "forget"),
    change("aws_x.h", "delete", deposed="00000001"),
    change("aws_x.h", "no-op"),
    change("aws_x.i", "no-op"),
    change("aws_x.i", "delete", deposed="00000002"),
    change("aws_x.i", "delete", deposed="00000003"),
    change("aws_x.j", "no-op", importing={}),
    change("data.http.k", "read", mode="data"),
    resource_drift=[change("aws_x.c", "update"), change("aws_x.l", "delete"), change("aws_x.m", "update")],
    deferred_changes=[{"resource_change": change("aws_x.n", "create")}],
    output_changes={
        "size": {"actions": ["no-op"], "before": 1, "after": 1, **MARKS},
        "pw": {"actions": ["no-op"], "before_sensitive": True, "after_sensitive": True},
        "new": {"actions": ["create"], **MARKS},
        "old": {"actions": ["no-op"], **MARKS},
    },
    checks=[{"address": {"to_display": "check.c", "kind": "check"}, "status": "fail"}],
)


def planned(document: Mapping[str, Any] = FULL, setting: Setting = SETTING, **more: Any) -> dict[str, Any]:
    facts = read_plan(json.dumps(document).encode(), "plan", WANTED)
    made = plan_result(setting, facts, more.pop("file", FILE), **more)
    plain: dict[str, Any] = json.loads(json.dumps(made))
    Draft202012Validator(PLAN_SCHEMA).validate(plain)
    return plain


def applied(outcome: Outcome = "succeeded", setting: Setting = SETTING, **join: Any) -> dict[str, Any]:
    made = apply_result(setting, ApplyJoin(outcome, **join), FILE, WANTED, shown_state())
    plain: dict[str, Any] = json.loads(json.dumps(made))
    Draft202012Validator(APPLY_SCHEMA).validate(plain)
    return plain


def raw_state(**changes: Any) -> Any:
    return read_raw_state(json.dumps({**RAW_STATE, **changes}).encode(), "state", WANTED, b"k")


def shown_state() -> Any:
    return read_shown_state(json.dumps(SHOWN_STATE).encode(), "state", WANTED, b"k")


def plan_facts(*changes: dict[str, Any], **more: Any) -> Any:
    return read_plan(json.dumps(plan(*changes, **more)).encode(), "plan", WANTED)


def said(kind: Any, result: Mapping[str, Any], outcome: Outcome = "succeeded") -> dict[tuple[str, str], Any]:
    return {(word.kind, word.name): word.value for word in kind.words(predicate(result, outcome=outcome))}


def unseen(file: Any = FILE, **join: Any) -> dict[str, Any]:
    made = unseen_apply_result(SETTING, ApplyJoin("indeterminate", **join), file)
    plain: dict[str, Any] = json.loads(json.dumps(made))
    Draft202012Validator(APPLY_SCHEMA).validate(plain)
    return plain


def test_an_apply_that_nobody_saw_ending_says_what_it_was_to_change_and_that_nothing_is_known_of_it() -> None:
    changes = change("aws_x.a", "create"), change("aws_x.b", "no-op"), change("aws_x.c", "delete")
    result = unseen(plan=plan_facts(*changes), before=raw_state())
    assert (result["planDigest"], result["serialBefore"], result["changes"]) == (FILE.digest, RAW_STATE["serial"], 2)
    words = said(ApplyEvidence(), result, "indeterminate")
    unknown = {"presence": "unknown", "pending": "unknown", "drift": "unknown"}
    assert {name: value for (kind, name), value in words.items() if kind == "terraform.resource"} == {
        "aws_x.a": unknown,
        "aws_x.c": unknown,
    }
    root = words["terraform.root", "root"]
    assert (root["outcome"], root["converged"], root["drifted"], root["deletes"]) == ("indeterminate", None, None, None)


def test_an_apply_that_nobody_saw_ending_speaks_for_its_root_without_a_plan() -> None:
    assert unseen(None) == {"root": "infra", "workspace": "default", "mode": "normal", "targeted": False}
    assert unseen(plan=plan_facts())["counts"] == {}


class TestPlanContract(EvidenceTypeContract):
    evidence_type = PlanEvidence()
    examples = (predicate(planned()), predicate({}, outcome="failed"))


class TestApplyContract(EvidenceTypeContract):
    evidence_type = ApplyEvidence()
    examples = (
        predicate(applied(before=raw_state(resources=[]), after=raw_state())),
        predicate(applied("failed", plan=plan_facts(change("aws_x.a", "create"))), outcome="failed"),
    )


class TestStateContract(EvidenceTypeContract):
    evidence_type = StateEvidence()
    examples = (predicate(state_result("infra", "default", raw_state())),)


def test_a_plan_speaks_of_every_address_in_it() -> None:
    words = said(PlanEvidence(), planned())
    told = {name: (value["presence"], value.get("pending"), value["drift"])
            for (kind, name), value in words.items() if kind == "terraform.resource"}  # fmt: skip
    assert told == {
        "aws_x.a": ("present", "none", "none"),
        "aws_x.b": ("absent", "create", "none"),
        "aws_x.c": ("present", "update", "drifted"),
        "aws_x.d": ("present", "delete", "none"),
        "aws_x.e": ("tainted", "replace", "none"),
        "aws_x.f": ("present", "replace", "none"),
        "aws_x.g": ("present", "update", "none"),
        "aws_x.h": ("present", "update", "none"),
        "aws_x.i": ("present", "update", "none"),
        "aws_x.j": ("present", "update", "none"),
        "aws_x.l": ("absent", None, "drifted"),
        "aws_x.m": ("present", None, "drifted"),
        "aws_x.n": ("unknown", "unknown", "none"),
    }
    assert words["terraform.root", "root"] == {
        "of": "plan", "outcome": "succeeded", "complete": True, "converged": False, "changes": 12, "drifted": 3,
        "deletes": 6,
    }  # fmt: skip
    assert words["terraform.output", "size"] == {"present": True, "value": 1}
    assert words["terraform.output", "pw"] == {"present": True, "sensitive": True}
    assert words["terraform.output", "new"] == {"present": False}
    assert words["terraform.output", "old"] == {"present": True}
    assert words["terraform.check", "check.c"] == {"status": "fail"}
    assert words["terraform.attribute", "aws_x.a\x1fsize"] == {"present": True, "value": 1}


def test_a_plan_that_failed_speaks_of_no_address() -> None:
    for result, outcome in ((planned(), "failed"), (planned({**FULL, "errored": True}), "succeeded")):
        words = said(PlanEvidence(), result, outcome)  # type: ignore[arg-type]  # an outcome
        assert list(words) == [("terraform.root", "root")]
        assert words["terraform.root", "root"]["converged"] is None


def test_a_plan_that_did_not_look_says_nothing_of_drift() -> None:
    unrefreshed = said(PlanEvidence(), planned(setting=Setting("infra", "default", refreshed=False)))
    assert unrefreshed["terraform.resource", "aws_x.a"]["drift"] == "unknown"
    assert unrefreshed["terraform.root", "root"]["drifted"] is None


def test_only_a_whole_plan_without_changes_is_converged() -> None:
    clean = plan(change("aws_x.a", "no-op"))

    def converged(document: Mapping[str, Any], **setting: Any) -> object:
        result = planned(document, Setting("infra", "default", **setting), file=None)
        return said(PlanEvidence(), result)["terraform.root", "root"]["converged"]

    assert converged(clean) is True
    assert converged(clean, targeted=True) is None
    assert converged({**clean, "complete": False}) is None
    assert converged(clean, mode="destroy") is None
    assert converged(clean, mode="refresh-only") is None
    assert converged(plan(change("aws_x.a", "delete")), mode="destroy") is None
    assert converged(plan(change("aws_x.a", "update")), targeted=True) is False
    assert converged(plan(change("aws_x.a", "delete", action_reason=UNWANTED))) is False


def test_a_plan_to_destroy_everything_regresses_nothing_until_it_is_applied() -> None:
    wiping = planned(plan(change("aws_x.a", "delete")), Setting("infra", "default", mode="destroy"), file=None)
    value = said(PlanEvidence(), wiping)["terraform.resource", "aws_x.a"]
    assert (value["pending"], value["asked"]) == ("delete", "destroy")
    assert judge_converged("terraform.resource", value) is None
    unwanted = plan(change("aws_x.a", "delete", action_reason=UNWANTED))
    removing = said(PlanEvidence(), planned(unwanted, file=None))
    judged = judge_converged("terraform.resource", removing["terraform.resource", "aws_x.a"])
    assert judged is not None
    assert judged.judgement is Judgement.FAILS


def test_the_exit_code_alone_says_whether_changes_are_pending() -> None:
    for pending, expected in ((True, False), (False, True)):
        result = plan_result(SETTING, None, None, pending=pending)
        assert said(PlanEvidence(), result)["terraform.root", "root"]["converged"] is expected
    assert said(PlanEvidence(), plan_result(SETTING, None, None))["terraform.root", "root"]["converged"] is None


def test_a_plan_file_says_what_its_command_line_no_longer_does() -> None:
    result = planned(file=PlanFile(FILE.digest, mode="destroy", targeted=True))
    assert (result["mode"], result["targeted"]) == ("destroy", True)
    assert "serial" not in result
    assert "lineage" not in planned(file=PlanFile(FILE.digest, lineage="", serial=0, mode="normal"))
    prior: dict[str, Any] = {"values": {"root_module": {"resources": [{}]}}}
    assert planned({**plan(prior_state=prior), "resource_changes": None}, file=None)["mode"] == "refresh-only"
    kept = planned(setting=Setting("infra", "default", mode="destroy"))
    assert kept["mode"] == "destroy"


def test_an_apply_speaks_of_what_it_touched() -> None:
    facts = plan_facts(
        change("terraform_data.vlan[0]", "create"),
        change("terraform_data.vlan[1]", "update"),
        change("terraform_data.gone", "delete"),
        change("terraform_data.swapped", "delete", "create"),
        change("terraform_data.later", "create"),
        change("terraform_data.now", "no-op", previous_address="terraform_data.then"),
    )
    reported: dict[str, Any] = {
        "terraform_data.vlan[0]": "applied", "terraform_data.vlan[1]": "failed", "terraform_data.gone": "applied",
        "terraform_data.swapped": "failed", "terraform_data.later": "notReached", "terraform_data.now": "unknown",
    }  # fmt: skip
    words = said(ApplyEvidence(), applied("failed", plan=facts, after=raw_state(), reported=reported), "failed")
    told = {name: value for (kind, name), value in words.items() if kind == "terraform.resource"}
    assert told == {
        "terraform_data.vlan[0]": {"presence": "present", "pending": "none", "drift": "none", "deleted": False},
        "terraform_data.vlan[1]": {"presence": "tainted", "pending": "replace", "deleted": False, "failed": True},
        "terraform_data.gone": {"presence": "absent", "pending": "none", "drift": "none", "deleted": True},
        "terraform_data.swapped": {"presence": "absent", "pending": "create", "deleted": True, "failed": True},
        "terraform_data.later": {"presence": "absent", "pending": "create"},
        "terraform_data.now": {"presence": "unknown", "pending": "unknown", "drift": "unknown"},
    }
    assert words["terraform.root", "root"]["converged"] is False
    assert words["terraform.root", "root"]["changes"] == 4
    assert words["terraform.attribute", "terraform_data.vlan[0]\x1finput.id"] == {"present": True, "value": 10}


def test_a_failed_update_of_what_is_still_there_is_still_to_do() -> None:
    facts = plan_facts(change("terraform_data.vlan[0]", "update"))
    result = applied("failed", plan=facts, after=raw_state(), reported={"terraform_data.vlan[0]": "failed"})
    words = said(ApplyEvidence(), result, "failed")
    assert words["terraform.resource", "terraform_data.vlan[0]"]["pending"] == "update"


def test_a_successful_apply_converges_its_root_unless_it_destroys_or_targets() -> None:
    def root(**setting: Any) -> Any:
        result = applied(setting=Setting("infra", "default", **setting), after=raw_state(), before=raw_state())
        return said(ApplyEvidence(), result)["terraform.root", "root"]

    assert root()["converged"] is True
    assert root()["drifted"] == 0
    assert root(targeted=True)["converged"] is None
    assert root(targeted=True)["drifted"] is None
    assert root(mode="destroy")["converged"] is False
    assert root(mode="destroy", targeted=True)["converged"] is None
    assert root(mode="refresh-only")["converged"] is None


def test_an_unfinished_apply_is_not_converged_and_a_lost_one_is_unknown() -> None:
    facts = plan_facts(change("aws_x.a", "create"))

    def converged(outcome: Outcome, **join: Any) -> object:
        return said(ApplyEvidence(), applied(outcome, **join), outcome)["terraform.root", "root"]["converged"]

    assert converged("failed") is False
    assert converged("canceled") is None
    assert converged("canceled", plan=facts) is False
    assert converged("indeterminate", plan=facts) is None


def test_moves_and_removed_outputs_are_told() -> None:
    facts = plan_facts(change("terraform_data.now", "no-op", previous_address="terraform_data.then"))
    now = raw_state()
    moved = {**now.instances, "terraform_data.now": now.instances["terraform_data.vlan[0]"]}
    import msgspec

    after = msgspec.structs.replace(now, instances=moved, outputs=now.outputs[:1])
    words = said(ApplyEvidence(), applied(plan=facts, before=now, after=after))
    assert words["terraform.resource", "terraform_data.then"]["presence"] == "absent"
    assert words["terraform.resource", "terraform_data.now"]["presence"] == "present"
    assert words["terraform.output", "pw"] == {"present": False}
    assert words["terraform.output", "ids"] == {"present": True, "value": [10, 20]}


def test_what_is_gone_has_no_attributes() -> None:
    facts = plan_facts(change("terraform_data.vlan[7]", "delete"))
    words = said(ApplyEvidence(), applied(plan=facts, before=raw_state(), after=raw_state()))
    assert words["terraform.attribute", "terraform_data.vlan[7]\x1finput.id"] == {"present": False}


def test_without_attributes_shown_none_are_told() -> None:
    made = apply_result(SETTING, ApplyJoin("succeeded", None, raw_state(), raw_state()), None, WantedValues(), None)
    assert made["attributes"] == []


def test_before_the_first_apply_there_is_no_lineage_and_no_digest() -> None:
    empty = apply_result(SETTING, ApplyJoin("succeeded", None, NO_STATE, NO_STATE), None, WANTED, None)
    assert (empty["serialBefore"], empty["serialAfter"]) == (0, 0)
    assert "lineage" not in empty
    assert "stateDigest" not in empty


def test_reasons_for_what_is_missing_are_short_lines() -> None:
    assert unread({"plan": "a\n  b " + "x" * 500}) == {"plan": ("a b " + "x" * 500)[:300]}


def test_a_stale_plan_is_marked() -> None:
    facts = plan_facts(change("aws_x.a", "create"))
    assert applied("failed", plan=facts, before=raw_state(), stale=True)["stale"] is True


def test_a_refresh_says_what_is_there_and_deletes_nothing() -> None:
    result = applied(
        setting=Setting("infra", "default", mode="refresh-only"), before=raw_state(), after=raw_state(resources=[])
    )
    words = said(ApplyEvidence(), result)
    assert words["terraform.resource", "terraform_data.vlan[0]"] == {"presence": "absent", "drift": "none"}


def test_a_state_says_what_is_there_and_nothing_of_what_is_pending() -> None:
    result = json.loads(json.dumps(state_result("infra", "prod", raw_state())))
    Draft202012Validator(STATE_SCHEMA).validate(result)
    words = said(StateEvidence(), result)
    assert words["terraform.resource", "terraform_data.vlan[1]"] == {"presence": "tainted"}
    assert words["terraform.output", "ids"] == {"present": True, "value": [10, 20]}
    shown = said(StateEvidence(), state_result(".", "default", shown_state()))
    assert shown["terraform.attribute", "terraform_data.vlan[0]\x1finput.id"]["value"] == 10


def test_scopes_name_the_folder_and_a_workspace_of_ones_own() -> None:
    assert scope_of({"root": "infra", "workspace": "default"}) == "infra"
    assert scope_of({"root": "infra", "workspace": "prod"}) == "infra#prod"
    assert scope_of({}) == "."


def test_summaries_are_one_line_for_people() -> None:
    assert PlanEvidence().summary(predicate(planned())) == (
        "terraform plan in infra: succeeded, 1 to create, 1 to update, 2 to replace, 4 to delete, 1 to forget, "
        "1 not known yet, 3 drifted"
    )
    assert PlanEvidence().summary(predicate(planned(plan()))) == "terraform plan in infra: succeeded, no changes"
    assert PlanEvidence().summary(predicate({}, outcome="failed")) == "terraform plan in .: failed"
    applied_line = ApplyEvidence().summary(
        predicate(applied("failed", plan=plan_facts(change("aws_x.a", "create")), after=raw_state()), outcome="failed")
    )
    assert applied_line == "terraform apply in infra: failed, 1 not reached"
    assert StateEvidence().summary(predicate(state_result("infra", "prod", raw_state()))) == (
        "terraform state in infra#prod: 4 resources, serial 6"
    )
    assert StateEvidence().summary(predicate({})) == "terraform state in .: 0 resources"


HOSTILE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["address", "actions", "resources", "drift", "outputs", "name", "now", "checks", "result"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=15,
)


@given(HOSTILE)
def test_hostile_results_never_raise(result: Any) -> None:
    for kind in (PlanEvidence(), ApplyEvidence(), StateEvidence()):
        for content in ({"result": result}, {"result": {"resources": [result], "outputs": [result]}, "run": result}):
            kind.words(content)
            kind.summary(content)

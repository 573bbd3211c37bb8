"""Real Terraform looked at: what is there, drift, and every way to move a state without leaving evidence."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pytest
from jsonschema import Draft202012Validator
from msgspec import structs

from infratrack.api import (
    Collected,
    Digest,
    InputError,
    Instant,
    ObserveContext,
    Pipeline,
    RecordedEvidence,
    Unreachable,
    UnrecordedEvidence,
    sha256_digest,
)
from infratrack.project.model import Step
from infratrack.testing.builders import MINUTE, MONDAY, predicate
from infratrack_terraform.evidence import APPLY
from infratrack_terraform.observation import OBSERVATION, OBSERVATION_SCHEMA, TERRAFORM_CHANGES
from infratrack_terraform.observer import Root, TerraformObserver, roots

if TYPE_CHECKING:
    from tests.plugins.terraform.conftest import Stage

pytestmark = pytest.mark.slow

CHANGES_SCHEMA = UnrecordedEvidence(TERRAFORM_CHANGES, "changes").schema
ONE = 'resource "terraform_data" "one" { input = "fine" }\n'
TWO = 'resource "terraform_data" "two" {}\n'


class Ledger:
    """A root, what is recorded about it, and a clock that moves a minute with everything that happens."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.at = MONDAY
        self.kept: list[RecordedEvidence] = []

    def keep(self, collected: Collected, outcome: Any = None) -> None:
        """Record it, as the ledger would hand it over."""
        begun, self.at = self.at, Instant(self.at + MINUTE)
        ended = collected.outcome or outcome or "succeeded"
        content = predicate(collected.result, outcome=ended, at=Instant(begun))
        number = len(self.kept)
        digest = Digest(sha256_digest(str(number).encode()))
        at = self.at if collected.finished_at is None else collected.finished_at
        self.kept.append(
            RecordedEvidence(digest, collected.predicate_type, f"run-{number}", Instant(at), ended, None, content)
        )

    def apply(self, *arguments: str) -> None:
        self.keep(self.stage.run("apply", "-auto-approve", "-input=false", *arguments))

    def behind(self, *arguments: str) -> None:
        """Terraform behind infratrack's back."""
        ended = self.stage.terraform(*arguments)
        assert ended.returncode == 0, ended.stderr
        self.at = Instant(self.at + MINUTE)

    def context(self, target: str | None = "infra", **more: Any) -> ObserveContext:
        values: dict[str, Any] = {
            "folder": self.stage.folder,
            "environment": self.stage.environment,
            "wanted": {},
            "target": target,
            "at": Instant(self.at),
            "recorded": lambda kind: [one for one in self.kept if one.predicate_type == kind],
            "deliverables": {"d": {"terraform.applied": ({"resources": "*", "directory": "infra"},)}},
            **more,
        }
        return ObserveContext(**values)

    def observe(self, target: str | None = "infra", **more: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        """Look, keep what was seen, and hand over the results."""
        seen, changes = TerraformObserver().observe(self.context(target, **more))
        for one, kind, schema in (
            (seen, OBSERVATION, OBSERVATION_SCHEMA),
            (changes, TERRAFORM_CHANGES, CHANGES_SCHEMA),
        ):
            assert one.predicate_type == kind
            Draft202012Validator(schema).validate(one.result)
            self.keep(one)
        return dict(seen.result), dict(changes.result)

    def changes(self, **more: Any) -> Sequence[Mapping[str, Any]]:
        found: Sequence[Mapping[str, Any]] = self.observe(**more)[1]["changes"]
        return found


@pytest.fixture
def ledger(stage: Stage) -> Ledger:
    stage.write(ONE)
    assert stage.terraform("init").returncode == 0
    return Ledger(stage)


def test_an_apply_behind_its_back_is_named_with_what_is_new(ledger: Ledger) -> None:
    ledger.apply()
    assert ledger.changes() == []
    ledger.stage.write(ONE + TWO)
    ledger.behind("apply", "-auto-approve")
    (change,) = ledger.changes()
    assert "no run recorded it; new: terraform_data.two" in change["what"]
    assert (change["recorded"], change["deliverables"], change["by"]) == (False, ["d"], None)
    assert change["before"]["serial"] < change["after"]["serial"]
    assert change["before"]["lineage"] == change["after"]["lineage"]
    ledger.apply()
    assert [one["id"] for one in ledger.changes()] == [change["id"]], "still the same one, and no other"


def test_a_state_that_was_set_back_is_named(ledger: Ledger) -> None:
    ledger.apply()
    state = ledger.stage.infra / "terraform.tfstate"
    saved = state.read_bytes()
    ledger.stage.write(ONE + TWO)
    ledger.apply()
    state.write_bytes(saved)
    (change,) = ledger.changes()
    assert (change["action"], "was set back" in change["what"]) == ("restore", True)
    assert "gone: terraform_data.two" in change["what"]


def test_a_state_that_was_thrown_away_and_made_anew_is_named(ledger: Ledger) -> None:
    ledger.apply()
    (ledger.stage.infra / "terraform.tfstate").unlink()
    (gone,) = ledger.changes()
    assert (gone["action"], gone["after"]) == ("delete", None)
    ledger.behind("apply", "-auto-approve")
    assert ["removed" in one["what"] or "changed" in one["what"] for one in ledger.changes()] == [True, True]


def test_without_anything_recorded_today_is_the_beginning(ledger: Ledger) -> None:
    ledger.behind("apply", "-auto-approve")
    seen, changes = ledger.observe()
    assert changes["changes"] == []
    assert "no apply of infra is recorded yet" in changes["blindSpots"][0]
    assert [one["address"] for one in seen["resources"]] == ["terraform_data.one"]
    ledger.behind("apply", "-auto-approve", "-replace=terraform_data.one")
    assert len(ledger.changes()) == 1, "a look is a beginning too"


def test_workspaces_are_chains_of_their_own(ledger: Ledger) -> None:
    ledger.apply()
    ledger.behind("workspace", "new", "prod")
    ledger.apply()
    (ledger.stage.infra / "main.tf").write_text(ONE + TWO)
    ledger.behind("apply", "-auto-approve")
    _, changes = ledger.observe()
    assert (changes["source"], len(changes["changes"])) == ("terraform infra#prod", 1)
    ledger.behind("workspace", "select", "default")
    assert ledger.changes() == []


def test_evidence_that_arrives_late_explains_what_was_found(ledger: Ledger) -> None:
    ledger.apply()
    ledger.stage.write(ONE + TWO)
    ledger.apply()
    late = ledger.kept.pop()
    (change,) = ledger.changes()
    assert change["recorded"] is False
    ledger.kept.append(late)
    (explained,) = ledger.changes()
    assert (explained["id"], explained["recorded"]) == (change["id"], True)
    assert ledger.changes() == []


def test_a_lost_apply_may_have_done_it(ledger: Ledger) -> None:
    ledger.apply()
    lost = ledger.stage.run("apply", "-auto-approve", "-input=false")
    left_out = {"serialAfter", "stateDigest", "resources"}
    result = {name: value for name, value in lost.result.items() if name not in left_out}
    ledger.keep(structs.replace(lost, result=result), outcome="indeterminate")
    ledger.stage.write(ONE + TWO)
    ledger.behind("apply", "-auto-approve")
    (change,) = ledger.changes()
    assert "a run whose end nobody saw (run-1) may have done it" in change["what"]
    assert (change["recorded"], change["evidence"]) == (False, ledger.kept[1].digest)


def test_since_leaves_older_changes_out_and_forgets_none(ledger: Ledger) -> None:
    ledger.apply()
    ledger.behind("apply", "-auto-approve", "-replace=terraform_data.one")
    assert len(ledger.changes()) == 1
    assert ledger.changes(since=Instant(ledger.at)) == []
    assert len(ledger.changes()) == 1


def test_with_changelog_drift_is_not_looked_for(ledger: Ledger) -> None:
    ledger.apply()
    assert ledger.observe()[0]["drifted"] == 0
    assert "drift" not in ledger.observe(changelog=True)[0]


def test_no_secret_leaves_and_no_plan_stays(ledger: Ledger) -> None:
    ledger.stage.write('variable "key" { sensitive = true }\nresource "terraform_data" "one" { input = var.key }\n')
    environment = {**ledger.stage.environment, "TF_VAR_key": "hunter2-hunter2"}
    ledger.stage = structs.replace(ledger.stage, environment=environment)
    ledger.apply()
    found = TerraformObserver().observe(ledger.context())
    assert "hunter2" not in str([one.result for one in found])
    assert "hunter2-hunter2" in found[0].secrets
    assert list(ledger.stage.folder.rglob("*.tfplan")) == []


def test_where_drift_cannot_be_looked_for_the_state_is_still_seen_and_the_reason_said(ledger: Ledger) -> None:
    ledger.apply()
    ledger.stage.write('variable "no_default" {}\n' + ONE)
    seen, _ = TerraformObserver().observe(ledger.context())
    assert seen.missing == {"drift": "terraform plan -refresh-only ended with exit code 1"}
    assert "drift" not in seen.result
    assert len(seen.result["resources"]) == 1


def test_looking_takes_no_lock_and_changes_nothing(ledger: Ledger) -> None:
    ledger.apply()
    before = {path: path.read_bytes() for path in ledger.stage.infra.rglob("*") if path.is_file()}
    ledger.observe()
    assert {path: path.read_bytes() for path in ledger.stage.infra.rglob("*") if path.is_file()} == before


def test_without_a_target_every_root_of_the_pipelines_is_looked_at(ledger: Ledger) -> None:
    steps = (
        Step("terraform.plan", {"directory": "./infra", "var_files": ["a.tfvars"]}),
        Step("terraform.apply", {"directory": "infra"}),
        Step("terraform.apply", {"directory": "infra", "workspace": "prod"}),
        Step("command", {"argv": ["true"]}),
        Step("terraform.apply", {"directory": "dns"}),
    )
    pipelines = (Pipeline("p", steps),)
    context = ledger.context(None, pipelines=pipelines)
    assert roots(context) == [Root("infra", "", ("a.tfvars",)), Root("infra", "prod"), Root("dns")]
    assert roots(ledger.context("infra/", pipelines=pipelines)) == roots(context)[:2]
    shutil.copytree(ledger.stage.infra, ledger.stage.folder / "web")
    assert roots(ledger.context("web", pipelines=pipelines)) == [Root("web")]


def test_a_root_that_cannot_be_read_is_said_and_the_others_are_looked_at(ledger: Ledger) -> None:
    (ledger.stage.folder / "broken").mkdir()
    (ledger.stage.folder / "broken" / "main.tf").write_text('terraform { backend "http" { address = "" } }\n')
    steps = tuple(Step("terraform.apply", {"directory": name}) for name in ("broken", "infra", "absent"))
    context = ledger.context(None, pipelines=(Pipeline("p", steps),))
    found = TerraformObserver().observe(context)
    assert len(found) == 2
    assert found[-1].unreached == "broken: terraform state pull ended with exit code 1; absent: there is no such folder"
    with pytest.raises(Unreachable, match="ended with exit code 1"):
        TerraformObserver().observe(ledger.context("broken"))


@pytest.mark.parametrize(
    ("target", "sentence"), [("nowhere", "there is no folder"), ("..", "outside the project"), (None, "no pipeline")]
)
def test_a_target_that_is_none_is_a_sentence(ledger: Ledger, target: str | None, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        roots(ledger.context(target))


def test_without_terraform_it_cannot_be_looked_at(ledger: Ledger) -> None:
    with pytest.raises(Unreachable, match="on PATH"):
        TerraformObserver().observe(ledger.context(environment={"PATH": "/nowhere"}))


def test_only_applies_of_the_ledger_are_asked_for(ledger: Ledger) -> None:
    asked: list[str] = []

    def recorded(kind: str) -> list[RecordedEvidence]:
        asked.append(kind)
        return []

    TerraformObserver().observe(ledger.context(recorded=recorded))
    assert asked == [APPLY, OBSERVATION, TERRAFORM_CHANGES]

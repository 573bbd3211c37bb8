"""`infratrack deliver`: steps in order, one evidence each, the first that fails ends it."""

from __future__ import annotations

import json
import signal
import subprocess
from pathlib import Path

import pytest

from infratrack.evidence.predicates import RUN_START
from tests.capture.workshop import INFRATRACK, PROJECT, Workshop

PIPELINES = """\
pipelines:
  - id: good
    system: core
    deliverables: [smoke]
    tasks: [build]
    steps:
      - command: {argv: [sh, -c, "echo first; echo made > made"]}
      - command: {argv: [cat, made]}
  - id: bad
    steps:
      - command: {argv: ["true"]}
      - command: {argv: [sh, -c, "exit 9"]}
      - command: {argv: [touch, never]}
  - id: slow
    steps:
      - command: {argv: [sh, -c, "trap 'echo tidied; exit 130' INT; echo ready; while :; do sleep 0.05; done"]}
      - command: {argv: [touch, never]}
  - id: secret
    steps:
      - command: {argv: [sh, -c, "echo $API_TOKEN; echo ${INFRATRACK_SIGNING_KEY:-no key here}"]}
"""


@pytest.fixture
def shop(tmp_path: Path) -> Workshop:
    shop = Workshop(tmp_path)
    shop.write("infratrack.yaml", PROJECT + PIPELINES)
    return shop


def test_the_steps_run_in_order_and_each_leaves_evidence(shop: Workshop) -> None:
    ended = shop.infratrack("deliver", "good")
    assert ended.returncode == 0, ended.stderr
    told = [line for line in ended.stderr.splitlines() if not line.startswith("infratrack: ")]
    assert told == [
        "step 1/2 command",
        "  first",
        "command succeeded",
        "step 2/2 command",
        "  made",
        "command succeeded",
    ]
    assert ended.stdout == ""
    first, second = shop.ends()
    assert first.argv[:2] == ("sh", "-c")
    assert second.argv == ("cat", "made")
    assert (first.deliverables, first.tasks, first.system) == (("smoke",), ("build",), "core")
    assert first.predicate["labels"] == {"pipeline": "good"}
    assert sum(1 for one in shop.ledger() if one.predicate_type == RUN_START) == 2
    assert first.run_id != second.run_id


def test_the_first_failure_ends_it_with_its_own_code(shop: Workshop) -> None:
    ended = shop.infratrack("deliver", "bad", "--format", "json")
    assert ended.returncode == 9
    said = json.loads(ended.stdout)
    assert [(one["outcome"], one["exitCode"]) for one in said["steps"]] == [("succeeded", 0), ("failed", 9)]
    assert said["delivered"] is True
    assert not (shop.folder / "never").exists()
    assert [one.outcome for one in shop.ends()] == ["succeeded", "failed"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_request_to_stop_cancels_the_step_in_order(shop: Workshop, number: signal.Signals) -> None:
    with subprocess.Popen(
        [INFRATRACK, "deliver", "slow"],
        cwd=shop.folder,
        env=shop.environment,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stderr is not None
        while "ready" not in process.stderr.readline():
            pass
        process.send_signal(number)
        rest = process.stderr.read()
        assert process.wait(60) == 130
    assert "canceling" in rest
    assert "tidied" in rest
    assert not (shop.folder / "never").exists()
    assert [one.outcome for one in shop.ends()] == ["canceled"]


def test_an_unknown_pipeline_names_the_nearest(shop: Workshop) -> None:
    ended = shop.infratrack("deliver", "godo")
    assert ended.returncode == 2
    assert "did you mean good?" in ended.stderr


def test_a_project_without_pipelines_says_so(shop: Workshop) -> None:
    shop.write("infratrack.yaml", PROJECT)
    ended = shop.infratrack("deliver", "anything")
    assert ended.returncode == 2
    assert "declared are: none" in ended.stderr


def test_secrets_are_shown_to_nobody(shop: Workshop) -> None:
    shop.infratrack("key", "new", "ci")
    pem = (shop.home / "infratrack" / "keys" / "ci.pem").read_text()
    ended = shop.infratrack("deliver", "secret", API_TOKEN="env-secret-73191", INFRATRACK_SIGNING_KEY=pem)  # noqa: S106 -- planted
    assert ended.returncode == 0
    assert "env-secret-73191" not in ended.stderr
    assert "no key here" in ended.stderr


def test_what_cannot_be_recorded_is_not_run(shop: Workshop) -> None:
    shop.infratrack("key", "new", "ci")
    (shop.home / "infratrack" / "spool").write_text("not a folder")
    assert shop.infratrack("deliver", "good").returncode == 4
    assert not (shop.folder / "made").exists()


def test_an_unreachable_ledger_is_said_once_and_the_evidence_waits(shop: Workshop) -> None:
    shop.write(".infratrack", "not a folder")
    ended = shop.infratrack("deliver", "good")
    assert ended.returncode == 0
    assert ended.stderr.count("evidence waits in the spool") == 1
    assert len(shop.waiting()) == 4
    assert shop.infratrack("deliver", "good", "--require-delivery").returncode == 4


STEPS = """\
from infratrack.api import Collected, InputError, StepEnd, hookimpl
def end(context): return StepEnd(0, "failed", ("odd",), Collected("urn:odd:v1", {}), "it says 0 and failed")
def bug(context): raise ValueError("the secret is hunter2")
def sorry(context): raise InputError("no such root", "look again")
def nothing(context): return None
class Step:
    schema = {"description": "odd", "type": "object", "examples": [{}]}
    def __init__(self, run): self.run = run; self.name = "odd." + run.__name__
@hookimpl
def infratrack_steps(): return [Step(run) for run in (end, bug, sorry, nothing)]
"""


@pytest.mark.parametrize(
    ("step", "code", "outcome", "message"),
    [
        ("end", 1, "failed", "it says 0 and failed"),
        ("bug", 3, "indeterminate", "the plugin raised ValueError"),
        ("sorry", 2, "failed", "no such root (look again)"),
        ("nothing", 3, "indeterminate", "did not say how it ended"),
    ],
)
def test_a_step_that_goes_wrong_leaves_evidence_too(
    shop: Workshop, step: str, code: int, outcome: str, message: str
) -> None:
    shop.install("odd", STEPS)
    shop.write("infratrack.yaml", PROJECT + f"pipelines: [{{id: p, steps: [{{odd.{step}: {{}}}}]}}]\n")
    ended = shop.infratrack("deliver", "p")
    assert ended.returncode == code, ended.stderr
    assert message in ended.stderr
    assert "hunter2" not in ended.stderr
    assert [one.outcome for one in shop.ends()] == [outcome]


def test_a_step_whose_plugin_is_broken_is_an_invalid_project(shop: Workshop) -> None:
    shop.install("odd", "raise ImportError")
    shop.write("infratrack.yaml", PROJECT + "pipelines: [{id: p, steps: [{odd.end: {}}]}]\n")
    assert shop.infratrack("deliver", "p").returncode == 2

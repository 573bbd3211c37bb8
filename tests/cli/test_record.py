"""`infratrack record`: what other systems left, told by content, all or nothing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.capture.workshop import INFRATRACK, Workshop

GREEN = '<testsuite name="smoke" tests="1"><testcase classname="net" name="ping"/></testsuite>'
RED = GREEN.replace("/></testsuite>", '><failure message="no answer"/></testcase></testsuite>')


@pytest.fixture
def shop(tmp_path: Path) -> Workshop:
    return Workshop(tmp_path)


def test_a_report_is_recorded_with_its_links(shop: Workshop) -> None:
    shop.commit()
    shop.write("report.txt", GREEN)
    ended = shop.infratrack("record", "--deliverable", "smoke", "--task", "build", "--label", "a=b", "report.txt")
    assert ended.returncode == 0, ended.stderr
    assert "report.txt" in ended.stdout
    (end,) = shop.ledger()
    assert end.predicate_type == "https://in-toto.io/attestation/test-result/v0.1"
    assert (end.predicate["result"], end.outcome) == ("PASSED", "succeeded")
    assert (end.deliverables, end.tasks, end.predicate["labels"]) == (("smoke",), ("build",), {"a": "b"})
    assert end.run_id
    assert end.finished_at
    assert end.commit
    assert end.argv == ()


def test_a_foreign_kind_of_evidence_goes_by_its_short_name(shop: Workshop) -> None:
    shop.write("report.xml", GREEN)
    shop.infratrack("record", "report.xml", "report.xml")
    for arguments in (("ledger", "show"), ("ledger", "show", "--type", "test-result")):
        shown = shop.infratrack(*arguments).stdout
        assert shown.count("test-result") == 2
        assert "in-toto" not in shown


def test_several_files_are_several_pieces_of_evidence(shop: Workshop) -> None:
    shop.write("a.xml", GREEN)
    shop.write("b.xml", RED)
    ended = shop.infratrack("record", "--format", "json", "a.xml", "b.xml")
    said = json.loads(ended.stdout)
    assert [(one["source"], one["outcome"]) for one in said["evidence"]] == [
        ("a.xml", "succeeded"),
        ("b.xml", "failed"),
    ]
    assert said["delivered"] is True
    assert len({one.run_id for one in shop.ledger()}) == 2


PLAN = {"format_version": "1.2", "terraform_version": "1.11.4", "resource_changes": [], "planned_values": {"a": 1}}


@pytest.mark.parametrize(
    ("options", "scope"),
    [
        ((), ("sub", "default")),
        (("--directory", "./infra/", "--workspace", "prod"), ("infra", "prod")),
        (("--directory", "."), (".", "default")),
        (("--workspace", "a-b.c"), ("sub", "a-b.c")),
    ],
)
def test_what_a_document_is_about_can_be_named(
    shop: Workshop, options: tuple[str, ...], scope: tuple[str, str]
) -> None:
    path = shop.write("sub/plan.json", json.dumps(PLAN))
    ended = shop.infratrack("record", *options, "plan.json", cwd=path.parent)
    assert ended.returncode == 0, ended.stderr
    (end,) = shop.ledger()
    assert (end.predicate["result"]["root"], end.predicate["result"]["workspace"]) == scope


@pytest.mark.parametrize(
    "options",
    [
        ("--directory", ""), ("--directory", "/infra"), ("--directory", "../x"), ("--directory", "a/../.."),
        ("--directory", "a\nb"), ("--workspace", ""), ("--workspace", "a#b"), ("--workspace", "a/b"),
    ],
)  # fmt: skip
def test_what_can_be_no_scope_is_a_sentence(shop: Workshop, options: tuple[str, str]) -> None:
    shop.write("plan.json", json.dumps(PLAN))
    ended = shop.infratrack("record", *options, "plan.json")
    assert ended.returncode == 2
    assert ended.stderr.startswith(f"infratrack: {options[0]} ")
    assert shop.waiting() == []


def test_standard_input_can_be_recorded(shop: Workshop) -> None:
    assert shop.infratrack("record", "-", stdin=GREEN).returncode == 0
    assert len(shop.ledger()) == 1


@pytest.mark.parametrize("bad", ["nothing anybody knows", "", "<testsuite", "<html/>", "\0\0\0"])
def test_a_bad_file_is_a_sentence_and_nothing_is_half_recorded(shop: Workshop, bad: str) -> None:
    shop.write("a.xml", GREEN)
    shop.write("bad", bad)
    ended = shop.infratrack("record", "a.xml", "bad")
    assert ended.returncode == 2
    assert "bad" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert shop.waiting() == []
    assert not (shop.folder / ".infratrack").exists()


def test_what_is_understood_is_listed(shop: Workshop) -> None:
    shop.write("words.txt", "words")
    assert "JUnit XML test report" in shop.infratrack("record", "words.txt").stderr


def test_files_that_are_not_there_or_no_files_are_a_sentence(shop: Workshop) -> None:
    for name in ("missing.xml", "/dev/zero", "x" * 5_000):
        ended = shop.infratrack("record", name)
        assert ended.returncode == 2, name
        assert ended.stderr.startswith("infratrack: "), name


def test_a_folder_that_holds_nothing_known_is_a_sentence(shop: Workshop) -> None:
    (shop.folder / "empty").mkdir()
    assert "holds nothing that infratrack understands" in shop.infratrack("record", "empty").stderr


def test_an_invalid_project_is_refused(shop: Workshop) -> None:
    shop.write("a.xml", GREEN)
    shop.write("infratrack.yaml", "infratrack: 1\n")
    assert shop.infratrack("record", "a.xml").returncode == 2


def test_evidence_waits_when_the_ledger_cannot_be_reached(shop: Workshop) -> None:
    shop.write("a.xml", GREEN)
    shop.write(".infratrack", "not a folder")
    ended = shop.infratrack("record", "a.xml")
    assert ended.returncode == 0
    assert "evidence waits in the spool" in ended.stderr
    assert shop.infratrack("record", "--require-delivery", "a.xml").returncode == 4


def test_an_unwritable_spool_is_exit_4(shop: Workshop) -> None:
    shop.write("a.xml", GREEN)
    shop.infratrack("key", "new", "ci")
    (shop.home / "infratrack" / "spool").write_text("not a folder")
    assert shop.infratrack("record", "a.xml").returncode == 4


RECORDER = """\
from infratrack.api import Collected, hookimpl
class Recorder:
    name = "throwaway"
    def detect(self, source): return source.content is not None and source.content.startswith(b"throw")
    def read(self, source):
        if b"raise" in source.content: raise ValueError("the secret is hunter2")
        if b"none" in source.content: return []
        return [Collected("urn:throwaway:v1", {}, finished_at=1_767_603_600_000_000)]
class Odd(Recorder):
    name = "odd"
    def detect(self, source): 1 / 0
@hookimpl
def infratrack_recorders(): return [Odd(), Recorder()]
"""


def test_a_source_that_says_when_it_happened_is_believed(shop: Workshop) -> None:
    shop.install("throwaway", RECORDER)
    shop.write("a", "throw")
    assert shop.infratrack("record", "a").returncode == 0
    assert shop.ledger()[0].finished_at == 1_767_603_600_000_000


@pytest.mark.parametrize("content", ["throw raise", "throw none"])
def test_a_recorder_that_fails_is_a_sentence(shop: Workshop, content: str) -> None:
    shop.install("throwaway", RECORDER)
    shop.write("a", content)
    ended = shop.infratrack("record", "a")
    assert ended.returncode == 2
    assert "hunter2" not in ended.stderr
    assert "throwaway" in ended.stderr


def test_a_pipe_can_be_recorded(shop: Workshop) -> None:
    shop.write("a.xml", GREEN)
    ended = shop.run("bash", "-c", f"{INFRATRACK} record <(cat a.xml)")
    assert ended.returncode == 0, ended.stderr
    assert "https://in-toto.io/attestation/test-result/v0.1" in [one.predicate_type for one in shop.ends()]

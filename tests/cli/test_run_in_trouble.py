"""`infratrack run` when something is wrong with us: the command runs, and a line says what is lost."""

from __future__ import annotations

import resource
import signal
import subprocess
from pathlib import Path

import pytest

from infratrack.evidence.predicates import RUN_START
from tests.capture.workshop import INFRATRACK, PROJECT, Workshop


@pytest.fixture
def shop(tmp_path: Path) -> Workshop:
    return Workshop(tmp_path)


def assert_ran_unrecorded(shop: Workshop, ended: subprocess.CompletedProcess[str], reason: str) -> None:
    assert (ended.returncode, ended.stdout) == (7, "ran\n")
    lines = [line for line in ended.stderr.splitlines() if line.startswith("infratrack: ")]
    assert any(reason in line for line in lines), ended.stderr
    assert "Traceback" not in ended.stderr


RAN = ("sh", "-c", "echo ran; exit 7")


def test_without_a_project_the_command_runs(shop: Workshop) -> None:
    (shop.folder / "infratrack.yaml").unlink()
    assert_ran_unrecorded(shop, shop.run(*RAN), "this run is not recorded")


@pytest.mark.parametrize("text", ["", "\0", "- 1\n", "project: 7\n", "{", "&a [*a, *a]", "\ufeff\n", "infratrack: 1\n"])
def test_with_a_hopeless_project_file_the_command_runs(shop: Workshop, text: str) -> None:
    shop.write("infratrack.yaml", text)
    ended = shop.run(*RAN)
    assert_ran_unrecorded(shop, ended, "infratrack: ")
    assert "this run is not recorded" not in ended.stderr or "recorded without" not in ended.stderr


def test_with_a_broken_project_file_evidence_waits_without_a_definition(shop: Workshop) -> None:
    shop.write("infratrack.yaml", PROJECT + "nonsense: true\n")
    assert_ran_unrecorded(shop, shop.run(*RAN), "recorded without a definition")
    (end,) = [one for one in shop.waiting() if one.predicate_type != RUN_START]
    assert (end.project_id, end.exit_code, end.definition_digest) == ("dc-west", 7, None)
    shop.write("infratrack.yaml", PROJECT)
    shop.run("true")
    assert [one.exit_code for one in shop.ends()] == [7, 0]


@pytest.mark.parametrize("home", ["/dev/null", "/proc/nonexistent", "/dev/null/deeper"])
def test_with_an_unwritable_home_the_command_runs(shop: Workshop, home: str) -> None:
    assert_ran_unrecorded(shop, shop.run(*RAN, INFRATRACK_HOME=home), "this run is not recorded")


def test_on_a_full_disk_the_command_runs(shop: Workshop) -> None:
    shop.infratrack("key", "new", "ci")

    def fill() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))

    ended = subprocess.run(
        [INFRATRACK, "run", "--", *RAN],
        cwd=shop.folder,
        env=shop.environment,
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=fill,
    )
    assert_ran_unrecorded(shop, ended, "this run is not recorded")
    assert shop.waiting() == []


def test_with_an_unknown_or_damaged_key_the_command_runs(shop: Workshop) -> None:
    assert_ran_unrecorded(shop, shop.infratrack("run", "--key", "nobody", "--", *RAN), "no key named 'nobody'")
    assert_ran_unrecorded(shop, shop.run(*RAN, INFRATRACK_SIGNING_KEY="nonsense"), "INFRATRACK_SIGNING_KEY")


def test_from_a_folder_that_is_gone_the_command_runs(shop: Workshop) -> None:
    script = f"mkdir gone; cd gone; rmdir ../gone; exec {INFRATRACK} run -- sh -c 'echo ran; exit 7'"
    ended = subprocess.run(
        ["sh", "-c", script], cwd=shop.folder, env=shop.environment, capture_output=True, text=True, check=False
    )
    assert (ended.returncode, ended.stdout) == (7, "ran\n")
    assert "Traceback" not in ended.stderr


def test_without_standard_streams_the_command_runs(shop: Workshop) -> None:
    script = f"{INFRATRACK} run -- sh -c 'touch ran; exit 7' <&- >&- 2>&-"
    ended = subprocess.run(["sh", "-c", script], cwd=shop.folder, env=shop.environment, check=False)
    assert ended.returncode == 7
    assert (shop.folder / "ran").exists()


def test_a_bug_of_ours_does_not_stop_the_command(shop: Workshop) -> None:
    broken = shop.write("broken/sitecustomize.py", "import sys\nsys.modules['infratrack.capture.preparation'] = None\n")
    ended = shop.run(*RAN, PYTHONPATH=str(broken.parent))
    assert_ran_unrecorded(shop, ended, "because of a bug in infratrack (ModuleNotFoundError)")
    (report,) = (shop.home / "infratrack" / "reports").iterdir()
    assert "infratrack/capture/run.py" in report.read_text()


# Delivery.


@pytest.fixture
def unreachable(shop: Workshop) -> Workshop:
    """The ledger's folder is a file."""
    shop.write(".infratrack", "not a folder")
    return shop


def test_when_the_ledger_cannot_be_reached_the_evidence_waits(unreachable: Workshop) -> None:
    ended = unreachable.run(*RAN)
    assert_ran_unrecorded(unreachable, ended, "the evidence waits in the spool")
    assert "infratrack spool send" in ended.stderr
    assert len(unreachable.waiting()) == 2
    (unreachable.folder / ".infratrack").unlink()
    unreachable.run("true")
    assert [one.exit_code for one in unreachable.ends()] == [7, 0]
    assert unreachable.waiting() == []


def test_require_delivery_turns_a_failed_delivery_into_a_failure(unreachable: Workshop) -> None:
    assert unreachable.infratrack("run", "--require-delivery", "--", "true").returncode == 4
    assert unreachable.infratrack("run", "--require-delivery", "--", *RAN).returncode == 7


def test_require_delivery_with_delivery_returns_the_commands_code(shop: Workshop) -> None:
    assert shop.infratrack("run", "--require-delivery", "--", "true").returncode == 0
    (shop.folder / "infratrack.yaml").unlink()
    assert shop.infratrack("run", "--require-delivery", "--", "true").returncode == 4


# Secrets.


def test_planted_secrets_are_found_nowhere(shop: Workshop) -> None:
    shop.commit()
    shop.git("remote", "add", "origin", "https://anna:remote-secret-4711@git.example.org/west.git")
    shop.with_environment({"API_TOKEN": "env-secret-73191", "SOME_PASSWORD": "label-secret-env"})
    secrets = ("remote-secret-4711", "argv-secret-9f3b27", "url-secret-55812", "env-secret-73191", "label-secret-env")
    shop.infratrack(
        "run",
        "--log",
        "--label",
        "note=env-secret-73191",
        "--deliverable",
        "env-secret-73191",
        "--",
        "sh",
        "-c",
        "echo $API_TOKEN; printenv API_TOKEN | base64",
        "--password=argv-secret-9f3b27",
        "https://u:url-secret-55812@example.org/",
    )
    shop.infratrack("run", "--label", "note=label-secret-env", "--", "true")
    assert len(shop.ends()) == 2
    for path, content in shop.files():
        for secret in secrets:
            assert secret.encode() not in content, path


def test_bytes_of_no_encoding_in_the_command_line_are_recorded(shop: Workshop) -> None:
    ended = subprocess.run(
        [INFRATRACK.encode(), b"run", b"--", b"printf", b"%s", b"caf\xe9"],
        cwd=shop.folder,
        env=shop.environment,
        capture_output=True,
        check=False,
    )
    assert ended.stdout == b"caf\xe9"
    assert shop.ends()[0].argv == ("printf", "%s", "caf�")

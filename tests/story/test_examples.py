"""Every example does what its README says, with real Terraform and real Ansible."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.netbox_server.server import NetBoxServer as NetBox
from tests.story.machine import EXAMPLES, Machine

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("example", ["core-network", "cloud-migration", "data-centre-refresh"])
def test_the_commands_in_the_readme_end_with_everything_delivered(
    machine: Callable[[str | None], Machine], example: str
) -> None:
    here = machine(example)
    here.sh("git init -q -b main .")
    blocks = re.findall(r"```sh\n(.*?)```", (EXAMPLES / example / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    here.sh("\n".join(blocks))
    status = json.loads(here.sh("infratrack status --format json"))
    assert status["progress"] == 1
    assert {one["status"] for one in status["deliverables"]} <= {"complete", "accepted"}
    assert "accepted" in {one["status"] for one in status["deliverables"]}


def test_the_commands_for_a_netbox_end_with_its_agreement(
    machine: Callable[[str | None], Machine], empty_netbox: NetBox
) -> None:
    here = machine("core-network")
    here.environment |= {"NETBOX_URL": empty_netbox.url, "NETBOX_TOKEN": empty_netbox.token}
    here.sh("git init -q -b main .")
    text = (EXAMPLES / "core-network" / "README.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```sh(?:ell)?\n(.*?)```", text, re.DOTALL)
    assert len(blocks) == 2
    printed = here.sh("\n".join(blocks))
    assert empty_netbox.token not in printed
    status = json.loads(here.sh("infratrack status --format json"))
    assert {one["id"]: one["status"] for one in status["deliverables"]}["vlan-records"] == "complete"
    assert status["progress"] == 1
    assert sorted((vlan.vid, vlan.name) for vlan in empty_netbox.api.ipam.vlans.all()) == [
        (10, "servers"),
        (20, "storage"),
    ]


def test_every_example_is_run() -> None:
    folders = {path.parent.name for path in EXAMPLES.glob("*/infratrack.yaml")}
    assert folders == {"core-network", "cloud-migration", "data-centre-refresh"}


def test_the_declared_pipeline_delivers_the_same_as_the_wrapped_commands(
    machine: Callable[[str | None], Machine],
) -> None:
    here = machine("core-network")
    here.keys("ci", "anna")
    here.git()
    here.sh("infratrack deliver core --key ci")
    here.sh("infratrack accept core-vlans --key anna --comment 'Seen'")
    here.sh("infratrack status --check")


def test_the_demo_plays_to_its_end(tmp_path: Path, machine: Callable[[str | None], Machine]) -> None:
    here = machine(None)
    played = subprocess.run(
        [sys.executable, "-m", "infratrack", "demo", "--folder", str(tmp_path / "demo")],
        env=here.environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert played.returncode == 0, played.stdout + played.stderr
    for word in ("accepted", "regressed", "complete", "damage"):
        assert word in played.stdout.lower(), word


def test_the_demo_goes_on_with_a_netbox_and_leaves_it_as_it_was(
    tmp_path: Path, machine: Callable[[str | None], Machine], empty_netbox: NetBox
) -> None:
    here = machine(None)
    played = subprocess.run(
        [sys.executable, "-m", "infratrack", "demo", "--folder", str(tmp_path / "demo")],
        env={**here.environment, "NETBOX_URL": empty_netbox.url, "NETBOX_TOKEN": empty_netbox.token},
        capture_output=True,
        text=True,
        check=False,
    )
    assert played.returncode == 0, played.stdout + played.stderr
    for word in ("conflict, changed by admin", "1 unrecorded change", "servers-old → servers", "3 deleted"):
        assert word in played.stdout, word
    assert empty_netbox.token not in played.stdout + played.stderr
    assert list(empty_netbox.api.ipam.vlans.all()) + list(empty_netbox.api.dcim.sites.all()) == []

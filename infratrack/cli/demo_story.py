"""The story that the demo plays, command by command."""

from __future__ import annotations

import re

from infratrack.cli.demo_netbox import play_netbox
from infratrack.cli.demo_stage import Stage, must_say
from infratrack.errors import AnswerIsNo


def play(stage: Stage) -> None:
    """Play all acts; an act that does not end as it must ends the demo with exit code 1."""
    terraform = f"{stage.terraform} -chdir=infra"
    _plan_in_git(stage)
    _build(stage, terraform)
    _accept(stage)
    _drift(stage, terraform)
    _repair(stage, terraform)
    if stage.environment.get("NETBOX_URL") and stage.environment.get("NETBOX_TOKEN"):
        play_netbox(stage)
    else:
        stage.say("With NETBOX_URL and NETBOX_TOKEN set, the demo goes on here: NetBox is made to agree.")
    _tamper(stage)
    stage.say("That is infratrack: a plan in Git, signed evidence, and a status nobody has to believe.")


def _plan_in_git(stage: Stage) -> None:
    stage.say("A plan in Git: two VLANs, two switches, a smoke test. Who signs is part of the plan.")
    stage.type("git init -q -b main . && mkdir -p keys")
    for name in ("ci", "anna"):
        stage.type(f"infratrack key new {name}", quiet=True)
        stage.type(f"infratrack key export {name} > keys/{name}.pub")
    stage.type("infratrack validate")
    stage.type("git add -A && git commit -q -m 'Plan the core network'")
    stage.type("infratrack status")


def _build(stage: Stage, terraform: str) -> None:
    stage.say("The pipeline runs as ever, with one word in front of each command.")
    stage.set("INFRATRACK_KEY", "ci")
    stage.type(f"{terraform} init -input=false", quiet=True)
    run = "infratrack run --system core-network --"
    stage.type(f"{run} {terraform} plan -input=false -out=tfplan", quiet=True)
    stage.type(f"{run} {terraform} apply -input=false tfplan", quiet=True)
    stage.type(f"{run} ansible-playbook -i inventory.ini site.yml", quiet=True)
    stage.type(f"{run} python3 smoke_test.py")
    stage.type("infratrack status --check")


def _accept(stage: Stage) -> None:
    stage.say("A pipeline can complete a deliverable. Only a person whom the plan names can accept it.")
    stage.type("infratrack accept core-vlans --comment 'Looks fine to the pipeline'", expect=(5,))
    stage.type("infratrack accept core-vlans --key anna --comment 'Both VLANs seen on both switches'")


def _drift(stage: Stage, terraform: str) -> None:
    stage.say("At night somebody removes a VLAN behind everybody's back. The next plan sees it.")
    target = "'terraform_data.vlan[1]'"
    stage.type(f"{terraform} destroy -auto-approve -input=false -target={target}", quiet=True)
    stage.type(f"infratrack run --system core-network -- {terraform} plan -input=false -out=tfplan", quiet=True)
    stage.type("infratrack status --check", expect=(1,))
    must_say(stage.type("infratrack explain core-vlans"), "regressed")


def _repair(stage: Stage, terraform: str) -> None:
    stage.say("The repair is evidence like any other.")
    stage.type(f"infratrack run --system core-network -- {terraform} apply -input=false tfplan", quiet=True)
    stage.type("infratrack status --check")
    stage.type("infratrack ledger verify")


def _tamper(stage: Stage) -> None:
    stage.say("Last, one byte of the ledger is altered: verification names the entry.")
    ledger = stage.folder / ".infratrack" / "ledger.db"
    found = re.search(rb'"payload":"', ledger.read_bytes())
    if found is None:
        raise AnswerIsNo("the demo stopped: the ledger holds no envelope", "run `infratrack demo --keep`")
    place = found.end() + 40
    stage.type(f"printf x | dd of=.infratrack/ledger.db bs=1 seek={place} conv=notrunc 2>/dev/null")
    must_say(stage.type("infratrack ledger verify", expect=(6,)), "entry")

"""The demo with a NetBox: it is made to agree, somebody changes it, that is found out, and it is left as it was."""

from __future__ import annotations

import re

from infratrack.cli.demo_stage import Stage, must_say
from infratrack.errors import AnswerIsNo


def play_netbox(stage: Stage) -> None:
    """Play it against the server that NETBOX_URL and NETBOX_TOKEN name. What it makes there it takes away again."""
    run = _agree(stage)
    _rename(stage)
    _take_back(stage)
    stage.say("A sync can be taken back from its own evidence. NetBox is left as it was found.")
    stage.type(f"infratrack sync netbox --undo {run} --apply --yes")


def _agree(stage: Stage) -> str:
    stage.say("A deliverable is not done while NetBox says something else. What it should hold comes from Terraform.")
    stage.type("cp netbox/records.yaml plan/ && git add -A && git commit -q -m 'NetBox must agree'")
    run = _synced(stage, "")
    stage.type("infratrack observe netbox")
    must_say(stage.type("infratrack status --check"), "netbox agrees with the build")
    return run


def _rename(stage: Stage) -> None:
    stage.say("Somebody renames a VLAN in NetBox by hand. No evidence explains it, and no sync writes over it.")
    stage.type("python3 netbox/rename_by_hand.py 10 servers-old")
    must_say(stage.type("infratrack sync netbox --check", expect=(1,)), "conflict")
    stage.type("infratrack observe netbox --changelog")
    stage.type("infratrack observe netbox")
    must_say(stage.type("infratrack status --check", expect=(1,)), "regressed")


def _take_back(stage: Stage) -> None:
    stage.say("The plan's name is the right one, so the owner says which side wins, field by field.")
    _synced(stage, " --take-ours name")
    stage.type("infratrack observe netbox")
    stage.type("infratrack status --check")


def _synced(stage: Stage, options: str) -> str:
    """Apply, and return the id of the run that did it."""
    printed = stage.type(f"infratrack sync netbox --apply --yes{options}")
    run = re.search(r"--undo (\S+)", printed)
    if run is None:
        raise AnswerIsNo("the demo stopped: the sync does not say its run", "run `infratrack demo --keep`")
    return run[1]

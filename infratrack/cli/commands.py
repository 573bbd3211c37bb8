"""The top of the command line: every command by name, where it lives, and one line about it."""

from __future__ import annotations

from typing import Final

import click

from infratrack import __version__
from infratrack.cli.lazy import LazyGroup

COMMANDS: Final = {
    "init": ("infratrack.cli.init:init", "Write a small working project into this folder."),
    "validate": ("infratrack.cli.validate:validate", "Check the project file and list everything that is wrong."),
    "schema": ("infratrack.cli.schema:schema", "Print the JSON Schema of the project file for editors."),
    "run": ("infratrack.cli.run:run", "Run a command and leave signed evidence of it."),
    "deliver": ("infratrack.cli.deliver:deliver", "Run a pipeline that the project declares."),
    "record": ("infratrack.cli.record:record", "Record what another system left: plans, reports, runs."),
    "observe": ("infratrack.cli.observe:observe", "Look at the world and leave signed observations."),
    "sync": ("infratrack.cli.sync:sync", "Show how a CMDB differs from the sources, and bring it into agreement."),
    "links": ("infratrack.cli.links:links", "Propose links that the project file does not have yet."),
    "status": ("infratrack.cli.status:status", "Show what is delivered, computed from the evidence."),
    "summary": ("infratrack.cli.summary:summary", "Tell a job's summary: status, what fails, what plans would turn."),
    "comment": ("infratrack.cli.comment:comment", "Keep one comment on a pull request or merge request up to date."),
    "explain": ("infratrack.cli.explain:explain", "Explain a deliverable's status, down to run and person."),
    "accept": ("infratrack.cli.accept:accept", "Sign a deliverable off."),
    "ledger": ("infratrack.cli.ledger:ledger", "Show, verify, prove, export and import the ledger."),
    "key": ("infratrack.cli.key:key", "Make, list and export signing keys."),
    "identity": ("infratrack.cli.identity:identity", "Show what the CI system says of this job, and fetch its keys."),
    "spool": ("infratrack.cli.spool:spool", "Show, send, pack and unpack evidence that waits on this machine."),
    "ci": ("infratrack.cli.ci:ci", "Write pipelines for GitHub, GitLab, Jenkins, Azure and Atlantis."),
    "demo": ("infratrack.cli.demo:demo", "Play the whole story with real Terraform and Ansible."),
    "completion": ("infratrack.cli.completion:completion", "Print shell completion for bash, zsh or fish."),
}


@click.group(
    cls=LazyGroup,
    commands_by_name=COMMANDS,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Example: infratrack run -- terraform apply tfplan",
)
@click.version_option(__version__, prog_name="infratrack")
def infratrack() -> None:
    """Delivery you can prove: the plan in Git, signed evidence from pipelines, progress computed from both."""

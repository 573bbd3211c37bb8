"""Facts of a large plan, against what `terraform show -json` itself takes for it in the same run."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec

from infratrack.api import sha256_digest
from infratrack.evidence.redaction.scrubber import Scrubber
from infratrack_terraform.plan import read_plan
from infratrack_terraform.plan_file import describe_plan_file
from infratrack_terraform.results import Setting, plan_result
from infratrack_terraform.wanted import wanted_values
from tests.benchmarks.measure import Measure, interleaved

RESOURCES: Final = int(os.environ.get("INFRATRACK_BENCH_RESOURCES", "10000"))
"""Planning 10,000 resources takes a minute or two; fewer do for a quick look."""
ROUNDS: Final = 3

CONFIGURATION: Final = """
variable "pw" {
  sensitive = true
  default   = "a-secret-for-the-benchmark"
}
resource "terraform_data" "vlan" {
  count = COUNT
  input = { id = count.index, name = "vlan-${count.index}", pw = var.pw }
}
"""


def measure() -> Iterator[Measure]:
    """The facts added to `show -json`, from its output to the scrubbed result ready for a statement."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "main.tf").write_text(CONFIGURATION.replace("COUNT", str(RESOURCES)))
        environment = {**os.environ, "TF_CLI_CONFIG_FILE": "/dev/null", "CHECKPOINT_DISABLE": "1"}

        def terraform(*arguments: str) -> bytes:
            return subprocess.run(
                ["terraform", *arguments], cwd=folder, env=environment, capture_output=True, check=True
            ).stdout

        terraform("plan", "-input=false", "-out=tfplan")
        plan_file = folder / "tfplan"
        shown = terraform("show", "-json", "tfplan")
        wanted = wanted_values(
            {"terraform.resource": ({"address": "terraform_data.vlan[7]", "attribute": "input.id"},)}
        )

        def facts() -> object:
            content = plan_file.read_bytes()
            sha256_digest(content)
            file = describe_plan_file(content)
            plan = read_plan(shown, "the plan", wanted)
            return msgspec.json.encode(Scrubber(plan.secrets).json(plan_result(Setting(".", "default"), plan, file)))

        ours, peers = interleaved(facts, lambda: terraform("show", "-json", "tfplan"), ROUNDS)
        yield Measure(
            f"facts of a plan of {RESOURCES} resources",
            ours,
            "terraform show -json",
            peers,
            bar=0.25,
            note=f"added to it; {len(shown) / 1e6:.1f} MB of plan JSON",
        )

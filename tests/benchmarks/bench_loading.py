"""Loading a project of 10,000 tasks with a deliverable each, against what others need for the same text."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.benchmarks.measure import Measure, interleaved, process

TASKS = 10_000
BAR = 0.35
ROUNDS = 3

_YAML = "import sys, yaml; yaml.load(open(sys.argv[1], encoding='utf-8'), Loader=yaml.CSafeLoader)"
_YAML_AND_SCHEMA = """
import json, sys, jsonschema, yaml
class Loader(yaml.CSafeLoader): pass
Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if not tag.endswith(':timestamp')]
    for first, resolvers in yaml.CSafeLoader.yaml_implicit_resolvers.items()
}
data = yaml.load(open(sys.argv[1], encoding='utf-8'), Loader=Loader)
schema = json.load(open(sys.argv[2], encoding='utf-8'))
assert jsonschema.Draft202012Validator(schema).is_valid(data)
"""


def project_text(tasks: int) -> str:
    """A project as a person would write it: tasks in a chain, each with a deliverable."""
    lines = ["infratrack: 1", "project: {id: big, name: Big, start: 2026-01-05}", "tasks:"]
    for n in range(tasks):
        depends = f", depends: [t{n - 1}]" if n else ""
        lines.append(f"  - {{id: t{n}, name: Task number {n}, duration: 3d, deliverables: [d{n}]{depends}}}")
    lines.append("deliverables:")
    for n in range(tasks):
        lines += [
            f"  - id: d{n}",
            f"    name: Deliverable {n}",
            "    weight: 3",
            "    done_when:",
            "      all:",
            f"        - terraform.applied: {{resources: 'terraform_data.vlan{n}[*]', min: 2}}",
            "        - terraform.converged: {within: 7d}",
        ]
    return "\n".join(lines) + "\n"


def measure() -> Iterator[Measure]:
    """Whole processes: `infratrack validate` beside PyYAML's C loader, and beside PyYAML with jsonschema."""
    binary = str(Path(sys.executable).with_name("infratrack"))
    schema = Path(__file__).resolve().parents[2] / "schemas" / "v1" / "project.schema.json"
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "infratrack.yaml"
        file.write_text(project_text(TASKS), encoding="utf-8")
        ours = process([binary, "validate", "-C", str(file)])
        yaml = process([sys.executable, "-c", _YAML, str(file)])
        both = process([sys.executable, "-c", _YAML_AND_SCHEMA, str(file), str(schema)])
        note = f"{TASKS:,} tasks, {TASKS:,} deliverables; whole processes"
        name = "infratrack validate"
        mine, theirs = interleaved(ours, yaml, ROUNDS)
        yield Measure(name, mine, "PyYAML's C loader alone", theirs, BAR, note)
        mine, theirs = interleaved(ours, both, ROUNDS)
        yield Measure(name, mine, "PyYAML + jsonschema", theirs, None, note)

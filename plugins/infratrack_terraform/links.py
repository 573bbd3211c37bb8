"""`infratrack links suggest`, Terraform's part: asks for each root's graph, read-only and without the state."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from infratrack.api import LinkSuggestion, ObserveContext, Project, Unreachable
from infratrack_terraform.client import BINARY_HINT, Terraform, Unread, find_tool
from infratrack_terraform.graph import read_graph, suggestions
from infratrack_terraform.observer import roots

GRAPH_SECONDS: Final = 60.0


class TerraformLinks:
    """Proposes links from the references between resources."""

    name: Final = "terraform"

    def suggest(self, context: ObserveContext, project: Project) -> Sequence[LinkSuggestion]:
        """What the graphs of all roots suggest. InputError without a root, Unreachable when none could be read."""
        found: list[LinkSuggestion] = []
        problems: list[str] = []
        directories = list(dict.fromkeys(root.directory for root in roots(context)))
        for directory in directories:
            folder = context.folder / directory
            tool = find_tool(context.environment, folder)
            if tool is None:
                raise Unreachable("neither terraform nor tofu is on PATH", BINARY_HINT)
            try:
                dot = Terraform(tool, folder, context.environment).call(["graph"], "terraform graph", GRAPH_SECONDS)
            except Unread as problem:
                problems.append(f"{directory}: {problem}")
                continue
            graph = read_graph(dot.decode(errors="replace"))
            found.extend(suggestions(graph, directory, context.deliverables, project))
        if problems:
            context.report("; ".join(problems))
        if len(problems) == len(directories):
            raise Unreachable("; ".join(problems), "run terraform init there first")
        return found

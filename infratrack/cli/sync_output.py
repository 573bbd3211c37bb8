"""Prints a sync: the plan, and what came of it, in the format that was asked for. Standard output."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click
from msgspec import structs

from infratrack.report.sync_applied import Applied

if TYPE_CHECKING:
    from infratrack.capture.sync import Plan


class SyncOutput:
    """One format. JSON is one document, printed when all is known; the others are printed as it comes."""

    def __init__(self, output_format: str, *, everything: bool) -> None:
        self._format = output_format
        self._everything = everything

    def plan(self, plan: Plan) -> None:
        """Print a plan that is not carried out."""
        if self._format == "json":
            self._json(self._document(plan))
        else:
            self.before(plan)

    def before(self, plan: Plan) -> None:
        """Print a plan that is about to be carried out."""
        if self._format == "markdown":
            from infratrack.report.sync_markdown import plan_markdown  # noqa: PLC0415 -- one format is printed

            click.echo(plan_markdown(plan.shown, everything=self._everything), nl=False)
        elif self._format == "table":
            self._table(plan, sys.stdout)
        if sys.stdout is not None:
            sys.stdout.flush()

    def for_question(self, plan: Plan) -> None:
        """Show a person what they are asked about, where standard output is for a program."""
        if self._format != "table" or not sys.stdout.isatty():
            self._table(plan, sys.stderr)

    def applied(self, plan: Plan, applied: Applied, *, delivered: bool) -> None:
        """Print what came of the plan."""
        applied = structs.replace(applied, delivered=delivered)
        if self._format == "json":
            from infratrack.report.sync_applied import applied_document  # noqa: PLC0415 -- one format is printed

            self._json(applied_document(self._document(plan), applied))
        elif self._format == "markdown":
            from infratrack.report.sync_markdown import applied_markdown  # noqa: PLC0415 -- likewise

            click.echo(applied_markdown(applied), nl=False)
        else:
            from infratrack.report.sync_applied import print_applied  # noqa: PLC0415 -- likewise
            from infratrack.report.terminal import terminal  # noqa: PLC0415 -- likewise

            print_applied(terminal(), applied, plan.shown.cmdb)

    def _table(self, plan: Plan, file: Any) -> None:  # noqa: ANN401 -- a text stream
        from infratrack.report.sync_table import print_plan  # noqa: PLC0415 -- brings rich along
        from infratrack.report.terminal import terminal  # noqa: PLC0415 -- likewise

        print_plan(terminal(file), plan.shown, everything=self._everything)

    def _document(self, plan: Plan) -> dict[str, Any]:
        from infratrack.report.sync_json import plan_document  # noqa: PLC0415 -- one format is printed

        return plan_document(plan.shown, plan.digest)

    def _json(self, document: dict[str, Any]) -> None:
        from infratrack.report.status_json import written  # noqa: PLC0415 -- likewise

        click.echo(written(document), nl=False)

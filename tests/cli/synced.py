"""A project whose CMDB is a spreadsheet: a whole `infratrack sync` without any server."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from infratrack.evidence.statement import Statement
from tests.capture.workshop import Workshop

KIND = "urn:infratrack:evidence:csv-sync:v1"
PROJECT = """\
infratrack: 1
project: {id: dc-west, name: West}
trust: {signers: [{name: ci, key: ci.pub}]}
tasks:
  - {id: build, name: Build, duration: 1d, deliverables: [smoke]}
deliverables:
  - {id: smoke, name: Smoke test passes, done_when: {command.succeeded: {command: "true"}}}
cmdb:
  csv:
    files: {device: inventory.csv}
    own: {column: managed_by, value: dc-west}
    records:
      - type: device
        each: {file: devices.yaml}
        key: {name: "{name}"}
        fields: {site: "{site}", status: "{status}"}
"""


class SyncShop(Workshop):
    """One project on one machine, with a trusted key, a source and a spreadsheet."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.infratrack("key", "new", "ci")
        self.write("ci.pub", self.infratrack("key", "export", "ci").stdout)
        self.write("infratrack.yaml", PROJECT)
        self.sheet([])
        self.desire(a="active", b="active")

    def desire(self, **status: str) -> None:
        """Name → status of every device that the source has."""
        devices = [{"name": name, "site": "ams1", "status": value} for name, value in status.items()]
        self.write("devices.yaml", json.dumps(devices))

    def sheet(self, rows: Sequence[Mapping[str, str]]) -> None:
        """Write the spreadsheet."""
        text = io.StringIO()
        writer = csv.DictWriter(text, ["id", "name", "site", "status", "managed_by"], lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
        self.write("inventory.csv", text.getvalue())

    def rows(self) -> list[dict[str, str]]:
        """What the spreadsheet holds."""
        return list(csv.DictReader(io.StringIO((self.folder / "inventory.csv").read_text(encoding="utf-8-sig"))))

    def states(self) -> dict[str, str]:
        """Name → status in the spreadsheet."""
        return {row["name"]: row["status"] for row in self.rows()}

    def edit(self, name: str, **cells: str) -> None:
        """Change a row as somebody with an editor would."""
        self.sheet([{**row, **(cells if row["name"] == name else {})} for row in self.rows()])

    def sync(self, *arguments: str, code: int = 0) -> Any:
        """`infratrack sync csv --format json …`: what it prints."""
        ended = self.infratrack("sync", "csv", "--format", "json", *arguments)
        assert ended.returncode == code, (ended.returncode, ended.stdout, ended.stderr)
        return json.loads(ended.stdout) if ended.stdout else ended.stderr

    def syncs(self) -> list[Statement]:
        """The evidence of syncs in the ledger."""
        return [one for one in self.ledger() if one.predicate_type == KIND]

    def actions(self, *arguments: str) -> dict[str, str]:
        """Name → planned action."""
        return {one["key"]["name"]: one["action"] for one in self.sync(*arguments)["records"]}

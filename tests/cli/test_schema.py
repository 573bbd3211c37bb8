"""`infratrack schema`, and the copy of what it prints that is shipped."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from infratrack.project.schema_files import schema_file

INFRATRACK = Path(sys.executable).with_name("infratrack")


def test_the_shipped_schema_is_what_the_command_prints() -> None:
    printed = subprocess.run([INFRATRACK, "schema"], capture_output=True, check=True).stdout
    # To make it anew: infratrack schema > schemas/v1/project.schema.json
    assert json.loads(printed) == json.loads(schema_file("v1/project.schema.json"))
    assert b'"criterion-terraform.applied"' in printed

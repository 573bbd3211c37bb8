"""The templates of pipelines as they are shipped, and the files that they make for one CI system."""

from __future__ import annotations

from importlib import resources
from typing import Final

from infratrack.pipelines.init_files import SYSTEMS, PipelineFile
from infratrack.pipelines.init_setup import Setup

_PACKAGE: Final = "infratrack.pipelines"


def pipeline_files(system: str, setup: Setup) -> list[PipelineFile]:
    """The files of a pipeline for `system` (a name of SYSTEMS), in the order in which they are read."""
    folder = resources.files(_PACKAGE) / "templates" / system
    templates = {file.name: file.read_text(encoding="utf-8") for file in folder.iterdir() if file.is_file()}
    return SYSTEMS[system](setup, templates)

"""Documents name files, schemas and predicate types that exist, and leave none out."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from msgspec import structs

from infratrack.evidence.predicates import Actor, Ci, GitState, Links, Run, RunPredicate, Seen
from infratrack.plugin_manager import load_plugins

CHECKOUT = Path(__file__).resolve().parents[2]
DOCUMENTS = [CHECKOUT / "README.md", CHECKOUT / "CHANGELOG.md", *sorted((CHECKOUT / "docs").glob("*.md"))]

pytestmark = pytest.mark.checkout


def test_every_file_on_the_walk_exists() -> None:
    text = (CHECKOUT / "docs" / "architecture.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`((?:[\w-]+/)*[\w-]+\.py)`", text))
    assert len(named) > 30
    roots = [CHECKOUT, CHECKOUT / "infratrack", CHECKOUT / "plugins" / "infratrack_terraform"]
    # Files beside one that was named in full: "`plugins/x/client.py`, `criteria.py`".
    roots += {(root / name).parent for name in named if "/" in name for root in roots if (root / name).is_file()}
    assert not [name for name in named if not any((root / name).is_file() for root in roots)]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_within_the_repository_lead_somewhere(document: Path) -> None:
    targets = re.findall(r"\]\((?!https?://|#)([^)#]+)", document.read_text(encoding="utf-8"))
    assert not [target for target in targets if not (document.parent / target).exists()]


def test_the_formats_name_every_predicate_type() -> None:
    text = (CHECKOUT / "docs" / "formats.md").read_text(encoding="utf-8")
    known = set(load_plugins().evidence_types)
    assert known
    assert not {predicate_type for predicate_type in known if f"`{predicate_type}`" not in text}


def test_the_formats_name_every_member_of_a_predicate() -> None:
    text = (CHECKOUT / "docs" / "formats.md").read_text(encoding="utf-8")
    table = text.split("Every predicate of a run carries:", 1)[1].split("\n\nTimes", 1)[0]
    rows = dict(re.findall(r"^\| `(\w+)(?:\[\])?` \| (.+) \|$", table, re.MULTILINE))
    assert set(rows) == {field.encode_name for field in structs.fields(RunPredicate)} | {"result"}
    for member, kind in (
        ("run", Run),
        ("actor", Actor),
        ("ci", Ci),
        ("git", GitState),
        ("links", Links),
        ("seen", Seen),
    ):
        named = {name.removesuffix("[]") for name in re.findall(r"`([a-zA-Z]+(?:\[\])?)`", rows[member])}
        missing = {field.encode_name for field in structs.fields(kind)} - named
        assert not missing, member


def test_every_package_stands_in_the_folder_list() -> None:
    text = (CHECKOUT / "docs" / "architecture.md").read_text(encoding="utf-8")
    listing = text.split("```text", 1)[1].split("```", 1)[0]
    there = {path.name for path in (CHECKOUT / "infratrack").iterdir() if path.suffix == ".py" or path.is_dir()}
    modules = {name for name in there if not name.startswith("_")}
    assert not {name for name in modules if name not in listing}
    plugins = {path.name.removeprefix("infratrack") for path in (CHECKOUT / "plugins").glob("infratrack_*")}
    assert not {name for name in plugins if name not in listing}


def test_schemas_are_json_and_carry_a_title() -> None:
    schemas = sorted((CHECKOUT / "schemas").rglob("*.json"))
    assert schemas
    for path in schemas:
        assert json.loads(path.read_text(encoding="utf-8")).get("title"), path

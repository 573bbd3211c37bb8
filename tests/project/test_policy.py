from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from infratrack.errors import InputError
from infratrack.project.definition import project_from_definition
from infratrack.project.model import Project
from infratrack.project.policy import governed, trusting_nobody

Load = Callable[..., Project]
KEY = "-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n"
PROTECTED = """\
infratrack: 1
project: {id: p, name: P}
ledger: sqlite:///.infratrack/ours.db
trust: {signers: [{name: ci, key: ci.pub}]}
people: [{id: anna, keys: [anna.pub], roles: [lead]}, {id: mallory}]
tasks: [{id: t, name: T, owner: anna}]
deliverables:
  - {id: core, name: Core, accepted_by: [lead], done_when: {signoff: {by: lead}}}
  - {id: free, name: Free, done_when: {signoff: {by: lead}}}
  - {id: gone, name: Gone, accepted_by: [lead], done_when: {signoff: {by: lead}}}
"""
PROPOSED = """\
infratrack: 1
project: {id: p, name: A better name}
ledger: sqlite:///elsewhere.db
trust: {signers: [{name: ci, key: ci.pub}, {name: mine, key: mallory.pub}]}
people: [{id: anna, keys: [mallory.pub]}, {id: mallory, keys: [mallory.pub], roles: [lead]}]
tasks: [{id: t, name: T, owner: mallory}]
deliverables:
  - {id: core, name: Core, accepted_by: [mallory], done_when: {terraform.applied: {resources: '*'}}}
  - {id: free, name: Free, accepted_by: [mallory], done_when: {signoff: {by: lead}}}
  - {id: new, name: New, accepted_by: [mallory], done_when: {signoff: {by: mallory}}}
"""


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    for name in ("ci", "anna", "mallory"):
        (tmp_path / f"{name}.pub").write_text(KEY.format(name))
    return tmp_path


@pytest.mark.usefixtures("keys")
def test_a_proposal_changes_the_work_and_nobodys_rights(load: Load) -> None:
    protected = load(PROTECTED)
    mixed = governed(load(PROPOSED), protected, "origin/main")
    assert (mixed.signers, mixed.people, mixed.ledger) == (protected.signers, protected.people, protected.ledger)
    assert mixed.key_files == {"ci.pub": KEY.format("ci"), "anna.pub": KEY.format("anna")}
    assert {one.id: one.accepted_by for one in mixed.deliverables} == {"core": ("lead",), "free": (), "new": ()}
    core, _, new = mixed.deliverables
    assert (mixed.name, mixed.tasks[0].owner, core.done_when.name, new.name) == (  # type: ignore[union-attr]
        "A better name", "mallory", "terraform.applied", "New",
    )  # fmt: skip


@pytest.mark.usefixtures("keys")
def test_what_it_was_judged_by_is_a_definition_that_can_be_pinned_and_read_again(load: Load) -> None:
    mixed = governed(load(PROPOSED), load(PROTECTED), "origin/main")
    assert project_from_definition(mixed.definition.document) == mixed
    assert b"mallory.pub" not in mixed.definition.document


@pytest.mark.usefixtures("keys")
def test_a_proposal_that_takes_no_right_is_taken_as_it_is(load: Load) -> None:
    protected = load(PROTECTED)
    assert governed(protected, load(PROTECTED), "origin/main") is protected
    more = load(PROTECTED.replace("name: T,", "name: Another,"))
    assert governed(more, protected, "origin/main") is more


def test_a_project_of_another_id_is_another_project(load: Load) -> None:
    own, other = (load(f"infratrack: 1\nproject: {{id: {name}, name: P}}\n") for name in "ab")
    with pytest.raises(InputError, match="call the project 'a', at origin/main it is 'b'"):
        governed(own, other, "origin/main")


@pytest.mark.usefixtures("keys")
def test_where_nothing_says_whom_to_trust_nobody_is_trusted(load: Load) -> None:
    nobody = trusting_nobody(load(PROPOSED))
    assert (nobody.signers, nobody.people, nobody.key_files) == ((), (), {})
    assert {one.accepted_by for one in nobody.deliverables} == {()}
    assert nobody.ledger == "sqlite:///elsewhere.db"
    bare = load("infratrack: 1\nproject: {id: p, name: P}\n")
    assert trusting_nobody(bare) is bare

"""What is proposed for a folder with playbooks."""

from __future__ import annotations

from pathlib import Path

import pytest

from infratrack.api import Proposal
from infratrack_ansible import infratrack_proposals
from infratrack_ansible.proposals import MOST_PROPOSALS, plays_in, propose

PLAY = "- hosts: core\n  tasks: []\n"


def test_playbooks_and_inventories_are_found(tmp_path: Path) -> None:
    (tmp_path / "ansible").mkdir()
    (tmp_path / "ansible/site.yml").write_text(PLAY + "- hosts: [edge, lab]\n  vars: {a: !vault x}\n")
    (tmp_path / "ansible/inventory.ini").write_text("core-1\n")
    (tmp_path / "ansible/tasks.yml").write_text("- debug: {msg: 'hosts: x'}\n")
    (tmp_path / "roles").mkdir()
    (tmp_path / "roles/x.yml").write_text(PLAY)
    (tmp_path / "a/b/c/d/e").mkdir(parents=True)
    (tmp_path / "a/b/c/d/e/deep.yml").write_text(PLAY)
    (tmp_path / "gone.yml").symlink_to(tmp_path / "nowhere")
    assert infratrack_proposals(tmp_path) == [
        Proposal(
            comment="ansible/site.yml is an Ansible playbook with 2 plays for core, edge:lab",
            deliverable={
                "id": "ansible-site-configured",
                "name": "ansible/site.yml applied",
                "done_when": {"all": [{"ansible.succeeded": {"playbook": "ansible/site.yml"}}]},
            },
            pipeline={
                "id": "ansible-site",
                "steps": [{"ansible.playbook": {"playbook": "ansible/site.yml", "inventory": "ansible/inventory.ini"}}],
            },
        )
    ]


def test_without_an_inventory_and_with_many_playbooks(tmp_path: Path) -> None:
    for number in range(MOST_PROPOSALS + 3):
        (tmp_path / f"play-{number:02}.yaml").write_text(PLAY)
    found = propose(tmp_path)
    assert len(found) == MOST_PROPOSALS
    assert found[0].pipeline == {"id": "play-00", "steps": [{"ansible.playbook": {"playbook": "play-00.yaml"}}]}
    assert found[0].comment == "play-00.yaml is an Ansible playbook with 1 play for core"


def test_too_many_files_and_too_large_ones_end_the_search(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.yml").write_text(PLAY + "#" * 99)
    monkeypatch.setattr("infratrack_ansible.proposals.LARGEST_FILE", 20)
    assert propose(tmp_path) == []
    monkeypatch.setattr("infratrack_ansible.proposals.MOST_FILES", 0)
    assert propose(tmp_path) == []


@pytest.mark.parametrize(
    "text",
    [
        "",
        "hosts: x",
        "- hosts: {",
        "- hosts: x\n- 7",
        "hosts:\n- x",
        "- name: 'hosts: x'",
        "- hosts: x\n  d: 2020-99-99",
    ],
)
def test_what_is_no_playbook(text: str) -> None:
    assert plays_in(text) == []

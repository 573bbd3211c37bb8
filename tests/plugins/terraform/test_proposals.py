"""What init proposes for Terraform configuration that it finds."""

from __future__ import annotations

from pathlib import Path

from infratrack_terraform import infratrack_proposals

RESOURCE = 'resource "terraform_data" "x" {}\n'


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_each_root_is_proposed_and_modules_are_not(tmp_path: Path) -> None:
    write(tmp_path / "infra" / "prod site" / "main.tf", RESOURCE * 2)
    write(tmp_path / "only-modules" / "main.tf", 'module "a" {\n  source = "../modules/a"\n}\n')
    write(tmp_path / "modules" / "a" / "main.tf", RESOURCE)
    write(tmp_path / ".terraform" / "x" / "main.tf", RESOURCE)
    write(tmp_path / "notes" / "main.tf", "# nothing\n")
    write(tmp_path / "a" / "b" / "c" / "d" / "e" / "main.tf", RESOURCE)
    (tmp_path / "infra" / "odd.tf").mkdir()
    first, second = infratrack_proposals(tmp_path)
    assert first.comment == "infra/prod site/ holds Terraform configuration with 2 resources"
    assert first.deliverable["id"] == "infra-prod-site"
    assert first.deliverable["done_when"]["all"][0] == {
        "terraform.applied": {"resources": "*", "directory": "infra/prod site"}
    }
    assert first.pipeline
    assert first.pipeline["steps"][1] == {"terraform.apply": {"directory": "infra/prod site"}}
    assert second.deliverable["id"] == "only-modules"


def test_the_folder_itself_may_be_a_root(tmp_path: Path) -> None:
    write(tmp_path / "main.tf", RESOURCE)
    (proposal,) = infratrack_proposals(tmp_path)
    assert proposal.comment == "This folder holds Terraform configuration with 1 resource"
    assert proposal.deliverable["id"] == "infrastructure"
    assert proposal.deliverable["done_when"]["all"][0] == {"terraform.applied": {"resources": "*"}}


def test_nothing_is_proposed_for_nothing_and_not_too_much_for_a_lot(tmp_path: Path) -> None:
    assert infratrack_proposals(tmp_path) == []
    for number in range(30):
        write(tmp_path / f"root-{number}" / "main.tf", RESOURCE)
    assert len(infratrack_proposals(tmp_path)) == 20

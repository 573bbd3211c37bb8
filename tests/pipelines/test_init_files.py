"""Templates and a setup make the files of a pipeline: complete, for every system, and with nothing left open."""

from __future__ import annotations

import pytest
import yaml

from infratrack.pipelines.init import pipeline_files
from infratrack.pipelines.init_advice import advice_for, keeps_state
from infratrack.pipelines.init_files import SYSTEMS
from infratrack.pipelines.init_setup import Setup

FULL = Setup(
    branch="trunk",
    project="platform",
    roots=("network", "servers/core"),
    playbooks=("site.yml -i hosts.ini", "dns.yml"),
    looks=("terraform network", "netbox --changelog"),
    requirement="infratrack[terraform]==1.2",
)
SMALL = Setup(branch="main", project=".", roots=(), playbooks=("site.yml",), looks=(), requirement="infratrack==1.2")


def texts(system: str, setup: Setup) -> dict[str, str]:
    return {file.path: file.text for file in pipeline_files(system, setup)}


@pytest.mark.parametrize("setup", [FULL, SMALL], ids=["full", "small"])
@pytest.mark.parametrize("system", SYSTEMS)
def test_no_place_is_left_open_and_every_line_can_be_read(system: str, setup: Setup) -> None:
    files = pipeline_files(system, setup)
    assert sum(file.entry for file in files) == 1
    for file in files:
        assert "@@" not in file.text
        assert file.text.endswith("\n")
        assert not [line for line in file.text.splitlines() if line != line.rstrip()]
        assert "never overwritten" in file.text.splitlines()[0]


def test_github_is_told_what_to_do_by_inputs() -> None:
    document = yaml.safe_load(texts("github", FULL)[".github/workflows/infratrack.yml"])
    assert document["jobs"]["infratrack"]["with"] == {
        "branch": "trunk",
        "project": "platform",
        "terraform": "network\nservers/core\n",
        "playbooks": "site.yml -i hosts.ini\ndns.yml\n",
        "observe": "terraform network\nnetbox --changelog\n",
    }
    small = yaml.safe_load(texts("github", SMALL)[".github/workflows/infratrack.yml"])
    assert small["jobs"]["infratrack"]["with"] == {"branch": "main", "playbooks": "site.yml\n"}


def test_gitlab_is_told_what_to_do_by_inputs() -> None:
    (include,) = yaml.safe_load(texts("gitlab", FULL)[".gitlab-ci.yml"])["include"]
    assert include["inputs"] == {
        "project": "platform",
        "terraform": "network; servers/core",
        "playbooks": "site.yml -i hosts.ini; dns.yml",
        "observe": "terraform network; netbox --changelog",
    }


@pytest.mark.parametrize(("system", "file"), [("jenkins", "Jenkinsfile"), ("azure", "azure-pipelines.yml")])
def test_jenkins_and_azure_have_every_command_in_order(system: str, file: str) -> None:
    lines = [line.strip() for line in texts(system, FULL)[file].splitlines()]
    first = lines.index("infratrack run -- terraform -chdir=network apply -input=false tfplan")
    assert lines[first - 5 : first + 6] == [
        "terraform -chdir=network init -input=false",
        "infratrack run -- terraform -chdir=network plan -input=false -out=tfplan",
        "terraform -chdir=servers/core init -input=false",
        "infratrack run -- terraform -chdir=servers/core plan -input=false -out=tfplan",
        "# A gate goes here: a command that fails when nothing may be applied now.",
        "infratrack run -- terraform -chdir=network apply -input=false tfplan",
        "infratrack run -- terraform -chdir=servers/core apply -input=false tfplan",
        "infratrack run -- ansible-playbook site.yml -i hosts.ini",
        "infratrack run -- ansible-playbook dns.yml",
        "infratrack observe terraform network",
        "infratrack observe netbox --changelog",
    ]


def test_atlantis_knows_every_root_and_the_server_how_to_build_it() -> None:
    written = texts("atlantis", FULL)
    projects = yaml.safe_load(written["atlantis.yaml"])["projects"]
    assert [one["dir"] for one in projects] == ["platform/network", "platform/servers/core"]
    assert {one["workflow"] for one in projects} == {"infratrack"}
    server = yaml.safe_load(written[".atlantis/repos.yaml"])
    assert server["repos"][0]["allowed_overrides"] == ["workflow"]
    assert "infratrack" in server["workflows"]


@pytest.mark.parametrize("system", SYSTEMS)
def test_the_advice_names_the_key_and_a_ledger_that_outlives_the_job(system: str) -> None:
    advice = advice_for(system, ledger="sqlite:///.infratrack/ledger.db", trusts_somebody=False)
    assert any("ledger: git:infratrack/ledger" in step for step in advice.steps)
    assert any("`trust: {signers:" in step for step in advice.steps)
    assert advice.secrets
    later = advice_for(system, ledger="git:infratrack/ledger", trusts_somebody=True)
    assert not any("ledger: git" in step for step in later.steps)
    assert any("add {name: ci" in step for step in later.steps)


def test_on_azure_the_key_belongs_into_a_group_with_branch_control() -> None:
    secret, _ = advice_for("azure", ledger="git:l", trusts_somebody=True).secrets
    assert "variable group `infratrack`" in secret.where
    assert "Branch control" in secret.where


def test_roots_whose_state_would_go_with_the_machine_are_named() -> None:
    assert not keeps_state(['resource "terraform_data" "cloud" {}\n# backend "s3" {}\n', ""])
    for text in (
        'terraform {\n  backend "s3" {}\n}',
        "terraform {\n  cloud {\n",
        '{"terraform": {\n"backend": {"s3": {}}}}',
    ):
        assert keeps_state(["", text])
    first = advice_for("github", ledger="git:l", trusts_somebody=True, stateless=["infra", "site"]).steps[0]
    assert first.startswith("Terraform root infra, site: say where its state is kept")

"""Secrets planted everywhere that tools are known to leave them: none may be found in anything that we keep or show."""

from __future__ import annotations

import base64
import urllib.parse
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.story.machine import Machine

pytestmark = pytest.mark.slow

PLACES = (
    "tfvar-environment",
    "tfvar-argument",
    "tfvars-file",
    "variable-default",
    "nested-attribute",
    "sensitive-output",
    "check-message",
    "provisioner-output",
    "old-state",
    "ansible-vars",
    "ansible-extra",
    "ansible-nolog",
    "ansible-loop",
    "ansible-registered",
    "ansible-diff",
    "ansible-taskname",
    "environment",
    "argv-flag",
    "argv-header",
    "argv-url",
    "git-remote",
    "label",
    "junit-message",
    "log-output",
)
SECRET = {place: f"Pl4nted-{place}-q9Z" for place in PLACES}

TERRAFORM = """
variable "from_environment" {
  type      = string
  sensitive = true
}
variable "from_argument" {
  type      = string
  sensitive = true
}
variable "from_file" {
  type      = string
  sensitive = true
}
variable "by_default" {
  type      = string
  default   = "%(variable-default)s"
  sensitive = true
}
resource "terraform_data" "holder" {
  input = {
    nested = [{ deep = sensitive("%(nested-attribute)s") }, var.from_environment]
    more   = { argument = var.from_argument, file = var.from_file, default = var.by_default }
  }
  provisioner "local-exec" {
    command = "echo %(provisioner-output)s"
  }
}
resource "terraform_data" "replaced" {
  triggers_replace = sensitive("%(old-state)s")
}
check "message" {
  assert {
    condition     = terraform_data.holder.id == "never"
    error_message = "not equal: %(check-message)s"
  }
}
output "secret" {
  value     = "%(sensitive-output)s"
  sensitive = true
}
"""

PLAYBOOK = """
- name: Plant secrets
  hosts: all
  gather_facts: false
  vars:
    password: "%(ansible-vars)s"
    in_a_name: "%(ansible-taskname)s"
  tasks:
    - name: Set it
      ansible.builtin.set_fact:
        registered: "%(ansible-registered)s"
      no_log: true
    - name: Hidden
      ansible.builtin.debug:
        msg: "%(ansible-nolog)s"
      no_log: true
    - name: "Named {{ in_a_name }}"
      ansible.builtin.debug:
        msg: "{{ registered }} {{ password }} {{ extra }}"
    - name: Loop
      ansible.builtin.debug:
        msg: "{{ item }}"
      loop: ["%(ansible-loop)s", other]
    - name: Diff
      ansible.builtin.copy:
        dest: "{{ playbook_dir }}/diffed"
        content: "%(ansible-diff)s"
        mode: "0600"
"""

JUNIT = """<testsuites><testsuite name="acceptance" tests="1" failures="1"><testcase classname="a" name="b">
<failure message="got %(junit-message)s">got %(junit-message)s</failure></testcase></testsuite></testsuites>"""


def forms(secret: str) -> Iterator[bytes]:
    """The secret as it may stand in a file: plain, URL-encoded, and base64 at each of the three alignments."""
    plain = secret.encode()
    yield plain
    yield urllib.parse.quote(secret, safe="").encode()
    for shift in range(3):
        encoded = base64.b64encode(b"x" * shift + plain)
        yield encoded[4 if shift else 0 : len(encoded) // 4 * 4 - 4]


def kept(folder: Path) -> Iterator[tuple[Path, bytes]]:
    """Every file that infratrack wrote; base64 payloads in it are also looked into."""
    for path in folder.rglob("*"):
        if path.is_file() and path.suffix != ".pem":
            content = path.read_bytes()
            yield path, content
            for part in content.split(b'"'):
                if len(part) > 100:
                    try:
                        yield path, base64.b64decode(part, validate=True)
                    except ValueError:
                        continue


def test_none_of_the_planted_secrets_is_found(machine: Callable[[str | None], Machine], tmp_path: Path) -> None:
    here = machine("core-network")
    (here.folder / "infra" / "main.tf").write_text(TERRAFORM % SECRET)
    (here.folder / "infra" / "secret.auto.tfvars").write_text(f'from_file = "{SECRET["tfvars-file"]}"\n')
    (here.folder / "site.yml").write_text(PLAYBOOK % SECRET)
    (here.folder / "report.xml").write_text(JUNIT % SECRET)
    here.git()
    here.sh(f"git remote add origin https://ci:{SECRET['git-remote']}@example.com/dc/west.git")
    here.keys("ci", "anna")
    here.environment |= {
        "TF_VAR_from_environment": SECRET["tfvar-environment"],
        "DEPLOY_TOKEN": SECRET["environment"],
        "INFRATRACK_KEY": "ci",
    }
    shown = [
        here.sh("terraform -chdir=infra init -input=false"),
        here.sh(
            "infratrack run --label note=$DEPLOY_TOKEN -- terraform -chdir=infra plan -input=false -out=tfplan "
            f"-var from_argument={SECRET['tfvar-argument']} > /dev/null"
        ),
        here.sh("terraform -chdir=infra show -json tfplan > plan.json && infratrack record plan.json && rm plan.json"),
        here.sh("infratrack run -- terraform -chdir=infra apply -input=false tfplan > /dev/null"),
        here.sh("terraform -chdir=infra show -json > state.json && infratrack record state.json && rm state.json"),
        here.sh("sed -i s/q9Z/q9Y/ infra/main.tf"),
        here.sh(
            "infratrack run -- terraform -chdir=infra apply -input=false -auto-approve "
            f"-var from_argument={SECRET['tfvar-argument']} > /dev/null"
        ),
        here.sh(
            "infratrack run -- ansible-playbook -i inventory.ini --diff site.yml "
            f"-e extra={SECRET['ansible-extra']} > /dev/null"
        ),
        here.sh("infratrack record report.xml"),
        here.sh(
            f"infratrack run --label token={SECRET['label']} -- true --password {SECRET['argv-flag']} "
            f"-H 'Authorization: Bearer {SECRET['argv-header']}' https://u:{SECRET['argv-url']}@example.com/x"
        ),
        here.sh(f"infratrack run --log -- sh -c 'echo password={SECRET['log-output']}' > /dev/null"),
        here.sh("infratrack status; infratrack status --format json; infratrack status --format markdown"),
        here.sh("infratrack explain core-vlans; infratrack explain switch-config --format json"),
        here.sh("infratrack ledger show --format json; infratrack ledger verify"),
        here.sh("infratrack ledger export bundle"),
    ]
    (tmp_path / "shown").mkdir()
    (tmp_path / "shown" / "everything").write_text("\n".join(shown), encoding="utf-8")
    places = (here.folder / ".infratrack", here.folder / "bundle", tmp_path / "home", tmp_path / "shown")
    assert (here.folder / ".infratrack" / "ledger.db").is_file()
    found = [
        f"{place} in {path.relative_to(tmp_path)}"
        for folder in places
        for path, content in kept(folder)
        for place, secret in SECRET.items()
        for form in forms(secret)
        if form in content
    ]
    assert not found, "\n".join(sorted(set(found)))

"""Command lines: the values of secret flags, variables and headers go, everything else stays as it was typed."""

from __future__ import annotations

import shlex

import pytest

from infratrack.evidence.redaction import MASK, Scrubber, secrets_in_argv


def scrubbed(command: str) -> str:
    """The command line after the scrubber, as one text; masks as `#`."""
    return " ".join(word.replace(MASK, "#") for word in Scrubber(salt=b"").argv(shlex.split(command)))


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        # Terraform
        ("terraform plan -var region=eu -var 'db=a b' -out=x", "terraform plan -var region=# -var db=# -out=x"),
        ("terraform plan -var=a=b --var=c=d", "terraform plan -var=a=# --var=c=#"),
        ("terraform plan -var 'x=[\"a\"]' -var novalue", "terraform plan -var x=# -var novalue"),
        ("terraform plan -var a= -var-file=prod.tfvars", "terraform plan -var a= -var-file=prod.tfvars"),
        ("terraform apply -parallelism=10 -target=module.a.b_c.d tfplan", None),
        ("terraform -chdir=infra plan -detailed-exitcode -input=false", None),
        (
            "terraform init -backend-config=access_key=a -backend-config=bucket=b -backend-config conn_str=c",
            "terraform init -backend-config=access_key=# -backend-config=bucket=b -backend-config conn_str=#",
        ),
        ("terraform init -backend-config=backend.hcl", None),
        ("TF_VAR_anything=x1 terraform plan", "TF_VAR_anything=# terraform plan"),
        # Ansible
        ("ansible-playbook a.yml -e token=abc -e @b.yml -e '{\"c\": 1}'",
         "ansible-playbook a.yml -e token=# -e @b.yml -e #"),
        ("ansible-playbook --extra-vars 'a=1 b=2' site.yml", "ansible-playbook --extra-vars a=# site.yml"),
        ("ansible-playbook --vault-password-file x --ask-become-pass -K --check site.yml", None),
        ("ansible-playbook -i hosts -l core-1 -u deploy site.yml", None),
        ("ansible-playbook --private-key keys/id site.yml", "ansible-playbook --private-key # site.yml"),
        # Flags that name a secret
        ("tool --password abc --token=abc --api-key abc", "tool --password # --token=# --api-key #"),
        ("tool --password is --token changed", "tool --password # --token #"),
        ("tool --password --verbose", None),
        ("tool --password", None),
        ("tool --no-password x --ask-pass x", None),
        ("tool --password '' --token=$TOKEN --password=true", "tool --password  --token=$TOKEN --password=true"),
        ("tool --token-file a --secret-name b --key-path c", None),
        # Single letters
        ("mysql -uroot -pS3cret! -h db", "mysql -uroot -p# -h db"),
        ("ssh -p 2222 host", None),
        ("docker run -p8080:80 -p 443:443 image", "docker run -p8080:80 -p # image"),
        ("docker login -u me -p abc", "docker login -u me -p #"),
        ("docker login -p ''", None),
        ("sh -c \"docker login -p ''\"", None),
        ("sshpass -p abc ssh host", "sshpass -p # ssh host"),
        ("mkdir -p a/b", None),
        # Headers and users
        ("curl -H 'Authorization: Bearer abc' -H 'Accept: x' https://h/", "curl -H Authorization: # -H Accept: x https://h/"),
        ("curl --header='X-Api-Key: abc' -H odd", "curl --header=X-Api-Key: # -H odd"),
        ("curl -u me:abc https://h/", "curl -u me:# https://h/"),
        ("curl --user me https://h/", None),
        ("docker run -u 1000:1000 image", None),
        # Assignments and URLs
        ("env TOKEN=abc A=b make", "env TOKEN=# A=b make"),
        ("make PASSWORD=abc TOKEN= deploy", "make PASSWORD=# TOKEN= deploy"),
        ("git clone https://me:abc@h/r.git", "git clone https://me:#@h/r.git"),
        ("psql postgres://u:p%40ss@h/d?sslmode=on", "psql postgres://u:#@h/d?sslmode=on"),
        # Scripts
        ("sh -c 'PGPASSWORD=abc psql && curl -u me:xyz h'", "sh -c PGPASSWORD=# psql && curl -u me:# h"),
        ("bash -ec 'make a b'", None),
        ("bash -c \"sh -c 'x --password abc'\"", "bash -c sh -c 'x --password #'"),
        ("bash -c \"it's --password abc\"", "bash -c it's --password #"),
        ("bash script.sh --password abc", "bash script.sh --password #"),
        ("sh -c 'x --password \"\"'", 'sh -c x --password ""'),
    ],
)  # fmt: skip
def test_what_is_masked_and_what_stays(typed: str, kept: str | None) -> None:
    assert scrubbed(typed) == (" ".join(shlex.split(typed)) if kept is None else kept)


def test_scripts_in_scripts_in_scripts_end_somewhere() -> None:
    script = "x --password abcdef"
    for _ in range(6):
        script = f"sh -c {shlex.quote(script)}"
    assert "abcdef" not in scrubbed(script)


def test_an_empty_command_line_is_one() -> None:
    assert Scrubber(salt=b"").argv([]) == ()
    assert secrets_in_argv([]) == frozenset()


def test_secrets_of_a_command_line_are_searched_elsewhere() -> None:
    argv = [
        "tool", "-var", "db_password=plain", "-var", "region=eu-west-1", "-var", "pw=S3cret!", "-u", "me:letmein",
        "-H", "Authorization: Bearer abc.def", "-e", '{"a": ["in-json"], "b": 1}', "--token=abc",
        "-backend-config=token=tk",
    ]  # fmt: skip
    assert secrets_in_argv(argv) == {
        "plain", "S3cret!", "letmein", "Bearer abc.def", "abc.def", '{"a": ["in-json"], "b": 1}', "abc", "tk",
    }  # fmt: skip


def test_arguments_of_no_encoding_come_out_as_visible_escapes() -> None:
    assert Scrubber(["b\udcfftoken"], salt=b"").argv(["a\udcff", "xb\udcfftokeny"]) == ("a\\udcff", f"x{MASK}y")

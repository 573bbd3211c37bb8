"""What a pipeline has to do is found out, and only names that fit into any pipeline get there."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infratrack.errors import InputError
from infratrack.pipelines.init_setup import Setup, Work, requirement_for, setup_of, work_of_steps


def made(asked: Work = Work(), found: Work = Work(), **more: str) -> Setup:  # noqa: B008 -- frozen
    return setup_of(asked, found, **({"branch": "main", "project": ".", "requirement": "infratrack==1"} | more))


def test_steps_give_roots_playbooks_and_looks_each_once_and_in_order() -> None:
    work = work_of_steps(
        [
            ("terraform.plan", {"directory": "network"}),
            ("terraform.apply", {"directory": "network"}),
            ("terraform.plan", {}),
            ("ansible.playbook", {"playbook": "site.yml", "inventory": "hosts.ini"}),
            ("ansible.playbook", {"playbook": "dns.yml"}),
            ("command", {"argv": ["true"]}),
        ]
    )
    assert work == Work(("network", "."), ("site.yml -i hosts.ini", "dns.yml"), ("terraform network", "terraform ."))


def test_what_is_asked_for_replaces_what_was_found() -> None:
    found = Work(("network",), ("site.yml",), ("terraform network",))
    assert made(found=found).roots == ("network",)
    assert made(found=found).looks == ("terraform network",)
    asked = made(Work(roots=("./servers/",)), found)
    assert (asked.roots, asked.playbooks, asked.looks) == (("servers",), (), ("terraform servers",))
    assert made(Work(looks=("netbox --changelog",)), found).looks == ("netbox --changelog",)
    assert made(Work(playbooks=("dns.yml  -e 'a=1'",)), found).playbooks == ("dns.yml -e a=1",)


def test_without_anything_to_do_it_says_how_to_name_it() -> None:
    with pytest.raises(InputError) as caught:
        made()
    assert "--terraform" in caught.value.hint


@pytest.mark.parametrize("name", ["../up", "/etc", "-rf", "a b", "a;b", "$(id)", "a\nb", "ü", "a/../b", "x" * 300])
def test_a_folder_that_could_do_harm_in_a_shell_is_refused(name: str) -> None:
    with pytest.raises(InputError, match="cannot stand in a pipeline as it is"):
        made(Work(roots=(name,)))
    with pytest.raises(InputError, match="cannot stand in a pipeline as it is"):
        made(Work(roots=("ok",)), project=name)


@pytest.mark.parametrize("line", ["", "-i hosts site.yml", "site.yml; id", "site.yml 'a b'", "site.yml 'a", "a `id`"])
def test_a_playbook_that_could_do_harm_in_a_shell_is_refused(line: str) -> None:
    with pytest.raises(InputError, match="cannot stand in a pipeline as it is"):
        made(Work(playbooks=(line,)))


@pytest.mark.parametrize("branch", ["", "-x", "a..b", "a//b", "a b", "main/", ".main", "a'b", "main.", "a\n"])
def test_a_branch_that_is_none_is_refused(branch: str) -> None:
    with pytest.raises(InputError, match="cannot be the branch"):
        made(Work(roots=("ok",)), branch=branch)


def test_a_requirement_that_pip_would_not_take_is_refused() -> None:
    with pytest.raises(InputError, match="nothing that pip installs"):
        made(Work(roots=("ok",)), requirement="infratrack; id")
    assert made(Work(roots=("ok",)), requirement="").requirement == ""


@given(st.text(max_size=40))
def test_whatever_a_root_is_called_it_stands_in_a_shell_as_one_word_or_not_at_all(name: str) -> None:
    try:
        (root,) = made(Work(roots=(name,))).roots
    except InputError:
        return
    assert set(root) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._/-")
    assert not root.startswith(("-", "/"))


@pytest.mark.parametrize(
    ("work", "requirement"),
    [
        (
            Work(("infra",), ("site.yml",), ("netbox",)),
            "infratrack[forge,terraform,terraform-binary,ansible,netbox]==1.2",
        ),
        (Work(looks=("git",)), "infratrack[forge]==1.2"),
    ],
)
def test_what_pip_installs_is_this_version_with_what_the_work_needs(work: Work, requirement: str) -> None:
    assert requirement_for("1.2", work) == requirement

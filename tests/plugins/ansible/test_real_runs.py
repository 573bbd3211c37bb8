"""Real ansible-playbook runs, followed by the collector: what comes of hosts, tasks and odd endings."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from typing import Any

import pytest

from infratrack.api import CommandEnd
from infratrack_ansible.collector import AnsibleCollector
from tests.plugins.ansible.conftest import ANSIBLE_PLAYBOOK, Site, inventory

pytestmark = pytest.mark.slow

HEAD = "- hosts: core\n  gather_facts: false\n"


def tasks_of(playbook: dict[str, Any]) -> dict[str, dict[str, list[str]]]:
    return {task.get("name") or task["action"]: task["results"] for task in playbook["tasks"]}


def test_hosts_tasks_and_counts_of_a_plain_run(site: Site) -> None:
    run = site.play(
        HEAD + "  tasks:\n"
        "  - name: Touch {{ inventory_hostname }}\n"
        "    ansible.builtin.copy: {dest: '{{ playbook_dir }}/{{ inventory_hostname }}', content: x}\n"
        "  - debug: {msg: hi}\n"
        "    when: inventory_hostname == 'core-1'\n"
    )
    assert run.code == 0, run.output
    playbook = run.playbooks[0]
    assert playbook["path"] == "site.yml"
    assert playbook["complete"]
    assert playbook["changed"]
    assert run.collected.tool_version == run.collected.result["ansibleVersion"]
    assert run.collected.result["inventoryHosts"] == 2
    assert run.collected.result["checkMode"] is False
    assert run.collected.result["inventory"] == ["inventory.ini"]
    assert playbook["hosts"]["core-2"] == {
        "outcome": "succeeded", "check": False, "ok": 1, "changed": 1, "failed": 0, "unreachable": 0, "skipped": 1,
        "rescued": 0, "ignored": 0,
    }  # fmt: skip
    first, second = playbook["tasks"]
    assert first["name"] == "Touch {{ inventory_hostname }}"
    assert first["path"] == "site.yml:4"
    assert first["action"] == "ansible.builtin.copy"
    assert first["results"] == {"changed": ["core-1", "core-2"]}
    assert second["results"] == {"ok": ["core-1"], "skipped": ["core-2"]}
    assert site.run("-i", "inventory.ini", "site.yml").playbooks[0]["changed"] is False


def test_blocks_loops_handlers_async_includes_and_delegation(site: Site) -> None:
    site.write("more.yml", "- name: Included\n  debug: {msg: x}\n")
    run = site.play(
        HEAD + "  strategy: free\n"
        "  handlers: [{name: Restart, debug: {msg: x}}]\n"
        "  tasks:\n"
        "  - {name: Loop, command: 'echo {{ item }}', loop: [1, 2], notify: Restart}\n"
        "  - {name: Background, command: sleep 0, async: 9, poll: 0}\n"
        "  - {name: Awaited, command: sleep 0, async: 9, poll: 1}\n"
        "  - block: [{name: Breaks, command: 'false'}]\n"
        "    rescue: [{name: Rescues, debug: {msg: x}}]\n"
        "  - {name: Tolerated, command: 'false', ignore_errors: true}\n"
        "  - {name: More, include_tasks: more.yml, loop: [1, 2]}\n"
        "  - {name: Elsewhere, command: echo, delegate_to: core-1}\n"
        "  - {meta: end_host, when: inventory_hostname == 'core-2'}\n"
        "  - {name: Only one, debug: {msg: x}}\n"
    )
    assert run.code == 0, run.output
    both = ["core-1", "core-2"]
    tasks = tasks_of(run.playbooks[0])
    assert tasks["Loop"] == {"changed": both}
    assert tasks["Background"] == {"launched": both}
    assert tasks["Awaited"] == {"changed": both}
    assert tasks["Breaks"] == {"failed": both}
    assert tasks["Rescues"] == {"ok": both}
    assert tasks["Tolerated"] == {"ignored": both}
    assert tasks["Included"] == {"ok": both}
    assert tasks["Elsewhere"] == {"changed": both}
    assert tasks["Only one"] == {"ok": ["core-1"]}
    assert tasks["Restart"] == {"ok": ["core-1"]}
    assert run.outcomes == dict.fromkeys(both, "succeeded")
    assert run.playbooks[0]["hosts"]["core-1"]["rescued"] == 1
    assert run.playbooks[0]["hosts"]["core-1"]["ignored"] == 1
    assert next(task for task in run.playbooks[0]["tasks"] if task.get("name") == "Breaks")["returnCodes"] == {
        "core-1": 1, "core-2": 1,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("play", "task"),
    [
        ("", "{name: Once, fail: {msg: x}, run_once: true}"),
        ("  any_errors_fatal: true\n", "{name: One, fail: {msg: x}, when: inventory_hostname == 'core-1'}"),
    ],
    ids=["run_once", "any_errors_fatal"],
)
def test_a_host_that_was_cut_off_is_unknown_although_the_recap_looks_fine(site: Site, play: str, task: str) -> None:
    run = site.play(
        f"{HEAD}{play}  tasks:\n  - {{name: First, debug: {{msg: x}}}}\n  - {task}\n  - debug: {{msg: x}}\n"
    )
    assert run.code == 2
    assert run.outcomes == {"core-1": "failed", "core-2": "unknown"}
    assert run.playbooks[0]["hosts"]["core-2"]["failed"] == 0


def test_plays_that_were_never_begun_leave_other_hosts_unknown(site: Site) -> None:
    run = site.play(
        "- hosts: core-2\n  gather_facts: false\n  tasks: [{debug: {msg: x}}]\n"
        "- hosts: core-1\n  gather_facts: false\n  tasks: [{fail: {msg: x}}]\n"
        "- hosts: core-2\n  gather_facts: false\n  tasks: [{debug: {msg: never}}]\n"
    )
    assert run.outcomes == {"core-1": "failed", "core-2": "unknown"}


def test_a_failure_elsewhere_does_not_touch_a_host_that_was_played_to_the_end(site: Site) -> None:
    run = site.play(HEAD + "  tasks: [{fail: {msg: x}, when: inventory_hostname == 'core-1'}, {debug: {msg: x}}]\n")
    assert run.outcomes == {"core-1": "failed", "core-2": "succeeded"}


def test_batches_that_were_not_reached_say_nothing(site: Site) -> None:
    run = site.play(HEAD + "  serial: 1\n  tasks: [{fail: {msg: x}, when: inventory_hostname == 'core-1'}]\n")
    assert run.outcomes == {"core-1": "failed"}


def test_an_unreachable_host(site: Site) -> None:
    site.write(
        "inventory.ini",
        inventory("core-1") + "[far]\nfar-1 ansible_connection=ssh ansible_host=127.0.0.1 ansible_port=1\n",
    )
    run = site.play(
        "- hosts: all\n  gather_facts: false\n  tasks: [{name: Ping, ping: }, {name: Then, debug: {msg: x}}]\n",
        "--ssh-common-args=-o ConnectTimeout=1 -o BatchMode=yes",
    )
    assert run.outcomes == {"core-1": "succeeded", "far-1": "unreachable"}
    assert tasks_of(run.playbooks[0])["Ping"] == {"ok": ["core-1"], "unreachable": ["far-1"]}


def test_several_playbooks_on_one_command_line_are_told_apart(site: Site) -> None:
    site.write("ansible/one.yml", HEAD + "  tasks: [{name: A, debug: {msg: x}}, {name: B, debug: {msg: x}}]\n")
    site.write("ansible/two.yml", "- hosts: core-1\n  gather_facts: false\n  tasks: [{name: C, debug: {msg: x}}]\n")
    run = site.run("-i", "../inventory.ini", "one.yml", "./two.yml", below="ansible")
    assert [playbook["path"] for playbook in run.playbooks] == ["ansible/one.yml", "ansible/two.yml"]
    assert run.playbooks[0]["hosts"]["core-1"]["ok"] == 2
    assert run.playbooks[1]["hosts"]["core-1"]["ok"] == 1
    assert set(run.playbooks[1]["hosts"]) == {"core-1"}


def test_check_mode_is_told_for_the_run_and_for_every_host(site: Site) -> None:
    site.write("site.yml", HEAD + "  tasks: [{name: Make, copy: {dest: '{{ playbook_dir }}/made', content: x}}]\n")
    run = site.run("-i", "inventory.ini", "-C", "--diff", "site.yml", "--limit", "core-1", "-t", "all,x")
    result = run.collected.result
    assert (result["checkMode"], result["diffMode"], result["limit"], result["tags"]) == (
        True,
        True,
        "core-1",
        ["all", "x"],
    )
    assert run.playbooks[0]["hosts"]["core-1"]["check"] is True
    assert run.playbooks[0]["changed"] is True
    assert not (site.folder / "made").exists()


def test_a_play_that_is_in_check_mode_by_itself_is_no_real_run(site: Site) -> None:
    run = site.play(HEAD + "  check_mode: true\n  tasks: [{copy: {dest: '{{ playbook_dir }}/made', content: x}}]\n")
    assert run.collected.result["checkMode"] is False
    assert run.playbooks[0]["hosts"]["core-1"]["check"] is True


def test_a_playbook_that_cannot_start_names_no_host(site: Site) -> None:
    run = site.play("- hosts: core\n  task: []\n")
    assert run.code == 4
    assert run.playbooks == []
    assert run.collected.missing == {"playbooks": "Ansible ended, or ran without our callback, before it told anything"}


def test_a_pattern_that_matches_no_host(site: Site) -> None:
    run = site.play("- hosts: nobody\n  tasks: []\n")
    assert run.code == 0
    assert run.playbooks[0]["hosts"] == {}
    assert run.playbooks[0]["complete"]


def test_a_killed_run_leaves_unknown_for_the_hosts_that_were_started(site: Site) -> None:
    site.write(
        "site.yml",
        "- hosts: core-1\n  gather_facts: false\n  tasks:\n  - {name: Done, command: echo}\n"
        "  - {name: Hangs, command: sleep 60}\n- hosts: core-2\n  tasks: []\n",
    )
    context = site.context([ANSIBLE_PLAYBOOK, "-i", "inventory.ini", "site.yml"])
    watch = AnsibleCollector().begin(context)
    process = subprocess.Popen(
        context.argv, cwd=context.cwd, env={**site.environment, **watch.environment}, start_new_session=True,
        stdout=subprocess.DEVNULL,
    )  # fmt: skip
    events = context.scratch / "ansible-events.jsonl"
    while b"Hangs" not in events.read_bytes() or events.read_bytes().count(b"runner_on_start") < 2:
        time.sleep(0.05)
        assert process.poll() is None
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    found = watch.finish(CommandEnd(137, "indeterminate"))
    playbook = found.result["playbooks"][0]
    assert playbook["complete"] is False
    assert {host: facts["outcome"] for host, facts in playbook["hosts"].items()} == {"core-1": "unknown"}
    assert tasks_of(playbook) == {"Done": {"changed": ["core-1"]}, "Hangs": {"unknown": ["core-1"]}}
    assert found.missing == {
        "hosts": "the run ended before its closing statistics: what came of its hosts is not known"
    }


def test_interrupted_from_the_keyboard_is_unknown_too(site: Site) -> None:
    site.write("site.yml", HEAD + "  tasks: [{name: Hangs, command: sleep 60}]\n")
    context = site.context([ANSIBLE_PLAYBOOK, "-i", "inventory.ini", "site.yml"])
    watch = AnsibleCollector().begin(context)
    process = subprocess.Popen(
        context.argv, cwd=context.cwd, env={**site.environment, **watch.environment}, start_new_session=True,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    while (context.scratch / "ansible-events.jsonl").read_bytes().count(b"runner_on_start") < 2:
        time.sleep(0.05)
        assert process.poll() is None
    os.killpg(process.pid, signal.SIGINT)
    code = process.wait()
    found = watch.finish(CommandEnd(code, "canceled"))
    assert code == 99
    assert {host["outcome"] for host in found.result["playbooks"][0]["hosts"].values()} == {"unknown"}


def test_the_users_own_callbacks_and_stdout_callback_go_on_working(site: Site) -> None:
    own = (
        "from ansible.plugins.callback import CallbackBase\n"
        "class CallbackModule(CallbackBase):\n"
        "    CALLBACK_VERSION = 2.0\n    CALLBACK_TYPE = '{type}'\n    CALLBACK_NAME = '{name}'\n"
        "    CALLBACK_NEEDS_ENABLED = {needs}\n"
        "    def v2_playbook_on_stats(self, stats):\n        print('{name} was here')\n"
    )
    site.write("ansible/plugins/mine.py", own.format(type="notification", name="mine", needs=False))
    site.write("ansible/plugins/asked.py", own.format(type="notification", name="asked", needs=True))
    site.write("ansible/plugins/screen.py", own.format(type="stdout", name="screen", needs=False))
    site.write(
        "ansible/ansible.cfg",
        "[defaults]\ncallback_plugins = plugins\ncallbacks_enabled = asked\nstdout_callback = screen\n",
    )
    site.write("ansible/site.yml", HEAD + "  tasks: [{debug: {msg: x}}]\n")
    run = site.run("-i", "../inventory.ini", "site.yml", below="ansible")
    assert all(f"{name} was here" in run.output for name in ("mine", "asked", "screen")), run.output
    assert run.playbooks[0]["path"] == "ansible/site.yml"
    assert run.outcomes == {"core-1": "succeeded", "core-2": "succeeded"}


def test_the_screen_looks_the_same_with_and_without_us(site: Site) -> None:
    run = site.play(HEAD + "  tasks: [{name: Say, debug: {msg: x}}, {action: \"{{ 'debug' }}\"}]\n")
    bare = subprocess.run(
        [ANSIBLE_PLAYBOOK, "-i", "inventory.ini", "site.yml"], cwd=site.folder, env=site.environment,
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert sorted(run.output.splitlines()) == sorted((bare.stdout + bare.stderr).splitlines())


def test_a_playbook_started_by_a_task_does_not_mix_into_the_events(site: Site) -> None:
    site.write("inner.yml", "- hosts: core-2\n  gather_facts: false\n  tasks: [{name: Inner, debug: {msg: x}}]\n")
    run = site.play(
        "- hosts: core-1\n  gather_facts: false\n  tasks:\n"
        f"  - {{name: Outer, command: '{ANSIBLE_PLAYBOOK} -i {site.folder}/inventory.ini {site.folder}/inner.yml'}}\n"
    )
    assert run.code == 0, run.output
    assert [playbook["path"] for playbook in run.playbooks] == ["site.yml"]
    assert b"Inner" not in run.events


def test_python_dash_m_is_followed(site: Site) -> None:
    site.write("site.yml", HEAD + "  tasks: [{debug: {msg: x}}]\n")
    run = site.run("-i", "inventory.ini", "site.yml", program=(sys.executable, "-m", "ansible", "playbook"))
    assert run.outcomes == {"core-1": "succeeded", "core-2": "succeeded"}


def test_an_event_file_that_cannot_be_written_leaves_the_run_alone(site: Site) -> None:
    site.write("site.yml", HEAD + "  tasks: [{debug: {msg: x}}]\n")
    context = site.context([ANSIBLE_PLAYBOOK, "-i", "inventory.ini", "site.yml"])
    watch = AnsibleCollector().begin(context)
    environment = {**site.environment, **watch.environment, "INFRATRACK_ANSIBLE_EVENTS": "/dev/full"}
    ended = subprocess.run(context.argv, cwd=context.cwd, env=environment, capture_output=True, text=True, check=False)
    assert ended.returncode == 0
    assert "infratrack" not in ended.stdout + ended.stderr
    assert watch.finish(CommandEnd(0, "succeeded")).result["playbooks"] == []


def test_the_event_file_is_private_and_holds_one_json_object_a_line(site: Site) -> None:
    context = site.context([ANSIBLE_PLAYBOOK, "site.yml"])
    AnsibleCollector().begin(context)
    assert (context.scratch / "ansible-events.jsonl").stat().st_mode & 0o777 == 0o600
    run = site.play(HEAD + "  tasks: [{debug: {msg: x}}]\n")
    allowed = {
        "event", "counter", "created", "v", "ansible", "check", "diff", "playbook", "plays", "uuid", "inventory_hosts",
        "task_path", "resolved_action", "name", "handler", "host", "changed", "rc", "duration", "ignored", "launched",
        "removed", "stats", "partial",
    }  # fmt: skip
    for line in run.events.splitlines():
        assert set(json.loads(line)) <= allowed


def test_listings_and_syntax_checks_are_not_runs() -> None:
    collector = AnsibleCollector()
    assert collector.recognises([ANSIBLE_PLAYBOOK, "site.yml"])
    assert collector.recognises(["ansible-playbook", "--check", "site.yml"])
    for flag in ("--syntax-check", "--list-hosts", "--list-tasks", "--list-tags", "--version", "-h", "--syntax"):
        assert not collector.recognises(["ansible-playbook", flag, "site.yml"])
    assert not collector.recognises(["ansible", "all", "-m", "ping"])
    assert not collector.recognises([])


def test_runs_that_leave_tasks_out_on_request_say_so(site: Site) -> None:
    site.play(HEAD + "  tasks:\n  - {name: First, debug: {msg: x}, tags: [one]}\n  - {name: Second, debug: {msg: x}}\n")
    play = ("-i", "inventory.ini", "site.yml")
    told = [site.run(*play, *more).collected.result for more in ((), ("--tags", "all"), ("--tags", "one"))]
    told += [
        site.run(*play, *more).collected.result for more in (("--skip-tags", "one"), ("--start-at-task", "Second"))
    ]
    site.environment["ANSIBLE_RUN_TAGS"] = "one"
    told.append(site.run(*play).collected.result)
    assert [result.get("partial", False) for result in told] == [False, False, True, True, True, True]

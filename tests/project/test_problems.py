from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from infratrack.errors import InputError
from infratrack.project.bound import check_bound, told_at
from infratrack.project.check import text_is_valid
from infratrack.project.files import load_project
from infratrack.project.model import CriterionCall, Project
from infratrack.project.problems import Flaw, Problem, ProjectProblems, shown, spoken_list
from infratrack.project.schema import PluginSchemas

HEAD = "infratrack: 1\nproject: {id: p, name: P}\n"
Problems = Callable[..., list[str]]


def test_everything_is_listed_at_once_in_the_order_of_the_file(problems: Problems) -> None:
    text = """\
infratrack: 2
project: {id: dc west, name: P, start: 2026-02-30, sponser: me}
ledger: nowhere
calendar: {holidays: [2026-13-01, 2026-02-30], hours_per_day: 25, working_days: [mon, mon]}
people:
  - {id: anna, roles: [lead], from: 2026-05-01, to: 2026-01-01}
tasks:
  - {id: a, name: A, duration: 3 days, dependz: [b]}
  - {id: b, name: B, duration: 3d, effort: 5h, depends: [{task: a, lag: 2x}, {lag: 1d}]}
  - 5
  - {id: f}
"""
    assert problems(text) == [
        "infratrack.yaml:1:13: infratrack: found 2, expected 1",
        (
            "infratrack.yaml:2:15: project › id: found 'dc west', expected an id (letters, digits, `.`, `_`, `-`) "
            "such as core-vlans, design"
        ),
        "infratrack.yaml:2:40: project › start: found '2026-02-30', expected a day that the calendar has",
        "infratrack.yaml:2:52: project: unknown key 'sponser'; expected one of id, name, start",
        (
            "infratrack.yaml:3:9: ledger: found 'nowhere', expected the address of a ledger such as "
            "sqlite:///.infratrack/ledger.db, git:infratrack/ledger, "
            "git+https://git.example.org/team/evidence.git#infratrack/ledger"
        ),
        "infratrack.yaml:4:23: calendar › holidays › #1: found '2026-13-01', expected a date such as 2026-01-05",
        "infratrack.yaml:4:35: calendar › holidays › #2: found '2026-02-30', expected a day that the calendar has",
        "infratrack.yaml:4:63: calendar › hours_per_day: found 25, expected a number up to 24",
        "infratrack.yaml:4:81: calendar › working_days: found 'mon' twice, expected each once",
        "infratrack.yaml:6:53: people › anna › to: found '2026-01-01', expected a day after `from` (2026-05-01)",
        (
            "infratrack.yaml:8:32: tasks › a › duration: found '3 days', expected working time such as 3d, 2w, 40h, "
            "… (1 more)"
        ),
        (
            "infratrack.yaml:8:40: tasks › a: unknown key 'dependz'; expected one of id, name, phase, owner, duration, "
            "effort, three_point, depends, deliverables, tags; did you mean 'depends'?"
        ),
        (
            "infratrack.yaml:9:36: tasks › b: `effort` does not go together with what else stands here; "
            "expected either `duration` or `effort`, not both"
        ),
        (
            "infratrack.yaml:9:73: tasks › b › depends › #1 › lag: found '2x', expected working time, with a minus "
            "for a lead such as 2d, -1d"
        ),
        (
            "infratrack.yaml:9:78: tasks › b › depends › #2: a task's id, or {task, type, lag} has no `task`; "
            "expected the key `task`"
        ),
        "infratrack.yaml:10:5: tasks › #3: found 5, expected a task",
        "infratrack.yaml:11:5: tasks › f: a task has no `name`; expected the key `name`",
    ]


@pytest.mark.parametrize(
    ("done_when", "told"),
    [
        ("{}", "done_when: found an empty mapping, expected a condition"),
        ("[]", "done_when: found an empty list, expected a condition"),
        ("{all: []}", "done_when › all: found 0 entries, expected at least 1"),
        (
            "{terraform.aplied: {}}",
            (
                "done_when: unknown criterion 'terraform.aplied'; expected one of all, any, not, at_least, signoff, "
                "terraform.applied, terraform.output; did you mean 'terraform.applied'?"
            ),
        ),
        ("{all: [signoff: ], any: [signoff: ]}", "several keys in one condition (all, any); expected exactly one; put"),
        ("{at_least: {n: 2, of: [signoff: ]}}", "at_least › n: found 2, expected at most 1, as many as stand under"),
        ("{at_least: {n: 0, of: [signoff: ]}}", "at_least › n: found 0, expected a number from 1"),
        ("{at_least: {n: true, of: [signoff: ]}}", "at_least › n: found true, expected a whole number"),
        ("{terraform.applied: }", "terraform.applied: found nothing, expected terraform.applied"),
        ("{terraform.applied: {min: 1}}", "terraform.applied has no `resources`; expected the key `resources`"),
        ("{signoff: {within: 7x}}", "within: found '7x', expected elapsed time such as 7d, 12h, 90m"),
        ("{signoff: {keep: 1}}", "keep: found 1, expected true or false"),
        ("{signoff: {by: 5}}", "by: found 5, expected text or a list"),
        ("{signoff: {by: ''}}", "by: found '', expected text"),
        ("{signoff: {by: [5]}}", "by › #1: found 5, expected text"),
        ("{signoff: {by: x, role: y}}", "expected either `by` or `role`, not both"),
        ("{terraform.output: {among: [1]}}", "among › #1: found 1, expected text"),
        ("{not: {not: 5}}", "done_when › not › not: found 5, expected a condition"),
    ],
)
def test_conditions_are_explained(problems: Problems, done_when: str, told: str) -> None:
    text = HEAD + f"deliverables:\n  - id: d\n    name: D\n    done_when: {done_when}\n"
    assert any(told in problem for problem in problems(text)), problems(text)


def test_conditions_nested_too_deep_are_named_once(problems: Problems) -> None:
    text = HEAD + "deliverables: [{id: d, name: D, done_when: " + "{not: " * 20 + "{signoff: }" + "}" * 20 + "}]\n"
    (only,) = problems(text)
    assert "conditions are nested too deep here; expected at most 16 levels" in only


def test_a_criterion_of_a_plugin_that_did_not_load_says_so(problems: Problems) -> None:
    text = HEAD + "deliverables: [{id: d, name: D, done_when: {any: [{netbox.matches: {}}, {tests.passed: {}}]}}]\n"
    first, second = problems(text, broken={"netbox": "no module pynetbox"})
    assert "the criterion 'netbox.matches' cannot be checked: its plugin did not load (no module pynetbox)" in first
    assert "(these plugins did not load: netbox)" in second


@pytest.mark.parametrize(
    ("step", "told"),
    [
        ("{terraform.plann: {}}", "unknown kind of step 'terraform.plann'"),
        ("{name: x}", "a step lacks its main key; expected one of `command`, `terraform.plan`"),
        ("{command: {argv: [x]}, terraform.plan: }", "a step has `command`, `terraform.plan` at once; expected only"),
        ("{command: {argv: []}}", "argv: found 0 entries, expected at least 1"),
        (
            "{command: {argv: [x], environment: {a: x}}}",
            "the key 'a' does not fit; expected text that matches ^[A-Z]+$",
        ),
        ("{}", "a step lacks its main key"),
    ],
)
def test_steps_are_explained(problems: Problems, step: str, told: str) -> None:
    text = HEAD + f"pipelines: [{{id: p, steps: [{step}]}}]\n"
    assert any(told in problem for problem in problems(text)), problems(text)


def test_references_to_nothing_are_named_with_the_nearest_name(problems: Problems) -> None:
    text = (
        HEAD
        + """\
people: [{id: anna, roles: [lead]}]
systems: [{id: core, environment: production}]
phases: [{id: build, name: B, exit: {signoff: }}]
milestones: [{id: m, name: M, phase: biuld, depends: [taks]}]
tasks: [{id: task, name: T, phase: bild, owner: ana, depends: [tas], deliverables: [dell, d]}]
deliverables: [{id: d, name: D, task: tusk, owner: laed, accepted_by: [anna, lead, led], done_when: {signoff: }}]
pipelines: [{id: p, system: cor, deliverables: [f], tasks: [tesk], steps: [terraform.plan: ]}]
"""
    )
    told = [problem.split(": ", 1)[1] for problem in problems(text)]
    assert told == [
        "milestones › m › phase: there is no phase 'biuld'; expected one of build; did you mean 'build'?",
        "milestones › m › depends › #1: there is no task 'taks'; expected one of task; did you mean 'task'?",
        "tasks › task › phase: there is no phase 'bild'; expected one of build; did you mean 'build'?",
        "tasks › task › owner: there is no person or role 'ana'; expected one of anna, lead; did you mean 'anna'?",
        "tasks › task › depends › #1: there is no task 'tas'; expected one of task; did you mean 'task'?",
        "tasks › task › deliverables › #1: there is no deliverable 'dell'; expected one of d",
        "deliverables › d › task: there is no task 'tusk'; expected one of task; did you mean 'task'?",
        "deliverables › d › owner: there is no person or role 'laed'; expected one of anna, lead; did you mean 'lead'?",
        (
            "deliverables › d › accepted_by › #3: there is no person or role 'led'; expected one of anna, lead; "
            "did you mean 'lead'?"
        ),
        "pipelines › p › system: there is no system 'cor'; expected one of core; did you mean 'core'?",
        "pipelines › p › deliverables › #1: there is no deliverable 'f'; expected one of d",
        "pipelines › p › tasks › #1: there is no task 'tesk'; expected one of task; did you mean 'task'?",
    ]


def test_a_reference_where_the_project_has_nothing_of_the_kind(problems: Problems) -> None:
    (only,) = problems(HEAD + "tasks: [{id: a, name: A, phase: x}]\n")
    assert only.endswith("there is no phase 'x'; expected a phase that the project has (it has none)")


def test_ids_claims_and_circles(problems: Problems) -> None:
    text = (
        HEAD
        + """\
tasks:
  - {id: a, name: A, depends: [c], deliverables: [d]}
  - {id: b, name: B, depends: [a], deliverables: [d]}
  - {id: c, name: C, depends: [b]}
  - {id: a, name: A}
deliverables:
  - {id: d, name: D, task: c, done_when: {signoff: }}
  - {id: e, name: E, task: c, done_when: {signoff: }}
"""
    )
    assert [problem.split(": ", 1)[1] for problem in problems(text)] == [
        (
            "tasks › a › depends: these tasks depend on each other in a circle: a → c → b → a; "
            "expected dependencies without a circle"
        ),
        (
            "tasks › b › deliverables › #1: the deliverable 'd' is claimed by the task 'a' already; "
            "expected each deliverable under one task"
        ),
        "tasks › a › id: the id 'a' belongs to another task already; expected an id of its own",
        (
            "deliverables › d › task: the task 'a' lists this deliverable, but here stands 'c'; "
            "expected the same task in both places"
        ),
    ]


def test_references_to_something_that_is_wrong_itself_are_not_dangling(problems: Problems) -> None:
    text = (
        HEAD
        + """\
people: [{id: anna, roles: [lead, 5]}]
tasks: [{id: a}, {id: b, name: B, depends: [a], owner: lead}]
"""
    )
    assert len(problems(text)) == 2
    assert len(problems(HEAD + "tasks: 5\nmilestones: [{id: m, name: M, depends: [a]}]\n")) == 1


def test_references_of_something_that_is_wrong_itself_are_looked_into(problems: Problems) -> None:
    text = (
        HEAD
        + """\
phases: [{id: f, nam: F}]
tasks:
  - {id: a, name: A, duration: 3x, depends: [b], deliverables: [d, nope]}
  - {id: b, nmae: B, depends: [a], phase: 7}
  - {id: a, name: A, duration: 4x}
  - {id: [5], name: C, depends: [zzz]}
  - 5
deliverables: [{id: d, name: D, weight: -1, task: b, done_when: {signoff: {}}}]
milestones: [{id: m, depends: [nothing]}]
pipelines: [{id: p, steps: [], tasks: [none]}]
"""
    )
    told = "\n".join(problems(text))
    assert "in a circle: a → b → a" in told
    assert "there is no deliverable 'nope'" in told
    assert "the id 'a' belongs to another task already" in told
    assert "the task 'a' lists this deliverable, but here stands 'b'" in told
    assert "there is no task 'nothing'" in told
    assert "there is no task 'none'" in told
    assert "zzz" not in told
    assert "found '3x'" in told


def test_estimates_are_in_order_and_within_a_century(problems: Problems) -> None:
    text = HEAD + "tasks: [{id: a, name: A, three_point: {optimistic: 5d, likely: 1d, pessimistic: 9999999w}}]\n"
    first, second = problems(text)
    assert "three_point: found 5d, 1d, 9999999w, expected optimistic ≤ likely ≤ pessimistic" in first
    assert "pessimistic: found '9999999w', expected at most a hundred years" in second


def test_trust_needs_a_key_or_a_key_id(problems: Problems) -> None:
    text = HEAD + "trust: {signers: [{name: a}, {name: b, key: k, keyid: " + "0" * 64 + "}, 7]}\n"
    told = problems(text)
    assert any("a signer lacks its main key; expected one of `key`, `keyid`" in one for one in told)
    assert any("a signer has `key`, `keyid` at once; expected only one of them" in one for one in told)


def test_a_final_newline_in_a_quoted_text_is_refused_although_only_one_validator_minds(problems: Problems) -> None:
    (only,) = problems(HEAD + 'tasks: [{id: "a\\n", name: A}]\n')
    assert "tasks" in only


def test_a_schema_that_is_none_costs_its_own_criteria_only(tmp_path: Path) -> None:
    file = tmp_path / "infratrack.yaml"
    file.write_text(HEAD + "deliverables: [{id: d, name: D, done_when: {good.one: }}]\n")
    criteria = {
        "good.one": {"type": "object"},
        "bad.one": {"type": "no such type"},
        "odd.one": {"$ref": "https://example.invalid/x"},
    }
    assert load_project(file, PluginSchemas(criteria)).deliverables[0].id == "d"
    file.write_text(HEAD + "deliverables: [{id: d, name: D, done_when: {bad.one: }}]\n")
    with pytest.raises(ProjectProblems, match=r"unknown criterion 'bad\.one'"):
        load_project(file, PluginSchemas(criteria))


def test_messages_quote_values_briefly_and_without_credentials() -> None:
    assert shown("x" * 999).endswith("…")
    assert len(shown("x" * 999)) == 80
    assert shown("postgresql://user:secret@host/db") == "'postgresql://…@host/db'"
    assert [shown(value) for value in (None, True, False, [], {}, [1], {"a": 1}, 5, 1.5)] == [
        "nothing", "true", "false", "an empty list", "an empty mapping", "a list", "a mapping", "5", "1.5",
    ]  # fmt: skip
    assert spoken_list("abc", most=2) == "a, b, … (1 more)"


def test_many_problems_are_one_error_that_names_the_first() -> None:
    problems = [Problem("f", 2, 1, "second"), Problem("f", 1, 1, "first")]
    assert ProjectProblems(problems).message == "f:1:1: first (and 1 more)"
    assert ProjectProblems(problems[:1]).message == "f:2:1: second"
    assert str(Flaw((), "odd").at("f", 1, 2)) == "f:1:2: odd"


def test_days_that_no_calendar_has_are_found_in_every_item(problems: Problems) -> None:
    text = HEAD + "milestones: [{id: m, name: M, committed: 2026-02-30}]\npeople: [{id: a, from: 2025-02-29}]\n"
    assert [one.split(": ", 2)[1] for one in problems(text)] == ["milestones › m › committed", "people › a › from"]


def test_odd_schemas_of_plugins_are_explained_as_well_as_can_be(tmp_path: Path) -> None:
    schema = {
        "type": "object",
        "properties": {
            "a": {"oneOf": [{"type": "integer", "minimum": 5}, {"const": 1}]},
            "b": {"type": "object", "minProperties": 2},
            "c": {"type": "object", "additionalProperties": False},
            "d": {"enum": ["x", "y"]},
            "e": {"type": "string", "format": "date"},
            "f": {"type": "integer", "multipleOf": 2},
            "g": {"type": "number", "exclusiveMaximum": 3},
            "h": {"minLength": 3, "type": "string"},
            "i": {"maxItems": 1, "type": "array"},
            "j": {"not": {"type": "string"}},
            "k": {"anyOf": [{"required": ["x"]}, {"required": ["y"]}]},
            "l": {"allOf": [{"type": "object", "minProperties": 1}]},
            "m": False,
        },
    }
    file = tmp_path / "infratrack.yaml"
    values = "{a: 0, b: {}, c: {z: 1}, d: z, f: 3, g: 3, h: a, i: [1, 2], j: x, k: {}, l: {}, m: 1}"
    file.write_text(HEAD + f"deliverables: [{{id: d, name: D, done_when: {{odd.one: {values}}}}}]\n")
    with pytest.raises(ProjectProblems) as wrong:
        load_project(file, PluginSchemas({"odd.one": schema}))
    told = {problem.message.partition("odd.one")[2].removeprefix(" › ") for problem in wrong.value.problems}
    assert told == {
        ": `m` does not go together with what else stands here; expected this key to be left out",
        "a: found 0, expected a number from 5 or 1",
        "b: found an empty mapping, expected a mapping with something in it",
        "c: unknown key 'z'; expected no keys here",
        "d: found 'z', expected one of x, y",
        "f: found 3, expected something else",
        "g: found 3, expected a number below 3",
        "h: found 'a', expected text",
        "i: found 2 entries, expected at most 1",
        "j: found 'x', expected something else",
        "k: this lacks its main key; expected one of `x`, `y`",
        "l: found an empty mapping, expected a mapping with something in it",
    }


def test_a_span_that_is_written_twice_is_read_once(load: Callable[..., Project]) -> None:
    project = load(HEAD + "tasks: [{id: a, name: A, duration: 3d}, {id: b, name: B, duration: 3d}]\n")
    assert project.tasks[0].duration == project.tasks[1].duration


def test_the_two_validators_differ_and_there_still_is_a_sentence(tmp_path: Path) -> None:
    # Python's `$` lets a final newline pass; ECMA's, which JSON Schema means, does not.
    file = tmp_path / "infratrack.yaml"
    file.write_text(HEAD + 'trust: {signers: [{name: a, keyid: "' + "a" * 64 + '\\n"}]}\n')
    with pytest.raises(ProjectProblems, match=r"does not fit the schema \(pattern\)"):
        load_project(file, PluginSchemas())


def test_a_text_without_includes_is_valid_or_not() -> None:
    assert text_is_valid(HEAD, PluginSchemas())
    assert not text_is_valid(HEAD + "x: 1", PluginSchemas())
    assert not text_is_valid("[", PluginSchemas())


def test_criteria_are_bound_and_what_fails_has_a_line(tmp_path: Path) -> None:
    (tmp_path / "plan.yaml").write_text(
        "deliverables:\n"
        "  - {id: d, name: D, done_when: {any: [{not: {signoff: {by: x}}}, {at_least: {n: 1, of: [{signoff: }]}}]}}\n"
    )
    file = tmp_path / "infratrack.yaml"
    file.write_text(
        HEAD + "include: [plan.yaml]\nphases: [{id: f, name: F}, {id: g, name: G, exit: {signoff: {by: x}}}]\n"
    )
    project = load_project(file, PluginSchemas({"signoff": {"type": "object"}}))
    check_bound(project, file, lambda *_: None)

    def bind(call: CriterionCall, owner: str) -> None:
        if call.parameters:
            raise InputError(f"{owner} names nobody", "expected somebody")

    with pytest.raises(ProjectProblems) as wrong:
        check_bound(project, file, bind)
    assert [str(problem).removeprefix(f"{tmp_path}/") for problem in wrong.value.problems] == [
        "infratrack.yaml:4:52: phases › g › exit: g names nobody; expected somebody",
        "plan.yaml:2:47: deliverables › d › done_when › any › #1 › not: d names nobody; expected somebody",
    ]


def test_an_error_about_a_part_of_the_file_is_told_with_its_line(tmp_path: Path) -> None:
    file = tmp_path / "infratrack.yaml"
    file.write_text(HEAD + "people: [{id: a}]\n")
    (problem,) = told_at(InputError("two people have one key", "give each their own"), file, ("people",)).problems
    assert (problem.line, problem.column) == (3, 9)
    assert problem.message == "people: two people have one key; give each their own"
    (problem,) = told_at(InputError("odd"), file, ()).problems
    assert problem.message == "odd"


def test_every_use_of_a_criterion_is_bound(tmp_path: Path) -> None:
    file = tmp_path / "infratrack.yaml"
    uses = ", ".join(f"{{id: d{number}, name: D, done_when: {{signoff: }}}}" for number in range(2_000))
    file.write_text(HEAD + f"deliverables: [{uses}]\n")
    bound: list[str] = []
    check_bound(load_project(file, PluginSchemas({"signoff": {}})), file, lambda *call: bound.append(call[1]))
    assert len(bound) == 2_000

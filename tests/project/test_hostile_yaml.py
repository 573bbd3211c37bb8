from __future__ import annotations

from collections.abc import Callable

import pytest

HEAD = "infratrack: 1\nproject: {id: p, name: P}\n"
Problems = Callable[..., list[str]]

BOMB = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"a{n}: &a{n} [{','.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 10)
)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "infratrack.yaml:1:1: the file is empty; expected a project file as `infratrack init` writes it"),
        ("# nothing\n", "infratrack.yaml:1:1: the file is empty"),
        (HEAD + "---\na: 1\n", "infratrack.yaml:3:1: a second YAML document; expected one document"),
        (HEAD + "---\n", "infratrack.yaml:3:1: a second YAML document"),
        (HEAD + BOMB, "infratrack.yaml:3:5: aliases repeat far too much here"),
        (HEAD + "a: *nobody\n", "infratrack.yaml:3:4: this is not YAML: while parsing node, found unknown anchor"),
        (HEAD + "a: !!python/object:os.system x\n", "infratrack.yaml:3:4: the tag '!!python/object:os.system'"),
        (HEAD + "a: [1, 2\n", "infratrack.yaml:3:4: this is not YAML: unclosed bracket '['"),
        (HEAD + "a:\n\tb: 1\n", "infratrack.yaml:4:2: this is not YAML: tabs disallowed"),
        (HEAD + "a: " + "[" * 100_000 + "]" * 100_000, "infratrack.yaml:3:"),
        ("hello", "infratrack.yaml:1:1: found 'hello', expected an infratrack project"),
        ("- 1\n- 2", "infratrack.yaml:1:1: found a list, expected an infratrack project"),
    ],
)
def test_what_cannot_be_read_gets_one_sentence_with_its_place(problems: Problems, text: str, told: str) -> None:
    (only,) = problems(text)
    assert only.startswith(told)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("ledger: !path x://y\n", "3:9: the tag '!path'; expected plain YAML without tags"),
        ("ledger: !!str x://y\n", "3:9: the tag '!!str'"),
        ("tasks: [{<<: {id: a}, id: b, name: B}]\n", "3:10: tasks › b: the merge key `<<`"),
        ("1: x\n", "3:1: the key 1 is no text; expected a key that is text"),
        ("~: x\n", "3:1: the key nothing is no text"),
        ("? [a]\n: x\n", "3:3: the key a list or mapping is no text"),
        ("tasks: [{2026: x, id: b, name: B}]\n", "3:10: tasks › b: the key 2026 is no text"),
        ("deliverables: [{id: d, name: D, weight: .nan, done_when: {signoff: }}]\n", "weight: found nan"),
        ("deliverables: [{id: d, name: D, weight: .INF, done_when: {signoff: }}]\n", "weight: found inf"),
        ("deliverables: [{id: d, name: D, weight: 1e999, done_when: {signoff: }}]\n", "weight: found inf"),
        ("deliverables: [{id: d, name: D, weight: 99999999999999999, done_when: {signoff: }}]\n", "found 9999999999"),
        ("deliverables: [{id: d, name: D, weight: " + "9" * 99 + ", done_when: {signoff: }}]\n", "a very long number"),
        ("ledger: " + "9" * 5_000, "3:9: ledger: found a very long number, expected a number of ordinary size"),
        ("tasks: [{id: a, name: " + "[" * 60 + "]" * 60 + "}]\n", "nested more than 40 deep"),
        ("tasks: [{id: a, name: " + "{a: " * 60 + "}" * 60 + "}]\n", "nested more than 40 deep"),
        ("tasks: &all [*all]\n", "3:14: tasks › #1: found nothing, expected a task"),
        ("ledger: !!set {x, y}\n", "3:9: the tag '!!set'"),
        ("deliverables: [{id: d, name: D, done_when: {terraform.output: {equals: {1: 2}}}}]\n", "the key 1 is no text"),
    ],
)
def test_what_readers_disagree_on_is_refused_with_its_place(problems: Problems, text: str, told: str) -> None:
    assert any(told in problem for problem in problems(HEAD + text)), problems(HEAD + text)


def test_every_key_that_stands_twice_is_listed_and_other_problems_beside_them(problems: Problems) -> None:
    text = HEAD + "ledger: a://b\nledger: a://b\ntasks:\n  - {id: a, id: b, name: 5}\n"
    assert problems(text) == [
        "infratrack.yaml:4:1: the key 'ledger' stands here for a second time; expected each key once",
        "infratrack.yaml:6:13: the key 'id' stands here for a second time; expected each key once",
        "infratrack.yaml:6:26: tasks › b › name: found 5, expected a name",
    ]


def test_an_exclamation_mark_in_a_text_is_no_tag(load: Callable[..., object]) -> None:
    load(HEAD.replace("name: P", "name: 'Go !now, [!x'") + "tasks: [{id: a, name: Wow !}]\n")


def test_aliases_within_reason_are_fine(load: Callable[..., object]) -> None:
    load(HEAD + "deliverables:\n - {id: a, name: A, done_when: &c {signoff: }}\n - {id: b, name: B, done_when: *c}\n")


def test_ten_million_characters_in_one_text_are_a_sentence(problems: Problems) -> None:
    (only,) = problems(HEAD + "tasks: [{id: a, name: " + "x" * 10_000_000 + "}]")
    assert only == "infratrack.yaml:3:23: tasks › a › name: found 10,000,000 characters, expected at most 500"


def test_lone_carriage_returns_count_as_lines(problems: Problems) -> None:
    (only,) = problems((HEAD + "ledgr: 1\n").replace("\n", "\r").encode())
    assert only.startswith("infratrack.yaml:3:1: unknown key 'ledgr'")


def test_a_text_that_the_second_reader_refuses_still_gets_a_place(problems: Problems) -> None:
    # yaml-rs takes this directive, PyYAML does not: the place is then as near as it could be told.
    assert problems("%YAML 3.0\n---\n" + HEAD + "x: 1\n")[0].startswith("infratrack.yaml:")


def test_nothing_that_a_terminal_obeys_reaches_it(problems: Problems) -> None:
    (only,) = problems(HEAD + '"a\\e[31mb": 1\n')
    assert "\x1b[" not in only
    (only,) = problems(HEAD + 'tasks: [{id: "a\\e[31m", name: A}]\n')
    assert only.isprintable()


def test_a_key_that_only_differs_in_kind_is_no_duplicate_for_one_reader(problems: Problems) -> None:
    assert any(
        "the key 1 is no text" in problem for problem in problems(HEAD + "{1: a, '1': b}\n".replace("{", "x: {"))
    )


def test_a_panic_of_the_reader_is_a_sentence(problems: Problems, monkeypatch: pytest.MonkeyPatch) -> None:
    class PanicException(BaseException): ...

    def panic(*_: object, **__: object) -> None:
        raise PanicException

    monkeypatch.setattr("infratrack.project.reading.yaml_rs.loads", panic)
    (only,) = problems(HEAD)
    assert only == (
        "infratrack.yaml:1:1: this is not YAML: the YAML reader gave up on it; "
        "expected YAML as in `infratrack init`'s file"
    )


def test_an_interrupt_is_not_swallowed(load: Callable[..., object], monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("infratrack.project.reading.yaml_rs.loads", interrupt)
    with pytest.raises(KeyboardInterrupt):
        load(HEAD)


def test_a_text_that_is_wrong_twice_over_gets_the_worse_problem(problems: Problems) -> None:
    (only,) = problems("a: 1\na: 2\n" + BOMB)
    assert "aliases repeat far too much" in only


def test_what_only_one_reader_takes_is_still_a_problem_with_a_place(problems: Problems) -> None:
    assert problems("%YAML 3.0\n---\n" + HEAD + "a: 1\na: 2\nb: !x 1\n")

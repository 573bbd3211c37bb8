"""What a bare command's evidence says, and that nothing in it can make reading fail."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from infratrack.api import SUBJECT_SEPARATOR, Word
from infratrack.evidence.predicates import COMMAND as CORE_COMMAND
from infratrack.testing.builders import predicate
from infratrack.testing.evidence_types import EvidenceTypeContract
from infratrack_command.evidence import COMMAND, CommandEvidence, command_line


class TestContract(EvidenceTypeContract):
    evidence_type = CommandEvidence()
    examples = (predicate(argv=("make", "smoke"), labels={"site": "west"}), predicate(argv=("x",), outcome="failed"))


def test_the_predicate_type_is_the_one_that_core_writes() -> None:
    assert COMMAND == CORE_COMMAND


def test_the_name_is_the_command_as_a_shell_takes_it() -> None:
    (word,) = CommandEvidence().words(predicate(argv=("sh", "-c", "echo 'a b'"), labels={"b": "2", "a": "1"}))
    assert word == Word(
        "command", "", "sh -c 'echo '\"'\"'a b'\"'\"''", {"outcome": "succeeded", "labels": {"a": "1", "b": "2"}}
    )


def test_labels_are_found_beside_the_links_too() -> None:
    content = predicate()
    content["links"]["labels"] = {"site": "west", "count": 3}
    assert CommandEvidence().words(content)[0].value["labels"] == {"site": "west"}


def test_a_name_is_one_line_and_holds_no_separator() -> None:
    assert command_line(predicate(argv=("a\nb", f"c{SUBJECT_SEPARATOR}d"))) == "'a b' 'c d'"


def test_a_run_without_an_outcome_says_nothing() -> None:
    content = predicate()
    content["run"]["outcome"] = None
    assert CommandEvidence().words(content) == []
    content["run"]["outcome"] = {"succeeded": True}
    assert CommandEvidence().words(content) == []


def test_the_summary_tells_command_outcome_and_code() -> None:
    tell = CommandEvidence().summary
    assert tell(predicate(argv=("make", "it"))) == "make it: succeeded"
    assert tell(predicate(argv=("make", "it"), outcome="failed", exit_code=2)) == "make it: failed, exit code 2"
    assert tell({}) == "a command: no outcome"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=8,
)


@given(run=st.fixed_dictionaries({}, optional={"argv": JSON | st.lists(st.text()), "outcome": JSON}), labels=JSON)
def test_hostile_predicates_are_read_as_far_as_they_go(run: dict[str, Any], labels: object) -> None:
    for content in ({"run": run, "labels": labels}, {"run": labels, "links": {"labels": run}}):
        assert len(CommandEvidence().words(content)) <= 1
        assert CommandEvidence().summary(content)

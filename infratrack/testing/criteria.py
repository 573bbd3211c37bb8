"""The contract that every acceptance criterion keeps, as a test class to inherit.

    from infratrack.testing.criteria import CriterionContract

    class TestBackupRecent(CriterionContract):
        criterion = BackupRecent()

The class needs pytest only to be run; it imports nothing of it.
"""

from __future__ import annotations

import copy
import itertools
import json
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final

from jsonschema import Draft202012Validator

from infratrack.progress.criterion import BindContext, Criterion, Decision, Judged, Rule, Tally
from infratrack.project.model import Person
from infratrack.values import parse_duration

SOME_PROJECT: Final = BindContext(
    deliverable="core-vlans",
    people=(
        Person("ana", roles=("approver", "network-lead"), keys=("keys/ana.pub",)),
        Person("ben", roles=("approver",), keys=("keys/ben.pub",)),
    ),
    person_of_key={"a" * 64: "ana", "b" * 64: "ben"},
)
"""What the examples are bound in: two people, `ana` and `ben`, both `approver`, ana also `network-lead`."""

SOME_VALUES: Final[tuple[Mapping[str, Any], ...]] = (
    {},
    {"outcome": None},
    {"outcome": 7, "result": ["PASSED"], "decision": {}, "found": "yes", "at": -1},
    {"labels": "text", "presence": True, "hosts": None},
)
"""Values that no plugin writes: a judge reads evidence, and evidence is hostile."""


class CriterionContract:
    """Inherit it, and set `criterion` (and `context`, when the examples need other people than ana and ben)."""

    criterion: ClassVar[Criterion]
    context: ClassVar[BindContext] = SOME_PROJECT
    kinds: ClassVar[Sequence[str]] = ()
    """Kinds of words that the judge is asked about; by default those that the rule selects."""

    def test_the_name_can_be_written_under_done_when(self) -> None:
        name = self.criterion.name
        assert name == name.strip().lower()
        assert name not in {"all", "any", "not", "at_least"}
        assert all(part.isidentifier() for part in name.split(".")), name

    def test_the_criterion_is_explained_in_its_docstring(self) -> None:
        assert type(self.criterion).__doc__

    def test_the_schema_is_valid_2020_12_and_describes_every_parameter(self) -> None:
        schema = self.criterion.schema
        Draft202012Validator.check_schema(schema)
        assert schema["type"] == "object"
        assert schema["description"].endswith(".")
        assert schema["additionalProperties"] is False, "a misspelled parameter must be reported"
        for name, parameter in schema.get("properties", {}).items():
            assert parameter.get("description"), f"{name} has no description"

    def test_the_schema_is_plain_json(self) -> None:
        assert json.loads(json.dumps(self.criterion.schema)) == self.criterion.schema

    def test_there_are_examples_and_they_pass_the_schema(self) -> None:
        validator = Draft202012Validator(self.criterion.schema)
        assert self.criterion.schema["examples"]
        for example in self.criterion.schema["examples"]:
            assert [error.message for error in validator.iter_errors(example)] == []

    def test_every_example_binds_and_says_what_it_wants(self) -> None:
        for rule in self._rules():
            assert rule.wants.strip()
            assert rule.selectors
            assert all(selector.kind for selector in rule.selectors)

    def test_binding_leaves_the_parameters_alone(self) -> None:
        for example in self.criterion.schema["examples"]:
            parameters = copy.deepcopy(example)
            self.criterion.bind(parameters, self.context)
            assert parameters == example

    def test_freshness_is_bound_as_written(self) -> None:
        properties = self.criterion.schema.get("properties", {})
        for example in self.criterion.schema["examples"]:
            if "within" in properties:
                rule = self.criterion.bind({**example, "within": "7d"}, self.context)
                assert rule.within == parse_duration("7d")
            if "keep" in properties:
                assert self.criterion.bind({**example, "keep": True}, self.context).keep is True

    def test_without_evidence_the_answer_is_unknown(self) -> None:
        for rule in self._rules():
            required = sum(selector.required for selector in rule.selectors)
            assert rule.decide(Tally(missing=required)) is Decision.UNKNOWN

    def test_unknown_words_never_satisfy(self) -> None:
        for rule in self._rules():
            for unknown in (1, 2, 50):
                assert rule.decide(Tally(unknown=unknown)) is not Decision.SATISFIED

    def test_deciding_is_pure_and_never_raises(self) -> None:
        for rule, again in zip(self._rules(), self._rules(), strict=True):
            for numbers in itertools.product((0, 1, 3), repeat=5):
                tally = Tally(*numbers)
                decision = rule.decide(tally)
                assert isinstance(decision, Decision)
                assert rule.decide(tally) is decision
                assert again.decide(tally) is decision

    def test_judging_is_pure_and_survives_any_value(self) -> None:
        for rule, again in zip(self._rules(), self._rules(), strict=True):
            for kind in self.kinds or [selector.kind for selector in rule.selectors]:
                for value in SOME_VALUES:
                    given = copy.deepcopy(value)
                    judged = rule.judge(kind, given)
                    assert judged is None or isinstance(judged, Judged)
                    assert judged is None or judged.note
                    assert given == value
                    assert rule.judge(kind, given) == judged
                    assert again.judge(kind, given) == judged

    def _rules(self) -> list[Rule]:
        return [self.criterion.bind(example, self.context) for example in self.criterion.schema["examples"]]

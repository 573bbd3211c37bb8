"""Criteria as written become rules with the subjects that they select. What a plugin gets wrong becomes a reason."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from infratrack.errors import InfratrackError
from infratrack.progress.criterion import SUBJECT_SEPARATOR, BindContext, Criterion, Rule, Selector
from infratrack.progress.judging import BoundLeaf, History
from infratrack.progress.patterns import SubjectCatalog
from infratrack.progress.signoff_words import KIND as SIGNOFF_KIND
from infratrack.progress.tree import flatten
from infratrack.project.model import CriterionCall, Deliverable, Person


def bind_rule(call: CriterionCall, criteria: Mapping[str, Criterion], context: BindContext) -> Rule | str:
    """The rule of a criterion as written, or the reason why there is none."""
    criterion = criteria.get(call.name)
    if criterion is None:
        return f"the criterion {call.name} is not available: its plugin is missing or failed to load"
    try:
        rule = criterion.bind(call.parameters, context)
    except InfratrackError as error:
        return error.message
    except Exception as error:  # noqa: BLE001 -- a plugin may raise anything
        return f"the criterion {call.name} could not be set up ({type(error).__name__}: {str(error)[:200]})"
    if not isinstance(rule, Rule):
        return f"the criterion {call.name} gave {type(rule).__name__} where a rule was expected"
    return rule


def selected(call: CriterionCall, rule: Rule, catalog: SubjectCatalog) -> tuple[tuple[int, ...], ...] | str:
    """For each selector the numbers of its subjects, or the reason why they could not be found."""
    try:
        return tuple(tuple(catalog.select(selector)) for selector in rule.selectors)
    except Exception as error:  # noqa: BLE001 -- `match` is the plugin's
        return f"the criterion {call.name} could not look for its subjects ({type(error).__name__}: {str(error)[:200]})"


def bind_leaf(
    call: CriterionCall,
    rule: Rule | str,
    subjects: tuple[tuple[int, ...], ...] | str,
    history_of: Callable[[int], History],
) -> BoundLeaf:
    """Put rule and subjects together; a subject whose words are all filtered away is as if never heard of.

    What a selector takes `as_one` becomes a subject of its own, beside those that other selectors find.
    """
    if isinstance(rule, str):
        return BoundLeaf(call, None, rule)
    if isinstance(subjects, str):
        return BoundLeaf(call, None, subjects)
    places: dict[int, int] = {}
    histories: list[History] = []
    found_by: list[tuple[int, ...]] = []
    for selector, found in zip(rule.selectors, subjects, strict=True):
        if selector.as_one:
            said = [history for number in found if (history := history_of(number)).instants]
            found_by.append((len(histories),) if said else ())
            histories += [_together(selector, said)] if said else []
            continue
        for number in found:
            if number not in places and (history := history_of(number)).instants:
                places[number] = len(histories)
                histories.append(history)
        found_by.append(tuple(places[number] for number in found if number in places))
    return BoundLeaf(call, rule, "", tuple(histories), tuple(found_by))


def _together(selector: Selector, histories: Sequence[History]) -> History:
    """Several subjects' words as those of one, in order of time; of words at one instant, in the order of names."""
    words = sorted(
        (instant, subject, place)
        for subject, history in enumerate(histories)
        for place, instant in enumerate(history.instants)
    )
    return History(
        histories[0].kind,
        histories[0].scope,
        selector.label or histories[0].name,
        [instant for instant, _, _ in words],
        [histories[subject].entries[place] for _, subject, place in words],
        [histories[subject].values[place] for _, subject, place in words],
    )


def touches(selectors: Sequence[Selector], catalog: SubjectCatalog) -> bool:
    """Whether any selector means any subject of the catalog; a selector that raises is taken to."""
    try:
        return any(catalog.select(selector) for selector in selectors)
    except Exception:  # noqa: BLE001 -- folding it again will tell the reason
        return True


def asked_to_sign(
    deliverable: Deliverable,
    criteria: Mapping[str, Criterion],
    people: tuple[Person, ...],
    people_of_keys: Mapping[str, str],
    keyid: str,
) -> bool:
    """Whether a criterion of the deliverable waits for a sign-off by this key."""
    name = f"{deliverable.id}{SUBJECT_SEPARATOR}{keyid}"
    catalog = SubjectCatalog([(0, SIGNOFF_KIND, "", name)])
    context = BindContext(deliverable.id, people, people_of_keys)
    rules = (bind_rule(call, criteria, context) for call in flatten(deliverable.done_when)[1])
    return any(isinstance(rule, Rule) and touches(rule.selectors, catalog) for rule in rules)

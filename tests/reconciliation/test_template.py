from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infratrack.errors import InputError
from infratrack.reconciliation.plain_values import SIZE_AT_MOST, TEXT_AT_MOST
from infratrack.reconciliation.template import PARTS_AT_MOST, TEMPLATE_AT_MOST, Template, TemplateProblem

ITEM: dict[str, Any] = {
    "name": "sw1",
    "site": {"slug": "ams1", "rack": None},
    "unit": 12,
    "weight": 2.0,
    "load": 0.5,
    "spare": False,
    "serial": None,
    "tags": ["core", "edge"],
    "ports": [{"name": "eth0", "speed": 10}, {"name": "eth1", "speed": 40}],
    "Serial No": "A-1",
}


def rendered(template: Any, item: Any = ITEM) -> Any:
    return Template(template).render(item, "devices[3]")


def refusal(template: Any, item: Any = ITEM) -> str:
    with pytest.raises(InputError) as refused:
        rendered(template, item)
    return refused.value.message


@pytest.mark.parametrize(
    ("template", "value"),
    [
        ("plain", "plain"),
        ("{name}", "sw1"),
        ("{ name }", "sw1"),
        ("{unit}", 12),
        ("{weight}", 2.0),
        ("{spare}", False),
        ("{serial}", None),
        ("{tags}", ["core", "edge"]),
        ("{site}", {"slug": "ams1", "rack": None}),
        ("{site.slug}", "ams1"),
        ("{site.rack.row}", None),
        ('{"Serial No"}', "A-1"),
        ("{name}-{unit}", "sw1-12"),
        ("{weight}U {load}", "2U 0.5"),
        ("{{{name}}}", "{sw1}"),
        ("{{}}", "{}"),
        ("", ""),
        ("{lower('ABC')}", "abc"),
        ("{upper(name)}", "SW1"),
        ("{trim('  a ')}", "a"),
        ("{replace(name, 'sw', 'switch-')}", "switch-1"),
        ("{split('a,b', ',')}", ["a", "b"]),
        ("{join('-', [name, site.slug])}", "sw1-ams1"),
        ("{to_number('12')}", 12),
        ("{to_number('1.5')}", 1.5),
        ("{to_number('')}", None),
        ("{to_number(unit)}", 12),
        ("{to_number(serial)}", None),
        ("{to_string(unit)}", "12"),
        ("{to_string(name)}", "sw1"),
        ("{ports[?speed > `10`].name | [0]}", "eth1"),
        ("{ports[*].speed}", [10, 40]),
        ("{ports[-1].name}", "eth1"),
        ("{sort(ports[*].name)}", ["eth0", "eth1"]),
        ("{max_by(ports, &speed).name}", "eth1"),
        ("{name == 'sw1' && !spare}", True),
        ('{tags == `["core", "edge"]`}', True),
        ("{contains(tags, 'core')}", True),
        ("{ {a: name} }", {"a": "sw1"}),
        ("{'}'}", "}"),
        ("{'a\\'}'}", "a'}"),
        ("{@.missing}", None),
        ("{missing || 'x'}", "x"),
        ("{site.gone || name}", "sw1"),
        ("{not_null(missing, name)}", "sw1"),
        ({"slug": "{site.slug}", "fixed": [1, {"x": None}]}, {"slug": "ams1", "fixed": [1, {"x": None}]}),
        (["a", "{name}", "{serial}", None], ["a", "sw1"]),
        (True, True),
        (None, None),
        (7, 7),
    ],
)
def test_what_templates_come_to(template: Any, value: Any) -> None:
    found = rendered(template)
    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize(
    ("template", "said"),
    [
        ("{sit}", "devices[3] has no 'sit'; it has name, site, unit"),
        ("x {sit} y", "devices[3] has no 'sit'"),
        ("{site.slg}", "devices[3] has no 'slg' in its 'site'; it has slug, rack"),
        ("{name.first}", "devices[3] has no 'first'; 'name' is text"),
        ("{lower(nam)}", "devices[3] has no 'nam'"),
        ("{missing[0].x}", "has no 'missing'"),
        ("{missing[?a].x}", "has no 'missing'"),
        ("{missing | [0]}", "has no 'missing'"),
        ("{a && b}", "has no 'a'"),
        ("{!missing}", "has no 'missing'"),
        ("{missing == 'x'}", "has no 'missing'"),
        ("{missing.[a, b]}", "has no 'missing'"),
        ("{[missing]}", "has no 'missing'"),
        ("x{serial}", "{serial} comes to null, which cannot stand inside a text"),
        ("x{spare}", "{spare} comes to true or false, which"),
        ("x{tags}", "{tags} comes to a list, which"),
        ("{lower(unit)}", "{lower(unit)} gives lower() a value of another kind; it takes string"),
        ("{to_number('fourty')}", "{to_number('fourty')} asks to_number() to read a text that is no number"),
        ("{to_number('inf')}", "a text that is no number"),
        ("{to_number('1_0')}", "a text that is no number"),
        ("{to_number(spare)}", "asks to_number() to read true or false"),
        ("{replace(name, '', 'x')}", "asks replace() to look for an empty text"),
        ("{split(name, '')}", "asks split() to cut at an empty text"),
        ("{to_string(tags)}", "asks to_string() to write a list"),
        ("{avg(`[]`) || sum([name])}", "gives sum() a value of another kind"),
        ("{sort(`[1, 2]`)[::0]}", "{sort(`[1, 2]`)[::0]} cannot be evaluated for this item (ValueError)"),
    ],
)
def test_what_items_do_not_have_is_never_null(template: str, said: str) -> None:
    assert said in refusal(template)


def test_a_missing_name_comes_with_the_nearest_and_a_way_out() -> None:
    with pytest.raises(InputError) as refused:
        rendered("{sit}")
    assert refused.value.hint.startswith("did you mean 'site'? ")
    assert "{@.sit}" in refused.value.hint


def test_an_item_that_is_no_object_has_no_names() -> None:
    assert refusal("{name}", "text") == "devices[3] has no 'name'; it is text"
    assert rendered("{@}", "text") == "text"


def test_messages_never_show_values_and_names_cannot_write_to_a_terminal() -> None:
    said = refusal("{nam}", {"na\x1b[2Jme": "hunter2", "b" * 3_000: 1})
    assert "hunter2" not in said
    assert said.isprintable()
    assert len(said) < 500


@pytest.mark.parametrize(
    ("template", "said"),
    [
        ("{name", "a { without its } at character 1"),
        ("name}", "a } without its { at character 5"),
        ("{}", "is empty"),
        ("{ }", "is empty"),
        ("{a..b}", "is no JMESPath expression at character 3"),
        ("{a b}", "is no JMESPath expression"),
        ("{=a}", "is no JMESPath expression"),
        ("{'open}", "a { without its }"),
        ("{lwoer(name)}", "calls 'lwoer', which is no function"),
        ("{lower()}", "calls lower() with 0 arguments"),
        ("{not_null()}", "calls not_null() with 0 arguments"),
        ("{`open`}", "has something in backticks that is no JSON"),
        ("{`1e999`}", "has something in backticks that is no JSON"),
        ("{" + "a" * 1_001 + "}", "has 1,001 characters"),
        ("{" + "!" * 950 + "a}", "is no JMESPath expression"),
        ("{" + "!" * 40 + "a}", "is nested deeper than 32 levels"),
        ("{a}" + "x" * TEMPLATE_AT_MOST, "a template of 10,003 characters"),
        ("x" * (TEXT_AT_MOST + 1), "it comes to a text of more than 100,000 characters"),
        ([["{a}"] * 10] * (PARTS_AT_MOST // 10), "it has more than 1,000 parts"),
        (float("nan"), "it comes to a number that is out of bounds"),
        (2**64, "it comes to a number that is out of bounds"),
        (object(), "it comes to an object, which is no plain value"),
        ("\ud800", "it comes to text that is not Unicode"),
    ],
)
def test_what_is_no_template_is_told_when_it_is_read(template: Any, said: str) -> None:
    if type(template) is object:
        said = "it comes to a object, which is no plain value"
    with pytest.raises(TemplateProblem) as problem:
        Template(template)
    assert said in problem.value.message


def test_the_path_leads_to_the_template_that_is_wrong() -> None:
    with pytest.raises(TemplateProblem) as problem:
        Template({"site": {"names": ["a", "{b"]}})
    assert problem.value.path == ("site", "names", 1)


def test_a_template_without_expressions_is_constant() -> None:
    assert Template({"a": ["{{x}}"]}).is_constant
    assert not Template(["{x}"]).is_constant


def nested(levels: int) -> Any:
    value: Any = "x"
    for _ in range(levels):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (nested(20), "nested deeper than 16 levels"),
        ([0] * (SIZE_AT_MOST + 1), "more than 10,000 values"),
        ({1: "x"}, "an object whose names are not all text"),
        ({"x": float("inf")}, "a number that is out of bounds"),
        ({"x": (1, 2)}, "a tuple, which is no plain value"),
        ("\udfff", "text that is not Unicode"),
        (-(2**63) - 1, "a number that is out of bounds"),
    ],
)
def test_values_that_no_server_should_be_sent_are_refused(value: Any, said: str) -> None:
    assert said in refusal("{x}", {"x": value})
    assert "x" in refusal("-{x}-", {"x": value})


def test_what_an_expression_builds_stays_small() -> None:
    long = "x" * 60_000
    doubled = "{" + "|".join(["[@,@]"] * 20) + "}"
    flattened = "{" + "|[]|".join(["[@,@]"] * 14) + "|[]}"
    for template, item in (
        (doubled, {}),
        (flattened, {}),
        ("{join(a, [a, a])}", {"a": long}),
        ("{replace(a, 'x', 'yy')}", {"a": long}),
        ("-{a}{a}-", {"a": long}),
        ("{a == a}", {"a": [0] * (SIZE_AT_MOST + 1)}),
        ("{contains(a, 'x')}", {"a": [0] * (SIZE_AT_MOST + 1)}),
        ("{a[*].a[*]}", {"a": [{"a": [0] * 9_000}] * 50}),
        ("{length([a, a, a, a, a, a])}", {"a": "x" * 20_000}),
    ):
        begun = time.perf_counter()
        refusal(template, item)
        assert time.perf_counter() - begun < 2


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.binary(max_size=2),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4) | st.integers(), inner, max_size=3),
    max_leaves=8,
)
WORDS = st.sampled_from(
    (
        *"abc{}[]()|&!@*?:.,'\"`\\ <>=-",
        *(
            "name",
            "&&",
            "||",
            "[?",
            "[]",
            "{{",
            "}}",
            "lower(",
            "sort_by(",
            "`1`",
            "'x'",
            "map(&",
            "merge(",
            "reverse(",
        ),
        *("to_array(", "==", "sum(", "[::0]", "min_by(@, &", "keys(@)", "values(@)"),
    )
)
TEMPLATES = st.lists(WORDS, max_size=10).map("".join) | st.lists(WORDS, max_size=9).map(lambda w: f"{{{''.join(w)}}}")


@given(TEMPLATES, JSON)
@settings(max_examples=600, deadline=None)
def test_hostile_templates_and_items_raise_nothing_but_input_errors(template: str, item: Any) -> None:
    try:
        parsed = Template([template, {"x": template}])
    except InputError:
        return
    for one in (item, {"a": item, "b": item, "name": item}):
        try:
            parsed.render(one)
        except InputError as refused:
            assert refused.message  # noqa: PT017 -- any of two endings is right

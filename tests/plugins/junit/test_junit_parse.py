"""Reading JUnit XML: what the common runners write, and what nobody should."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infratrack.api import InputError, parse_instant
from infratrack_junit import parse
from infratrack_junit.parse import parse_report
from infratrack_junit.report import MAXIMUM_NAME, Suite, merge, plain_name, predicate_members, worse

SUREFIRE = b"""<?xml version="1.0" encoding="UTF-8"?>
<testsuite name="com.example.NetTest" tests="6" errors="1" skipped="1" failures="1" flakes="1">
  <properties><property name="password" value="hunter2-hunter2"/></properties>
  <testcase name="pings" classname="com.example.NetTest" time="0.1"/>
  <testcase name="resolves" classname="com.example.NetTest">
    <flakyFailure message="m" type="t"><stackTrace>hunter2-hunter2</stackTrace></flakyFailure>
  </testcase>
  <testcase name="routes" classname="com.example.NetTest">
    <failure message="token=hunter2-hunter2">trace</failure>
    <rerunFailure message="m">again</rerunFailure>
  </testcase>
  <testcase name="reaches" classname="com.example.NetTest"><error type="IOException"/></testcase>
  <testcase name="later" classname="com.example.NetTest"><skipped/></testcase>
  <testcase name="speaks" classname="com.example.NetTest"><system-out>hunter2-hunter2</system-out></testcase>
</testsuite>
"""


def results(xml: str | bytes) -> dict[str, dict[str, str]]:
    content = xml.encode() if isinstance(xml, str) else xml
    return {suite.name: dict(suite.tests) for suite in parse_report(content, "r.xml").suites}


def test_surefire_results_are_told_apart_and_no_message_is_kept() -> None:
    (suite,) = parse_report(SUREFIRE, "TEST-net.xml").suites
    assert suite.tests == {
        "com.example.NetTest.pings": "PASSED",
        "com.example.NetTest.resolves": "WARNED",
        "com.example.NetTest.routes": "FAILED",
        "com.example.NetTest.reaches": "FAILED",
        "com.example.NetTest.later": "WARNED",
        "com.example.NetTest.speaks": "PASSED",
    }
    assert suite.result == "FAILED"
    assert "hunter2" not in repr(predicate_members([suite]))


def test_nested_suites_are_named_by_their_path() -> None:
    xml = """<testsuites><testsuite name=""><testsuite name="Unit"><testsuite name="Tests\\Net">
        <testcase name="a" class="x"/></testsuite><testcase name="b"/></testsuite></testsuite></testsuites>"""
    assert results(xml) == {"unnamed/Unit/Tests\\Net": {"a": "PASSED"}, "unnamed/Unit": {"b": "PASSED"}, "unnamed": {}}


def test_googletest_states_are_attributes() -> None:
    xml = """<testsuites><testsuite name="s">
        <testcase name="a" status="run" result="completed"/><testcase name="b" status="notrun" result="suppressed"/>
        <testcase name="c" status="failed"/></testsuite></testsuites>"""
    assert results(xml) == {"s": {"a": "PASSED", "b": "WARNED", "c": "FAILED"}}


def test_namespaces_and_tests_outside_any_suite_are_read() -> None:
    assert results('<t:testsuites xmlns:t="urn:x"><t:testcase name="a"><t:failure/></t:testcase></t:testsuites>') == {
        "unnamed": {"a": "FAILED"}
    }


def test_a_test_that_stands_twice_counts_by_its_worst() -> None:
    xml = """<testsuite name="s"><testcase name="a"><failure/></testcase><testcase name="a"/>
        <testcase/><testcase name=" "><skipped/></testcase></testsuite>"""
    assert results(xml) == {"s": {"a": "FAILED", "unnamed": "WARNED"}}
    assert worse("PASSED", "WARNED") == "WARNED"


def test_suites_of_one_name_become_one() -> None:
    first, second = Suite("s", {"a": "PASSED", "b": "PASSED"}), Suite("s", {"b": "FAILED"}, broken=True)
    assert merge([first, second]) == (Suite("s", {"a": "PASSED", "b": "FAILED"}, broken=True),)


@pytest.mark.parametrize(
    ("xml", "result"),
    [
        ('<testsuite name="s" tests="0"/>', "UNKNOWN"),
        ('<testsuite name="s" tests="5" failures="0"/>', "UNKNOWN"),
        ('<testsuite name="s" tests="5" failures="2"/>', "FAILED"),
        ('<testsuite name="s" errors="1"><testcase name="a"/></testsuite>', "FAILED"),
        ('<testsuite name="s" failures="1"><testcase name="a"><failure/></testcase></testsuite>', "FAILED"),
        ('<testsuite name="s"><error>collection</error><testcase name="a"/></testsuite>', "FAILED"),
        ('<testsuite name="s"><skipped/><testcase name="a"/></testsuite>', "PASSED"),
        ('<testsuite name="s"><testcase name="a"><skipped/></testcase></testsuite>', "UNKNOWN"),
        ('<testsuite name="s"><testcase name="a"/><testcase name="b"><skipped/></testcase></testsuite>', "WARNED"),
        ('<testsuite name="s" failures="many" errors="-1"><testcase name="a"/></testsuite>', "PASSED"),
        ('<testsuite name="s" failures="99999999999999"><testcase name="a"/></testsuite>', "PASSED"),
    ],
)
def test_a_suite_is_as_good_as_its_tests_and_counters_say(xml: str, result: str) -> None:
    (suite,) = parse_report(xml.encode(), "r.xml").suites
    assert suite.result == result


def test_failures_counted_by_an_outer_suite_are_those_of_the_inner_ones() -> None:
    xml = """<testsuite name="o" failures="1"><testsuite name="i" failures="1"><testcase name="a"><failure/></testcase>
        </testsuite></testsuite>"""
    assert {suite.name: suite.broken for suite in parse_report(xml.encode(), "r.xml").suites} == {
        "o/i": False,
        "o": False,
    }


def test_an_empty_report_never_reads_as_passed() -> None:
    assert predicate_members([])["result"] == "WARNED"
    assert predicate_members([Suite("s", {})])["result"] == "WARNED"
    assert predicate_members([Suite("s", {"a": "PASSED"})])["result"] == "PASSED"


@pytest.mark.parametrize(
    ("attributes", "begin", "end"),
    [
        (
            'timestamp="2026-01-05T09:00:00+00:00" time="1.5"',
            "2026-01-05T09:00:00.000000Z",
            "2026-01-05T09:00:01.500000Z",
        ),
        ('timestamp="2026-01-05T10:00:00.25+01:00"', "2026-01-05T09:00:00.250000Z", "2026-01-05T09:00:00.250000Z"),
        ('timestamp="2026-01-05T09:00:00Z" time="-1"', "2026-01-05T09:00:00.000000Z", "2026-01-05T09:00:00.000000Z"),
        ('timestamp="2026-01-05T09:00:00" time="1.5"', None, None),
        ('timestamp="2026-99-05T09:00:00Z"', None, None),
        ("", None, None),
    ],
)
def test_when_it_happened_is_known_only_with_an_offset(attributes: str, begin: str | None, end: str | None) -> None:
    report = parse_report(f"<testsuite {attributes}/>".encode(), "r.xml")
    assert report.started_at == (None if begin is None else parse_instant(begin))
    assert report.finished_at == (None if end is None else parse_instant(end))


def test_other_encodings_are_read() -> None:
    assert results('<?xml version="1.0" encoding="UTF-16"?><testsuite name="ü"/>'.encode("utf-16")) == {"ü": {}}
    assert results('<?xml version="1.0" encoding="ISO-8859-1"?><testsuite name="ü"/>'.encode("latin-1")) == {"ü": {}}


def test_a_long_name_is_cut_and_still_told_apart() -> None:
    names = [plain_name("x" * 500 + str(number)) for number in range(3)]
    assert len(set(names)) == 3
    assert {len(name) for name in names} == {MAXIMUM_NAME}
    assert plain_name("a\n b\t") == "a b"


BOMB = '<?xml version="1.0"?>\n<!DOCTYPE lolz [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]>\n<testsuite name="&b;"/>'


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (BOMB, r"r.xml:2: found a document type or entity declaration"),
        ('<!DOCTYPE x SYSTEM "file:///etc/passwd"><testsuite/>', r"r.xml:1: found a document type"),
        ("", r"r.xml:1:1: this is not well-formed XML: no element found"),
        ("<testsuite>\n <testcase>\n</testsuite>", r"r.xml:3:3: this is not well-formed XML: mismatched tag"),
        ('<testsuite name="&x;"/>', r"r.xml:1:1: this is not well-formed XML: undefined entity"),
        ("<html><testsuite/></html>", r"r.xml:1: found the root element <html>, expected <testsuites> or <testsuite>"),
        ("<testsuite>\n<testcase><testcase/></testcase></testsuite>", r"r.xml:2: found a <testcase> inside a <testc"),
        ("<testsuite><testcase><testsuite/></testcase></testsuite>", r"found a <testsuite> inside a <testcase>"),
        ("<testsuite>" * 101, r"found elements nested more than 100 deep"),
        ('<?xml version="1.0" encoding="nonsense"?><testsuite/>', r"r.xml:1.*encoding"),
        (b'<?xml version="1.0" encoding="euc-jp"?><testsuite name="\xa4\xa2"/>', r"r.xml:1.*encoding"),
        (b'<testsuite name="\xff\xfe"/>', r"r.xml:1:\d+: this is not well-formed XML: not well-formed"),
    ],
)
def test_hostile_and_broken_files_end_in_a_sentence_with_the_line(content: str | bytes, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence) as refused:
        results(content)
    assert refused.value.hint == "expected JUnit XML as test runners write it"


def test_too_large_a_file_and_too_many_tests_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parse, "MAXIMUM_TESTS", 2)
    with pytest.raises(InputError, match="found more than 2 tests"):
        results("<testsuite>" + "<testcase/>" * 3 + "</testsuite>")
    monkeypatch.setattr(parse, "MAXIMUM_BYTES", 10)
    with pytest.raises(InputError, match=r"r.xml: 12 bytes is too large"):
        results("<testsuite/>")


TAGS = ["testsuites", "testsuite", "testcase", "failure", "error", "skipped", "flakyError", "system-out", "x"]
TEXT = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs"), exclude_characters='<&"\ufffe\uffff'))
ATTRIBUTES = st.dictionaries(
    st.sampled_from(["name", "classname", "failures", "errors", "tests", "status", "result"]),
    TEXT | st.just("1"),
    max_size=3,
)
TREES: st.SearchStrategy[Any] = st.recursive(
    st.tuples(st.sampled_from(TAGS), ATTRIBUTES, st.just([])),
    lambda inner: st.tuples(st.sampled_from(TAGS), ATTRIBUTES, st.lists(inner, max_size=4)),
    max_leaves=12,
)


def written(tree: tuple[str, dict[str, str], list[object]]) -> str:
    tag, attributes, children = tree
    inner = "".join(written(child) for child in children)  # type: ignore[arg-type]  # a tree again
    names = "".join(f' {key}="{text}"' for key, text in attributes.items())
    return f"<{tag}{names}>{inner}</{tag}>"


def read_or_refuse(content: bytes) -> tuple[Suite, ...]:
    """The suites; none when the report is refused as it should be. Any other exception is the failure looked for."""
    refused = None
    suites: tuple[Suite, ...] = ()
    try:
        suites = parse_report(content, "r.xml").suites
    except InputError as error:
        refused = error.message
    assert refused is None or (refused.startswith("r.xml:") and "\n" not in refused)
    return suites


@given(TREES)
def test_any_tree_is_read_or_refused_with_a_sentence(tree: tuple[str, dict[str, str], list[object]]) -> None:
    members = predicate_members(read_or_refuse(written(tree).encode()))
    assert sum(suite["passed"] for suite in members["suites"]) == len(members["passedTests"])
    if members["failedTests"]:
        assert members["result"] == "FAILED"
    if not members["passedTests"]:
        assert members["result"] != "PASSED"


@given(st.binary(max_size=200), st.integers(0, len(SUREFIRE)), st.integers(0, 40))
def test_damaged_reports_are_read_or_refused_with_a_sentence(noise: bytes, place: int, cut: int) -> None:
    read_or_refuse(noise)
    read_or_refuse(SUREFIRE[:place] + noise + SUREFIRE[place + cut :])

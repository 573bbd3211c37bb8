"""One deliverable explained: its tree of criteria, what each newest word says, and the evidence behind it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.console import Console, Group
from rich.padding import Padding
from rich.text import Text
from rich.tree import Tree

from infratrack.progress.criterion import Decision, Judgement
from infratrack.progress.reasons import NAMED, moment
from infratrack.progress.status import DeliverableState, UnrecordedChange
from infratrack.progress.tree import Branch, Leaf, Negation, Node, evaluate
from infratrack.report.status_table import print_unrecorded
from infratrack.report.terminal import DECISION_STYLES, STYLES, tidied
from infratrack.report.words import Glyphs, cited, glyphs, since, status_word
from infratrack.values import printable

MOST_SUBJECTS = 12
_JUDGED = {
    Judgement.MEETS: Decision.SATISFIED,
    Judgement.FAILS: Decision.UNSATISFIED,
    Judgement.GONE: Decision.UNSATISFIED,
    Judgement.UNKNOWN: Decision.UNKNOWN,
}


def print_explanation(
    console: Console,
    one: DeliverableState,
    task_name: str | None = None,
    unrecorded: Sequence[UnrecordedChange] = (),
) -> None:
    """Print the explanation of one deliverable, and the unrecorded changes that concern it."""
    with tidied(console):
        _print(console, one, task_name)
        print_unrecorded(console, unrecorded, glyphs(console.encoding))


def _print(console: Console, one: DeliverableState, task_name: str | None) -> None:
    signs = glyphs(console.encoding)
    console.print(Text.assemble((printable(one.name), "bold"), "  ", (one.id, "dim")))
    status = Text.assemble((f"{signs.status[one.status]} {status_word(one.status)}", STYLES[one.status]))
    if one.since is not None:
        status.append(f" since {since(one)} UTC")
    console.print(status)
    for line in _facts(one, task_name):
        console.print(Padding(line, (0, 0, 0, 2), expand=False))
    console.print()
    console.print(_tree(one, one.tree, signs))
    if one.turns:
        console.print()
        console.print(Text("History", "bold"))
        for turn in one.turns:
            console.print(Text(f"  {moment(turn.at)}  {turn.what}"))
    for note in one.notes:
        console.print(Text(f"{signs.note} {printable(note)}", "yellow"))


def _facts(one: DeliverableState, task_name: str | None) -> Iterator[Text]:
    if one.reason:
        yield Text(f"because {printable(one.reason)}")
    if one.acceptance is not None:
        comment = f": {printable(one.acceptance.comment)}" if one.acceptance.comment else ""
        yield Text(f"accepted by {one.acceptance.person}{comment}")
    elif one.accepted_by:
        yield Text(f"to be accepted by {' or '.join(one.accepted_by)}", "dim")
    if one.finished is not None:
        yield Text(f"actual finish {moment(one.finished)}", "dim")
    if one.task is not None:
        yield Text(f"task {printable(task_name or one.task)}, weight {one.weight:g}", "dim")


def _tree(one: DeliverableState, node: Node, signs: Glyphs) -> Tree:
    style = "dim" if signs.dot == "·" else ""
    tree = Tree(_label(one, node, signs), guide_style=style)
    for child in _children(node):
        _add(tree, one, child, signs)
    return tree


def _add(tree: Tree, one: DeliverableState, node: Node, signs: Glyphs) -> None:
    branch = tree.add(_label(one, node, signs))
    for child in _children(node):
        _add(branch, one, child, signs)


def _children(node: Node) -> tuple[Node, ...]:
    if isinstance(node, Branch):
        return node.children
    return (node.child,) if isinstance(node, Negation) else ()


def _label(one: DeliverableState, node: Node, signs: Glyphs) -> Text | Group:
    decision = evaluate(node, [verdict.decision for verdict in one.criteria])
    symbol = (signs.decision[decision] + " ", DECISION_STYLES[decision])
    if isinstance(node, Leaf):
        return Group(*_criterion(one, node.number, Text.assemble(symbol), signs))
    if isinstance(node, Negation):
        return Text.assemble(symbol, "must not be met")
    words = {"all": "all of these are needed", "any": "one of these is enough"}
    return Text.assemble(symbol, words.get(node.word, f"at least {node.n} of these are needed"))


def _criterion(one: DeliverableState, number: int, symbol: Text, signs: Glyphs) -> Iterator[Text | Padding]:
    verdict = one.criteria[number]
    yield symbol.append(verdict.criterion, "bold")
    yield Padding(Text(printable(verdict.reason)), (0, 0, 0, 2), expand=False)
    found = one.findings[number] if number < len(one.findings) else ()
    if len(found) > NAMED:
        for finding in found[:MOST_SUBJECTS]:
            decision = _JUDGED[finding.judgement]
            told = Text.assemble(
                (signs.decision[decision] + " ", DECISION_STYLES[decision]),
                f"{printable(finding.subject)}: {printable(finding.note)}",
                (f"  entry {finding.entry}", "dim"),
            )
            yield Padding(told, (0, 0, 0, 4), expand=False)
        if len(found) > MOST_SUBJECTS:
            yield Padding(Text(f"and {len(found) - MOST_SUBJECTS} more", "dim"), (0, 0, 0, 4), expand=False)
    if verdict.decision != Decision.SATISFIED and verdict.wants:
        yield Padding(Text(f"wanted: {printable(verdict.wants)}", "cyan"), (0, 0, 0, 2), expand=False)
    for reference in verdict.evidence:
        for begin, parts in zip((f"{signs.note} ", "  "), cited(reference), strict=True):
            if parts:
                line = begin + f" {signs.dot} ".join(map(printable, parts))
                yield Padding(Text(line, "dim", overflow="fold"), (0, 0, 0, 2), expand=False)

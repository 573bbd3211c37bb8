"""The criteria on NetBox. Pure.

What counts is the newest `infratrack observe netbox`: it asks what the criteria want to know, and writes down answers
of three values. Here an answer is only told apart.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from infratrack.api import BindContext, Judged, Judgement, Rule, Selector, Template, every, parse_duration
from infratrack_netbox.address_questions import check_addresses
from infratrack_netbox.criterion_schemas import (
    CABLED_SCHEMA,
    CHANGED_BY_RUN_SCHEMA,
    MATCHES_SCHEMA,
    PRIMARY_IP_SCHEMA,
    RACK_SCHEMA,
    RECORD_SCHEMA,
)
from infratrack_netbox.evidence import word_name
from infratrack_netbox.questions import asked

_JUDGEMENTS: Final = {"yes": Judgement.MEETS, "no": Judgement.FAILS, "unknown": Judgement.UNKNOWN}


class Record:
    """`netbox.record`: records are there, as many as should be, and say what they should.

    Without `count` or `min`, at least one must be there. All that the token can see within the filter must agree.
    A `count` also says that there is no other record: like every "not there", that needs a token of which it is proven
    that it sees all records of the type (a superuser's, or one that may view the type without constraints and may view
    `users.objectpermission`, which says so), or a `canary`; otherwise it is unknown. Values are compared in one
    spelling: `2001:DB8::1` is `2001:db8:0:0::1`, and a choice is given by its value.
    """

    name: Final = "netbox.record"
    schema: Final = RECORD_SCHEMA

    def bind(self, parameters: Mapping[str, Any], context: BindContext) -> Rule:
        """The rule for one filter."""
        return _rule(self.name, parameters, f"records that agree with {asked(self.name, parameters).label}")


class Cabled:
    """`netbox.cabled`: an interface is connected by cables to the far end.

    The whole path counts, through patch panels too: each of its cables must have the status `connected`.
    """

    name: Final = "netbox.cabled"
    schema: Final = CABLED_SCHEMA

    def bind(self, parameters: Mapping[str, Any], context: BindContext) -> Rule:
        """The rule for the interfaces of one device."""
        return _rule(self.name, parameters, f"a connected cable at {asked(self.name, parameters).label}")


class PrimaryIP:
    """`netbox.primary_ip`: a device or virtual machine has a primary address.

    The address must be assigned to an interface of its own. With `filter`, every record within it must have one; that
    none is missing needs a token which can see all of them, or a `canary`.
    """

    name: Final = "netbox.primary_ip"
    schema: Final = PRIMARY_IP_SCHEMA

    def bind(self, parameters: Mapping[str, Any], context: BindContext) -> Rule:
        """The rule for one device, one virtual machine, or all within a filter. InputError for what is no address."""
        check_addresses(parameters)
        return _rule(self.name, parameters, f"a primary address of {asked(self.name, parameters).label}")


class Rack:
    """`netbox.rack`: a device stands in its rack, at its unit and face, and is fed by its power feeds."""

    name: Final = "netbox.rack"
    schema: Final = RACK_SCHEMA

    def bind(self, parameters: Mapping[str, Any], context: BindContext) -> Rule:
        """The rule for one device."""
        return _rule(self.name, parameters, asked(self.name, parameters).label)


class Matches:
    """`netbox.matches`: records agree field by field with Terraform outputs or resources.

    `each`, `from`, `key` and `fields` are those of a mapping under `cmdb`. Both sides are read when `infratrack observe
    netbox` looks; of values only those that differ are kept, cut short, and none that is sensitive. A source that is
    partial or empty leaves it unknown.
    """

    name: Final = "netbox.matches"
    schema: Final = MATCHES_SCHEMA

    def bind(self, parameters: Mapping[str, Any], context: BindContext) -> Rule:
        """The rule for one mapping. InputError for a template that is none."""
        for name in ("key", "fields", "where"):
            Template(parameters.get(name))
        return _rule(self.name, parameters, f"agreement of {asked(self.name, parameters).label}")


class ChangedByRun:
    """`netbox.changed_by_run`: the last change of each record was made by a run of this project.

    The request that NetBox's change log names must stand in signed evidence of a sync that counts. Messages in the
    change log prove nothing, since anybody can write them. A record without any entry in the change log (it keeps 90
    days by default) is unknown.
    """

    name: Final = "netbox.changed_by_run"
    schema: Final = CHANGED_BY_RUN_SCHEMA

    def bind(self, parameters: Mapping[str, Any], context: BindContext) -> Rule:
        """The rule for one filter."""
        return _rule(self.name, parameters, f"a sync as the last change of {asked(self.name, parameters).label}")


def _rule(name: str, parameters: Mapping[str, Any], wants: str) -> Rule:
    """Exactly this question's newest answer, whichever server gave it unless one is named."""
    question = asked(name, parameters)
    wanted = word_name(question.label, question.digest)
    server = parameters.get("server")
    selector = Selector(
        name,
        wanted,
        scope=None if server is None else f"netbox {server.rstrip('/').lower()}",
        match=wanted.__eq__,
        label=question.label,
        as_one=True,
    )
    return Rule(
        selectors=(selector,),
        judge=judge_answer,
        decide=every,
        wants=f"{wants}, and `infratrack observe netbox` to see it",
        within=parse_duration(parameters["within"]) if "within" in parameters else None,
        keep=parameters.get("keep", False),
    )


def judge_answer(kind: str, value: Mapping[str, Any]) -> Judged | None:
    """What an answer means; None for a value that is none."""
    judgement = _JUDGEMENTS.get(str(value.get("said")))
    note = value.get("note")
    return Judged(judgement, note) if judgement is not None and isinstance(note, str) and note else None

"""`infratrack observe netbox --changelog` and links from cables, on a real NetBox."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from infratrack.api import (
    Collected,
    Digest,
    Instant,
    ObserveContext,
    RecordedEvidence,
    UnrecordedEvidence,
    parse_instant,
)
from infratrack.project.model import AllOf, Definition, Deliverable, Project, Task
from infratrack_netbox.changelog import OVERLAP
from infratrack_netbox.evidence import NETBOX_CHANGES, NETBOX_OBSERVATION, NETBOX_SYNC
from infratrack_netbox.observer import NetBoxLinks
from tests.netbox_server.server import NetBoxServer

from .observed_netbox import DIGEST, HOUR, build_network, evidence, limited_token, look, schema_cache

pytestmark = pytest.mark.slow

CORE = {"type": "dcim.device", "filter": {"name": "core-1"}}
WANTED = {"netbox.record": (CORE,)}
KIND = UnrecordedEvidence(NETBOX_CHANGES, "changes to NetBox records")


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return schema_cache(tmp_path_factory)


@pytest.fixture(scope="module")
def network(netbox: NetBoxServer) -> Iterator[dict[str, Any]]:
    netbox.reset()
    yield build_network(netbox.api)
    netbox.reset()


def server_time(netbox: NetBoxServer) -> Instant:
    """When the newest change was made."""
    return max(parse_instant(one.time) for one in netbox.api.core.object_changes.all())


def changes(netbox: NetBoxServer, cache: Path, *known: RecordedEvidence, **context: Any) -> Collected:
    """A look for changes, with such evidence in the ledger."""
    given = {"at": Instant(server_time(netbox) + HOUR), "deliverables": {"core": WANTED}, **context}
    seen = look(
        netbox, cache, given.pop("wanted", WANTED), changelog=True,
        recorded=lambda kind: [one for one in known if one.predicate_type == kind], **given,
    )  # fmt: skip
    Draft202012Validator(KIND.schema).validate(seen.result)
    return seen


def test_a_change_that_no_evidence_explains_is_told_until_evidence_explains_it(
    netbox: NetBoxServer, network: Any, cache: Path
) -> None:
    since = Instant(server_time(netbox) + 1)
    netbox.api.dcim.devices.get(name="core-1").update({"serial": "X7", "comments": "\x1b[31mred"})
    netbox.api.dcim.devices.get(name="core-2").update({"serial": "not asked about"})
    seen = changes(netbox, cache, since=since)
    (change,) = seen.result["changes"]
    assert change["what"] == "updated dcim.device core-1: comments, serial"
    assert (change["by"], change["deliverables"], change["recorded"]) == ("admin", ["core"], False)
    assert (change["before"]["serial"], change["after"]["serial"]) == ("S1", "X7")
    assert "\x1b" not in str(change)
    assert seen.result["complete"] is True
    assert any("direct SQL" in spot for spot in seen.result["blindSpots"])
    (word,) = KIND.words({"result": seen.result})
    assert word.value["recorded"] is False
    first = evidence(NETBOX_CHANGES, seen.result)
    sync = evidence(NETBOX_SYNC, {"identity": f"netbox {netbox.url}", "requests": [change["request"]]})
    (later,) = changes(netbox, cache, first, sync, since=Instant(since + HOUR)).result["changes"]
    assert (later["id"], later["recorded"], later["evidence"]) == (change["id"], True, DIGEST)
    assert changes(netbox, cache, sync, since=since).result["changes"] == []


def test_records_that_are_gone_or_bound_by_a_sync_are_looked_at_too(
    netbox: NetBoxServer, network: Any, cache: Path
) -> None:
    api, identity = netbox.api, f"netbox {netbox.url}"
    core = api.dcim.devices.get(name="core-1")
    gone = api.dcim.devices.create(name="core-7", site=core.site.id, role=core.role.id, device_type=core.device_type.id)
    asked = {"type": "dcim.device", "filter": {"name": "core-7"}}
    wanted = {"netbox.record": (asked,)}
    before = look(netbox, cache, wanted)
    since = Instant(server_time(netbox) + 1)
    gone.delete()
    site = api.dcim.sites.get(slug="ams1")
    site.update({"description": "moved"})
    bound = {"identity": identity, "requests": [], "records": [{"type": "dcim.site", "id": str(site.id)}]}
    seen = changes(
        netbox, cache, evidence(NETBOX_OBSERVATION, before.result), evidence(NETBOX_SYNC, bound), since=since,
        wanted=wanted, deliverables={"seven": wanted},
    )  # fmt: skip
    told = {one["what"]: one["deliverables"] for one in seen.result["changes"]}
    assert told == {"deleted dcim.device core-7": ["seven"], "updated dcim.site AMS1: description": []}
    site.update({"description": ""})


def test_a_first_look_begins_with_the_log_and_the_next_where_the_last_complete_one_ended_less_an_overlap(
    netbox: NetBoxServer, network: Any, cache: Path
) -> None:
    times = [parse_instant(one.time) for one in netbox.api.core.object_changes.all()]
    first = changes(netbox, cache)
    assert parse_instant(first.result["since"]) == min(times)
    assert parse_instant(first.result["until"]) == max(times)
    assert any(one["what"] == "created dcim.device core-1" for one in first.result["changes"])
    assert changes(netbox, cache, since=Instant(0)).result["since"] == first.result["since"]
    seen = evidence(NETBOX_CHANGES, first.result)
    assert parse_instant(changes(netbox, cache, seen).result["since"]) == max(times) - OVERLAP
    token = limited_token(netbox.api, "half-blind-still", [(["dcim.device", "core.objectchange"], {"id__lt": 10**6})])
    blind = changes(netbox, cache, seen, token=token)
    assert blind.result["complete"] is False
    both = (seen, evidence(NETBOX_CHANGES, blind.result))
    assert parse_instant(changes(netbox, cache, *both).result["since"]) == max(times) - OVERLAP
    later = parse_instant(blind.result["until"]) - OVERLAP
    assert parse_instant(changes(netbox, cache, *both, token=token).result["since"]) == later


def test_a_look_that_could_not_reach_everything_does_not_move_the_next_one(
    netbox: NetBoxServer, network: Any, cache: Path
) -> None:
    types: list[tuple[list[str], Any]] = [(["dcim.device", "core.objectchange"], None)]
    token = limited_token(netbox.api, "no-prefixes", types)
    wanted = {**WANTED, "netbox.record": (CORE, {"type": "ipam.prefix"})}
    seen = changes(netbox, cache, token=token, wanted=wanted)
    assert (seen.unreached != "", seen.result["until"], seen.result["complete"]) == (True, None, False)
    again = changes(netbox, cache, evidence(NETBOX_CHANGES, seen.result), token=token, wanted=wanted)
    assert again.result["since"] == seen.result["since"]


def test_a_token_that_may_not_see_the_whole_change_log_says_so(netbox: NetBoxServer, network: Any, cache: Path) -> None:
    types: list[tuple[list[str], Any]] = [(["dcim.device"], None), (["core.objectchange"], {"user_name": "nobody"})]
    token = limited_token(netbox.api, "half-blind", types)
    seen = changes(netbox, cache, token=token, since=Instant(0))
    assert (seen.result["complete"], seen.result["changes"]) == (False, [])
    assert any("the change log may hold more" in spot for spot in seen.result["blindSpots"])


def test_cables_between_the_devices_of_two_tasks_suggest_a_dependency(
    netbox: NetBoxServer, network: Any, cache: Path
) -> None:
    tasks = (Task("core", "Core"), Task("second", "Second"))
    deliverables = tuple(Deliverable(f"d-{one.id}", "", AllOf(()), task=one.id) for one in tasks)
    project = Project("p", "P", Definition(Digest("sha256:" + "0" * 64), b"{}"), tasks=tasks, deliverables=deliverables)
    second = {"netbox.rack": ({"device": "core-2", "rack": "R1"},)}
    context = ObserveContext(
        Path(),
        {"NETBOX_URL": netbox.url, "NETBOX_TOKEN": netbox.read_only_token},
        {**WANTED, **second},
        cache=cache,
        deliverables={"d-core": WANTED, "d-second": second},
    )
    (found,) = NetBoxLinks().suggest(context, project)
    assert (found.kind, found.source, found.target) == ("task_depends", "second", "core")
    assert found.reason == "NetBox has cables between their devices: core-1 eth0 – core-2 eth0"
    nothing = ObserveContext(Path(), context.environment, {}, cache=cache)
    assert list(NetBoxLinks().suggest(nothing, project)) == []

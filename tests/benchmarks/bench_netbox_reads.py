"""A sync that finds nothing to do over 2,000 devices, against merely listing them with pynetbox."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from infratrack.api import DesiredRecord, ReconcileContext, RecordSet
from infratrack.reconciliation.bases import Bases
from infratrack.reconciliation.planning import make_plan
from infratrack.reconciliation.policy import Policy
from infratrack_netbox.reconciler import NetBoxReconciler
from tests.benchmarks.measure import Measure
from tests.netbox_server.cache import Cache
from tests.netbox_server.server import NetBoxServer
from tests.netbox_server.template import ensure_template

DEVICES = 2_000
BATCH = 100
ROUNDS = 3
COMPARED = "id,display,name,site,role,device_type,status,tags,last_updated"
FIELDS: Mapping[str, Any] = {"site": {"slug": "ams1"}, "role": {"slug": "leaf"}, "device_type": {"slug": "sw48"}}


def measure() -> Iterable[Measure]:
    """Ours from opening to the plan; the peer's best of several settings. In turns, of several rounds the fastest."""
    ensure_template(Cache.find(), _say)
    with NetBoxServer(_say) as server, TemporaryDirectory() as folder:
        _arrange(server.api)
        _no_op(server, Path(folder))  # the server's schema is read once a release, and kept
        calls = {"": lambda: _no_op(server, Path(folder)), **_peers(server)}
        times: dict[str, list[float]] = {name: [] for name in calls}
        for _ in range(ROUNDS):
            for name, call in calls.items():
                started = time.perf_counter()
                call()
                times[name].append(time.perf_counter() - started)
        best = min(set(calls) - {""}, key=lambda name: min(times[name]))
        yield Measure(
            f"no-op sync of {DEVICES} devices",
            min(times[""]),
            f"pynetbox listing: {best}",
            min(times[best]),
            1.2,
            "connecting, listing, comparing, planning; the peer asks for the same fields",
        )


def _no_op(server: NetBoxServer, folder: Path) -> None:
    environment = {"NETBOX_URL": server.url, "NETBOX_TOKEN": server.read_only_token}
    context = ReconcileContext({"url": "${NETBOX_URL}"}, folder, environment, lambda *_: None, folder)
    inventory = NetBoxReconciler().open(context)
    desired = tuple(
        DesiredRecord("dcim.device", {"name": f"sw{number}"}, {**FIELDS, "status": "active"})
        for number in range(DEVICES)
    )
    sets = inventory.prepare([RecordSet("dcim.device", desired)])
    readings = inventory.read(sets, {})
    plan = make_plan(
        "netbox", inventory.identity, sets, readings, Bases(), Policy(), inventory.retirement, inventory.dependents
    )
    inventory.close()
    if plan.records:
        raise AssertionError(f"not a no-op: {plan.summary}")


def _peers(server: NetBoxServer) -> dict[str, Callable[[], None]]:
    """Every setting that could be the best: pages by id one after the other, or by offset on four threads."""
    return {
        f"{size} a page{', four threads' if threads else ''}": _lister(server, size, threads=threads)
        for threads in (False, True)
        for size in (250, 500, 1000)
    }


def _lister(server: NetBoxServer, size: int, *, threads: bool) -> Callable[[], None]:
    def listing() -> None:
        import pynetbox

        pagination = "offset" if threads else "cursor"
        api = pynetbox.api(server.url, token=server.read_only_token, threading=threads, pagination=pagination)
        found = len(list(api.dcim.devices.filter(limit=size, fields=COMPARED)))
        api.http_session.close()
        if found != DEVICES:
            raise AssertionError(f"{found} devices instead of {DEVICES}")

    return listing


def _arrange(api: Any) -> None:
    tag = api.extras.tags.create(name="infratrack", slug="infratrack")
    site = api.dcim.sites.create(name="AMS1", slug="ams1")
    maker = api.dcim.manufacturers.create(name="Maker", slug="maker")
    kind = api.dcim.device_types.create(model="SW48", slug="sw48", manufacturer=maker.id)
    role = api.dcim.device_roles.create(name="Leaf", slug="leaf", color="00ff00")
    like = {"site": site.id, "device_type": kind.id, "role": role.id, "status": "active", "tags": [tag.id]}
    for first in range(0, DEVICES, BATCH):
        api.dcim.devices.create([{**like, "name": f"sw{number}"} for number in range(first, first + BATCH)])
        _say(f"{first + BATCH} of {DEVICES} devices made")


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")

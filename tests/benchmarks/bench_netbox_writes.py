"""Creating 500 devices in a real NetBox, against pynetbox with the best of several fixed batch sizes."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from infratrack.api import Write, WriteContext
from infratrack_netbox.client import NetBoxClient
from infratrack_netbox.settings import Mark
from infratrack_netbox.writing import write
from tests.benchmarks.measure import Measure
from tests.netbox_server.cache import Cache
from tests.netbox_server.server import NetBoxServer
from tests.netbox_server.template import ensure_template

DEVICES = 500
FIXED_SIZES = (50, 100, 200)
ROUNDS = 2


def measure() -> Iterable[Measure]:
    """Ours against the peer's best, each from an empty NetBox, in turns, equally often; of all the fastest counts."""
    ensure_template(Cache.find(), _say)
    with NetBoxServer(_say) as server, TemporaryDirectory() as folder:
        ours: list[float] = []
        peers: dict[int, list[float]] = {size: [] for size in FIXED_SIZES}
        for _ in range(ROUNDS):
            for size in FIXED_SIZES:
                ours.append(_timed(server, partial(_with_us, server, Path(folder))))
                peers[size].append(_timed(server, partial(_with_pynetbox, server, size)))
        best = min(FIXED_SIZES, key=lambda size: min(peers[size]))
        note = ", ".join(f"{size} a request {min(peers[size]):.1f} s" for size in FIXED_SIZES)
        yield Measure(
            f"{DEVICES} devices created, re-read and reported",
            min(ours),
            f"pynetbox, {best} a request",
            min(peers[best]),
            1.0,
            f"{note}; ours without knowing the size",
        )


def _timed(server: NetBoxServer, made_ready: Callable[[], Callable[[], None]]) -> float:
    """Seconds for the creation alone, in a NetBox that holds what devices need and has answered before."""
    server.reset()
    _arrange(server.api)
    server.api.dcim.devices.create([_device(server.api, f"warm-{number}") for number in range(10)])
    create = made_ready()
    started = time.perf_counter()
    create()
    seconds = time.perf_counter() - started
    found = server.api.dcim.devices.count(name__isw="bench-")
    if found != DEVICES:
        raise AssertionError(f"{found} devices instead of {DEVICES}")
    return seconds


def _arrange(api: Any) -> None:
    api.dcim.sites.create(name="AMS1", slug="ams1")
    api.dcim.manufacturers.create(name="Maker", slug="maker")
    api.dcim.device_types.create(model="SW48", slug="sw48", manufacturer={"slug": "maker"})
    api.dcim.device_roles.create(name="Leaf", slug="leaf", color="00ff00")
    api.extras.tags.create(name="infratrack", slug="infratrack")


def _device(api: Any, name: str) -> dict[str, Any]:
    """As somebody who knows pynetbox well sends it: by ids."""
    kinds = (("site", api.dcim.sites), ("device_type", api.dcim.device_types), ("role", api.dcim.device_roles))
    ids = {field: next(iter(endpoint.all())).id for field, endpoint in kinds}
    return {"name": name, "status": "active", "tags": [{"slug": "infratrack"}], **ids}


def _with_pynetbox(server: NetBoxServer, size: int) -> Callable[[], None]:
    like = _device(server.api, "")
    devices = [{**like, "name": f"bench-{number}"} for number in range(DEVICES)]

    def create() -> None:
        for start in range(0, DEVICES, size):
            server.api.dcim.devices.create(devices[start : start + size])

    return create


def _with_us(server: NetBoxServer, cache: Path) -> Callable[[], None]:
    """The plan has opened the client and read the schema before anything is written."""
    client = NetBoxClient.open(server.url, server.token, cache=cache)
    client.schema()
    fields = {
        "site": {"slug": "ams1"},
        "device_type": {"slug": "sw48"},
        "role": {"slug": "leaf"},
        "status": "active",
        "tags": ["infratrack"],
    }
    names = [f"bench-{number}" for number in range(DEVICES)]
    writes = [Write("create", "dcim.device", {"name": name}, fields={"name": name, **fields}) for name in names]
    context = WriteContext("run-of-the-benchmark", "500 devices")

    def create() -> None:
        came = list(write(client, writes, context, lambda: False, Mark("infratrack")))
        client.close()
        if [one.outcome for one in came] != ["written"] * DEVICES:
            raise AssertionError("not every device was written")

    return create


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")

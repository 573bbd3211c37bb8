"""What a colleague does in NetBox's web pages: rename a VLAN, with no pipeline and no evidence.

Usage: python3 netbox/rename_by_hand.py VID NAME
"""

import json
import os
import sys
import urllib.request

URL = os.environ["NETBOX_URL"].rstrip("/")
TOKEN = os.environ["NETBOX_TOKEN"]
SCHEME = "Bearer" if TOKEN.startswith("nbt_") else "Token"


def ask(method: str, path: str, body: object = None) -> dict:
    """One request to NetBox's API."""
    request = urllib.request.Request(  # noqa: S310 -- the address is the user's own NetBox
        f"{URL}/api/{path}",
        method=method,
        data=None if body is None else json.dumps(body).encode(),
        headers={"Authorization": f"{SCHEME} {TOKEN}", "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310 -- likewise
        return json.load(answer)


vid, name = sys.argv[1:]
(vlan,) = ask("GET", f"ipam/vlans/?vid={int(vid)}&site=infratrack-demo")["results"]
ask("PATCH", f"ipam/vlans/{vlan['id']}/", {"name": name})
print(f"VLAN {vid}: {vlan['name']} is now {name}")

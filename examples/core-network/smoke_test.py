"""Every core switch must carry both VLANs."""

import pathlib
import sys

missing = [
    f"{switch}: vlan {vlan}"
    for switch in ("core-1", "core-2")
    for vlan in (10, 20)
    if f"vlan {vlan}\n" not in pathlib.Path("rendered", f"{switch}.cfg").read_text(encoding="utf-8")
]
print("missing: " + ", ".join(missing) if missing else "both switches carry both VLANs")
sys.exit(1 if missing else 0)

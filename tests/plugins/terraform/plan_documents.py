"""Plan and state documents in the shapes of several Terraform versions, small and made by hand."""

from __future__ import annotations

from typing import Any

PROVIDER = "registry.terraform.io/hashicorp/aws"


def change(address: str, *actions: str, **more: object) -> dict[str, Any]:
    """An entry of `resource_changes`; `before`, `after` and other members of `change` may be given."""
    kind, _, rest = address.rpartition(".")
    inner = {name: more.pop(name) for name in list(more) if name in CHANGE_MEMBERS}
    return {
        "address": address,
        "mode": "managed",
        "type": kind.rpartition(".")[2],
        "name": rest.partition("[")[0],
        "provider_name": PROVIDER,
        "change": {"actions": list(actions), "before": None, "after": None, **inner},
        **more,
    }


CHANGE_MEMBERS = frozenset(
    {"before", "after", "after_unknown", "before_sensitive", "after_sensitive", "importing", "replace_paths"}
)


def plan(*changes: dict[str, Any], version: str = "1.11.4", **more: object) -> dict[str, Any]:
    """A plan document."""
    return {
        "format_version": "1.2",
        "terraform_version": version,
        "resource_changes": list(changes),
        "errored": False,
        "complete": True,
        "applyable": True,
        **more,
    }


OLD_PLAN: dict[str, Any] = {
    "format_version": "0.1",
    "terraform_version": "0.12.24",
    "planned_values": {"outputs": {"token": {"sensitive": True, "value": "old-token-value"}}, "root_module": {}},
    "resource_changes": [
        {
            "address": "module.a.aws_s3_bucket.logs",
            "module_address": "module.a",
            "mode": "managed",
            "type": "aws_s3_bucket",
            "name": "logs",
            "provider_name": "aws",
            "change": {"actions": ["delete", "create"], "before": {"acl": "private"}, "after": {"acl": "public-read"}},
        }
    ],
    "output_changes": {
        "token": {"actions": ["create"], "before": None, "after": "old-token-value", "after_unknown": False},
        "plain": {"actions": ["create"], "before": None, "after": "plain-value", "after_unknown": False},
    },
    "configuration": {"root_module": {"variables": {"v": {"default": None, "description": "“odd” quotes"}}}},
}
"""Before 0.14: no masks at all, and drift unheard of."""

RAW_STATE: dict[str, Any] = {
    "version": 4,
    "terraform_version": "1.11.4",
    "serial": 6,
    "lineage": "79a64faa-ae78-7164-86ac-e6c625dcf8a2",
    "outputs": {
        "ids": {"value": [10, 20], "type": ["tuple", ["number", "number"]]},
        "pw": {"value": "hunter2-output", "type": "string", "sensitive": True},
    },
    "resources": [
        {
            "mode": "managed",
            "type": "terraform_data",
            "name": "vlan",
            "provider": 'provider["terraform.io/builtin/terraform"]',
            "instances": [
                {
                    "index_key": 0,
                    "attributes": {"id": "x", "input": {"value": {"id": 10, "pw": "hunter2-deep"}, "type": ["object"]}},
                    "sensitive_attributes": [
                        [{"type": "get_attr", "value": "input"}, {"type": "get_attr", "value": "pw"}]
                    ],
                },
                {"index_key": 1, "status": "tainted", "attributes": {"id": "y"}},
            ],
        },
        {
            "module": 'module.core["west"]',
            "mode": "managed",
            "type": "terraform_data",
            "name": "rack",
            "provider": "provider.terraform",
            "instances": [
                {"index_key": "a", "deposed": "00000001", "attributes": {"id": "old"}},
                {"index_key": "a", "attributes": {"id": "new"}},
                {"index_key": "b", "attributes": {"id": "b"}},
                {"index_key": "b", "deposed": "00000002", "attributes": {"id": "older"}},
            ],
        },
        {"mode": "data", "type": "http", "name": "page", "instances": [{"attributes": {"body": "text"}}]},
    ],
    "check_results": [{"object_kind": "check", "config_addr": "check.ok", "status": "pass", "objects": []}],
}

SHOWN_STATE: dict[str, Any] = {
    "format_version": "1.0",
    "terraform_version": "1.11.4",
    "values": {
        "outputs": {"ids": {"sensitive": False, "value": [10, 20]}, "pw": {"sensitive": True, "value": "hunter2-out"}},
        "root_module": {
            "resources": [
                {
                    "address": "terraform_data.vlan[0]",
                    "mode": "managed",
                    "type": "terraform_data",
                    "name": "vlan",
                    "index": 0,
                    "provider_name": "terraform.io/builtin/terraform",
                    "values": {"input": {"id": 10, "pw": "hunter2-deep"}, "output": {"id": 10, "pw": "hunter2-deep"}},
                    "sensitive_values": {"input": {"pw": True}},
                },
                {"address": "data.http.page", "mode": "data", "type": "http", "name": "page", "values": {}},
            ],
            "child_modules": [
                {
                    "address": "module.core",
                    "resources": [
                        {
                            "address": 'module.core.terraform_data.rack["a"]',
                            "mode": "managed",
                            "type": "terraform_data",
                            "name": "rack",
                            "index": "a",
                            "provider_name": "terraform.io/builtin/terraform",
                            "values": {"input": None},
                            "sensitive_values": {},
                            "tainted": True,
                        },
                        {
                            "address": "module.core.terraform_data.old",
                            "mode": "managed",
                            "type": "terraform_data",
                            "name": "old",
                            "values": {"input": 1},
                            "sensitive_values": {},
                            "deposed_key": "00000001",
                        },
                    ],
                }
            ],
        },
    },
    "checks": [{"address": {"kind": "check", "to_display": "check.ok"}, "status": "odd"}],
}

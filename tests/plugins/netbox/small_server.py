"""The OpenAPI document of a small NetBox: a few types with one field of every kind."""

from __future__ import annotations

from typing import Any

from infratrack_netbox.openapi import read_openapi
from infratrack_netbox.server_schema import ServerSchema

REF = "#/components/schemas/"


def _ref(name: str) -> dict[str, Any]:
    return {"$ref": f"{REF}{name}"}


def _one_of(name: str) -> dict[str, Any]:
    return {"oneOf": [{"type": "integer"}, {"allOf": [_ref(name)], "nullable": True}], "nullable": True}


TEXT = {"type": "string"}
STATUS = {
    "enum": ["active", "planned", ""],
    "type": "string",
    "description": "* `active` - Active\n* `planned` - Planned\n* `gone` - Gone",
}
SHOWN_STATUS = {
    "type": "object",
    "properties": {"value": STATUS, "label": {"type": "string", "enum": ["Active", "Planned"]}},
}
TAGS = {"type": "array", "items": _ref("NestedTagRequest")}
READ_ONLY = {
    "id": {"type": "integer", "readOnly": True},
    "url": {"type": "string", "readOnly": True},
    "display": {"type": "string", "readOnly": True},
}
TIMES = {
    "created": {"type": "string", "format": "date-time", "readOnly": True},
    "last_updated": {"type": "string", "format": "date-time", "readOnly": True},
}

COMPONENTS: dict[str, Any] = {
    "NestedTag": {"properties": {**READ_ONLY, "name": TEXT, "slug": TEXT}},
    "NestedTagRequest": {"properties": {"name": TEXT, "slug": TEXT}},
    "Tag": {"properties": {**READ_ONLY, **TIMES, "name": TEXT, "slug": TEXT, "color": TEXT}},
    "TagRequest": {"properties": {"name": TEXT, "slug": TEXT, "color": TEXT}, "required": ["name", "slug"]},
    "BriefSite": {"properties": {**READ_ONLY, "name": TEXT, "slug": TEXT}},
    "Site": {
        "properties": {
            **READ_ONLY,
            **TIMES,
            "name": TEXT,
            "slug": TEXT,
            "tags": {"type": "array", "items": _ref("NestedTag")},
        }
    },
    "WritableSiteRequest": {"properties": {"name": TEXT, "slug": TEXT, "tags": TAGS}, "required": ["name", "slug"]},
    "BriefDevice": {"properties": {**READ_ONLY, "name": TEXT}},
    "Device": {
        "properties": {
            **READ_ONLY,
            **TIMES,
            "name": {"type": "string", "nullable": True},
            "site": _ref("BriefSite"),
            "status": SHOWN_STATUS,
            "position": {"type": "number", "format": "double", "nullable": True},
            "height": {"type": "integer"},
            "enabled": {"type": "boolean"},
            "installed": {"type": "string", "format": "date", "nullable": True},
            "context": {"nullable": True},
            "ports": {"type": "array", "items": {"type": "integer"}},
            "primary_ip4": {"allOf": [_ref("BriefIPAddress")], "nullable": True},
            "tags": {"type": "array", "items": _ref("NestedTag")},
            "custom_fields": {"type": "object", "additionalProperties": {}},
            "port_count": {"type": "integer", "readOnly": True},
        }
    },
    "WritableDeviceRequest": {
        "properties": {
            "name": {"type": "string", "nullable": True},
            "site": {"oneOf": [{"type": "integer"}, _ref("BriefSiteRequest")]},
            "status": STATUS,
            "position": {"type": "number", "format": "double", "nullable": True},
            "height": {"type": "integer"},
            "enabled": {"type": "boolean"},
            "installed": {"type": "string", "format": "date", "nullable": True},
            "context": {"nullable": True},
            "ports": {"type": "array", "items": {"type": "integer"}},
            "primary_ip4": _one_of("BriefIPAddressRequest"),
            "tags": TAGS,
            "custom_fields": {"type": "object", "additionalProperties": {}},
        },
        "required": ["site"],
    },
    "BriefInterface": {"properties": {**READ_ONLY, "device": _ref("BriefDevice"), "name": TEXT}},
    "Interface": {
        "properties": {
            **READ_ONLY,
            **TIMES,
            "device": _ref("BriefDevice"),
            "name": TEXT,
            "lag": _ref("NestedInterface"),
            "vlans": {"type": "array", "items": _ref("BriefSite")},
        }
    },
    "NestedInterface": {"properties": {**READ_ONLY, "name": TEXT}},
    "InterfaceRequest": {
        "properties": {
            "device": {"oneOf": [{"type": "integer"}, _ref("BriefDeviceRequest")]},
            "name": TEXT,
            "lag": {"type": "integer", "nullable": True},
            "vlans": {"type": "array", "items": {"type": "integer"}},
        },
        "required": ["device", "name"],
    },
    "BriefIPAddress": {"properties": {**READ_ONLY, "address": TEXT}},
    "IPAddress": {
        "properties": {
            **READ_ONLY,
            **TIMES,
            "address": TEXT,
            "dns_name": TEXT,
            "assigned_object": {"readOnly": True, "nullable": True},
            "assigned_object_type": {"type": "string", "nullable": True},
            "assigned_object_id": {"type": "integer", "nullable": True},
            "seen_in": _ref("ASNSite"),
            "odd": _ref("Unheard"),
        }
    },
    "IPAddressRequest": {
        "properties": {
            "address": TEXT,
            "dns_name": {"oneOf": [{"type": "string", "maxLength": 255}, {"type": "string", "maxLength": 0}]},
            "assigned_object_type": {"type": "string", "nullable": True},
            "assigned_object_id": {"type": "integer", "nullable": True},
            "odd": {"type": "integer"},
        },
        "required": ["address"],
    },
    "GenericObject": {"properties": {"object_type": TEXT, "object_id": {"type": "integer"}, "object": {}}},
    "Service": {"properties": {**READ_ONLY, "name": TEXT, "parent": {"readOnly": True}}},
    "ServiceRequest": {
        "properties": {"name": TEXT, "parent_object_type": TEXT, "parent_object_id": {"type": "integer"}},
        "required": ["name", "parent_object_id"],
    },
    "Cable": {"properties": {**READ_ONLY, "a_terminations": {"type": "array", "items": _ref("GenericObject")}}},
    "CableRequest": {"properties": {"a_terminations": {"type": "array", "items": _ref("GenericObjectRequest")}}},
    "ObjectChange": {"properties": {**READ_ONLY, "action": TEXT}},
}


def _path(component: str, written: str, *filters: str) -> dict[str, Any]:
    names = ("limit", "offset", "start", "fields", "id", *filters)
    item: dict[str, Any] = {
        "get": {
            "parameters": [{"name": name, "in": "query"} for name in names],
            "responses": {"200": {"content": {"application/json": {"schema": _ref(f"Paginated{component}List")}}}},
        }
    }
    if written:
        alternatives = [_ref(written), {"type": "array", "items": _ref(written)}]
        item["post"] = {"requestBody": {"content": {"application/json": {"schema": {"oneOf": alternatives}}}}}
    return item


DOCUMENT: dict[str, Any] = {
    "paths": {
        "/api/extras/tags/": _path("Tag", "TagRequest", "slug"),
        "/api/dcim/sites/": _path("Site", "WritableSiteRequest", "slug", "name"),
        "/api/dcim/devices/": _path("Device", "WritableDeviceRequest", "name", "site", "site_id", "status"),
        "/api/dcim/devices/{id}/": _path("Device", ""),
        "/api/dcim/interfaces/": _path("Interface", "InterfaceRequest", "device_id", "lag_id"),
        "/api/ipam/ip-addresses/": _path("IPAddress", "IPAddressRequest", "address", "interface_id", "device_id"),
        "/api/ipam/services/": _path("Service", "ServiceRequest"),
        "/api/dcim/cables/": _path("Cable", "CableRequest"),
        "/api/core/object-changes/": _path("ObjectChange", ""),
        "/api/status/": {"get": {"responses": {"200": {"content": {"application/json": {"schema": {}}}}}}},
    },
    "components": {"schemas": COMPONENTS},
}


def small_schema() -> ServerSchema:
    """The compact form of it."""
    return read_openapi(DOCUMENT)

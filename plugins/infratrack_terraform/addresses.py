"""Terraform addresses: how they are written, and patterns over them.

In a pattern `*` stands for any name or index; everything else, brackets too, is literal. `[*]` is any one index,
so `terraform_data.vlan[*]` matches `terraform_data.vlan[0]` and `terraform_data.vlan["a.b"]`. Elsewhere `*` stands
for any run of characters, so `module.core.*` matches everything in that module, nested modules too.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterable
from typing import Final

LONGEST_ADDRESS: Final = 4_096
_INDEX: Final = r'\[(?:[0-9]++|"(?:[^"\\]|\\.)*+")\]'
_PART: Final = re.compile(r'"((?:[^"\\]|\\.)*)"|([A-Za-z_][\w-]*)')
_ESCAPES: Final = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"}


def quote_index(index: str | float) -> str:
    """An index as Terraform writes it in an address: `[0]`, `["a"]`; strings are escaped as in HCL."""
    if isinstance(index, str):
        text = "".join(_ESCAPES.get(character, character) for character in index)
        return '["' + text.replace("${", "$${").replace("%{", "%%{") + '"]'
    if isinstance(index, float) and index.is_integer():
        index = int(index)
    return f"[{index}]"


def resource_address(module: str, mode: str, kind: str, name: str, index: str | float | None = None) -> str:
    """An address from its parts; empty where type or name are missing."""
    if not kind or not name:
        return ""
    parts = [module] if module else []
    if mode == "data":
        parts.append("data")
    suffix = "" if index is None else quote_index(index)
    return ".".join([*parts, kind, name]) + suffix


def matcher(pattern: str) -> Callable[[str], bool]:
    """Whether an address matches the pattern. Takes time linear in the address: no pattern can make it crawl."""
    # Compiled when first asked: a project of many criteria is bound to be checked, without looking at any address.
    compiled = functools.cache(lambda: _compiled(pattern))

    def matches(address: str) -> bool:
        return len(address) <= LONGEST_ADDRESS and compiled().fullmatch(address) is not None

    return matches


def _compiled(pattern: str) -> re.Pattern[str]:
    chunks = ["".join(_literal(part) for part in _split_indexes(chunk)) for chunk in _split_stars(pattern)]
    first, *rest = chunks
    if not rest:
        return re.compile(first, re.DOTALL)
    # An atomic group a star: the leftmost fit of each chunk is never given up, so nothing is tried twice.
    middle = "".join(f"(?>.*?{chunk})" for chunk in rest[:-1])
    return re.compile(f"{first}{middle}.*{rest[-1]}", re.DOTALL)


def names_in(addresses: Iterable[str]) -> frozenset[str]:
    """Every name, type and text index in some addresses."""
    return frozenset(part for address in addresses for pair in _PART.findall(address) for part in pair if part)


def literal_beginning(pattern: str) -> str:
    """What every address that matches begins with (to find candidates quickly)."""
    return pattern.partition("*")[0]


def _split_stars(pattern: str) -> list[str]:
    """Cut at every star that is no `[*]`; runs of stars are one."""
    return re.split(r"(?:(?<!\[)\*|\*(?!\]))+", pattern)


def _split_indexes(chunk: str) -> list[str]:
    return re.split(r"(\[\*\])", chunk)


def _literal(part: str) -> str:
    return _INDEX if part == "[*]" else re.escape(part)

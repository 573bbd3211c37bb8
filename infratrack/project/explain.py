"""Why data does not fit the schema, in plain words. jsonschema says where; the words are ours."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final

from infratrack.project.nearest import NearestNames
from infratrack.project.problems import Flaw, Path, shown, spoken_list

_KINDS: Final = {
    "array": "a list",
    "boolean": "true or false",
    "integer": "a whole number",
    "null": "nothing",
    "number": "a number",
    "object": "a mapping",
    "string": "text",
}


class Explainer:
    """Explains what a schema has against some data. `broken` says which plugins could not be loaded, and why."""

    def __init__(self, schema: Mapping[str, Any], nearest: NearestNames, broken: Mapping[str, str]) -> None:
        self._schema = schema
        self._nearest = nearest
        self._broken = broken

    def flaws(self, data: Any) -> list[Flaw]:  # noqa: ANN401 -- whatever YAML holds
        """Everything that is wrong, in no particular order."""
        import jsonschema  # noqa: PLC0415 -- only a wrong project file needs it

        errors = jsonschema.Draft202012Validator(self._schema).iter_errors(data)
        return list(self._from_errors(errors))

    def _from_errors(self, errors: Iterable[Any]) -> Iterator[Flaw]:
        for error in errors:
            yield from self._from_error(error, tuple(error.absolute_path))

    def _from_error(self, error: Any, path: Path) -> Iterator[Flaw]:  # noqa: ANN401 -- jsonschema.ValidationError
        if error.validator == "additionalProperties" and error.validator_value is False:
            yield from self._unknown_keys(error, path)
        elif error.validator == "required":
            yield self._missing(error, path)
        elif error.validator in ("anyOf", "oneOf"):
            yield from self._choice(error, path)
        elif error.validator == "propertyNames" or (error.validator and "propertyNames" in error.schema_path):
            yield Flaw(path, f"the key {shown(error.instance)} does not fit", shown(error.instance), _fits(error))
        elif error.validator == "not" and not error.validator_value:
            yield self._forbidden(error, path)
        elif error.validator == "maxProperties" and "all" in error.schema.get("properties", ()):
            what = f"several keys in one condition ({spoken_list(error.instance)})"
            expected = "exactly one; put them in a list under `all:` or `any:`"
            yield Flaw(path, what, spoken_list(error.instance), expected)
        else:
            yield Flaw(path, found=_found(error), expected=_expected(error))

    def _unknown_keys(self, error: Any, path: Path) -> Iterator[Flaw]:  # noqa: ANN401 -- jsonschema.ValidationError
        known = error.schema.get("properties", {})
        title = error.schema.get("title")
        kind = {"a condition": "criterion", "a step": "kind of step", "the CMDBs": "CMDB"}.get(title, "key")
        for key in error.instance:
            if key in known:
                continue
            plugin = key.partition(".")[0]
            what = f"unknown {kind} {shown(key)}"
            if kind != "key" and plugin in self._broken:
                what = f"the {kind} {shown(key)} cannot be checked: its plugin did not load ({self._broken[plugin]})"
                yield Flaw((*path, key), what, shown(key), f"the plugin {plugin!r} to work", at_key=True)
                continue
            expected = f"one of {spoken_list(known)}" if known else "no keys here"
            if kind != "key" and self._broken:
                expected += f" (these plugins did not load: {spoken_list(self._broken)})"
            yield Flaw((*path, key), what, shown(key), expected, self._nearest.to(key, known), at_key=True)

    def _missing(self, error: Any, path: Path) -> Flaw:  # noqa: ANN401 -- jsonschema.ValidationError
        missing = [name for name in error.validator_value if name not in error.instance]
        name = next((name for name in missing if repr(name) in error.message), missing[0])
        title = error.schema.get("title", "this")
        return Flaw(path, f"{title} has no `{name}`", spoken_list(error.instance) or "no keys", f"the key `{name}`")

    def _forbidden(self, error: Any, path: Path) -> Flaw:  # noqa: ANN401 -- jsonschema.ValidationError
        beside = [str(part) for part in error.absolute_schema_path]
        other = beside[beside.index("dependentSchemas") + 1] if "dependentSchemas" in beside else ""
        name = path[-1] if path else ""
        expected = f"either `{other}` or `{name}`, not both" if other else "this key to be left out"
        return Flaw(path, f"`{name}` does not go together with what else stands here", str(name), expected, at_key=True)

    def _choice(self, error: Any, path: Path) -> Iterator[Flaw]:  # noqa: ANN401 -- jsonschema.ValidationError
        """`anyOf` and `oneOf`: if they only choose between keys, say which; else explain the branch that is closest."""
        branches = error.validator_value
        keys = [branch["required"][0] for branch in branches if list(branch) == ["required"]]
        if len(keys) == len(branches) and isinstance(error.instance, Mapping):
            yield from self._choice_of_keys(error, path, keys)
            return
        by_branch: dict[Any, list[Any]] = {}
        for inner in error.context:
            by_branch.setdefault(inner.relative_schema_path[0], []).append(inner)
        fitting = [errors for errors in by_branch.values() if not _is_of_other_kind(errors)]
        if len(fitting) == 1:
            for inner in fitting[0]:
                yield from self._from_error(inner, (*path, *inner.relative_path))
        else:
            expected = " or ".join(dict.fromkeys(_expected(errors[0]) for errors in by_branch.values()))
            yield Flaw(path, found=shown(error.instance), expected=expected or "a value that fits")

    def _choice_of_keys(self, error: Any, path: Path, keys: list[str]) -> Iterator[Flaw]:  # noqa: ANN401 -- jsonschema.ValidationError
        title, known = error.schema.get("title", "this"), error.schema.get("properties", {})
        there = [key for key in keys if key in error.instance]
        if there:
            found = spoken_list(f"`{key}`" for key in there)
            yield Flaw(path, f"{title} has {found} at once", found, "only one of them")
        elif all(key in known for key in error.instance):
            # Where a key is unknown, that has been said, and is the reason.
            wanted = spoken_list(f"`{key}`" for key in keys)
            yield Flaw(path, f"{title} lacks its main key", "none of them", f"one of {wanted}")


def _is_of_other_kind(errors: list[Any]) -> bool:
    return any(error.validator == "type" and not error.relative_path for error in errors)


def _found(error: Any) -> str:  # noqa: ANN401 -- jsonschema.ValidationError
    many: dict[str, Callable[[Any], str]] = {
        "maxItems": lambda value: f"{len(value)} entries",
        "minItems": lambda value: f"{len(value)} entries",
        "maxLength": lambda value: f"{len(value):,} characters",
        "uniqueItems": lambda value: f"{_repeated(value)} twice",
    }
    return many.get(error.validator, shown)(error.instance)


def _repeated(values: list[Any]) -> str:
    return next(shown(value) for index, value in enumerate(values) if value in values[:index])


def _expected(error: Any) -> str:  # noqa: ANN401 -- jsonschema.ValidationError
    wanted = error.validator_value
    words: dict[str, Callable[[], str]] = {
        "const": lambda: shown(wanted),
        "enum": lambda: f"one of {spoken_list(map(str, wanted))}",
        "exclusiveMinimum": lambda: f"a number above {wanted}",
        "exclusiveMaximum": lambda: f"a number below {wanted}",
        "minimum": lambda: f"a number from {wanted}",
        "maximum": lambda: f"a number up to {wanted:,}",
        "minItems": lambda: f"at least {wanted}",
        "maxItems": lambda: f"at most {wanted:,}",
        "minLength": lambda: _fits(error),
        "maxLength": lambda: f"at most {wanted:,}",
        "minProperties": lambda: _fits(error),
        "pattern": lambda: _fits(error),
        "format": lambda: _fits(error),
        "type": lambda: _of_type(error),
        "uniqueItems": lambda: "each once",
    }
    return words.get(error.validator, lambda: _fits(error))()


def _of_type(error: Any) -> str:  # noqa: ANN401 -- jsonschema.ValidationError
    title = error.schema.get("title")
    if title:
        return _fits(error)
    kinds = error.validator_value if isinstance(error.validator_value, list) else [error.validator_value]
    return " or ".join(_KINDS.get(kind, str(kind)) for kind in kinds if kind != "null") + _such_as(error.schema)


def _fits(error: Any) -> str:  # noqa: ANN401 -- jsonschema.ValidationError
    schema = error.schema if isinstance(error.schema, Mapping) else {}
    title = str(schema.get("title", ""))
    if not title:
        title = "a mapping with something in it" if error.validator == "minProperties" else "something else"
        if error.validator in ("pattern", "minLength"):
            title = f"text that matches {error.validator_value}" if error.validator == "pattern" else "text"
    return title + _such_as(schema)


def _such_as(schema: Mapping[str, Any]) -> str:
    plain = [str(example) for example in schema.get("examples", ()) if isinstance(example, str | int | float)]
    return f" such as {spoken_list(plain, most=3)}" if plain else ""

"""Every key of a recipe, read off the schema."""

from __future__ import annotations

import types
import typing
from typing import Any, Literal, NamedTuple, Union

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from firstsight.learning.recipes.schema import Recipe

__all__ = ["RecipeKey", "recipe_keys"]


class RecipeKey(NamedTuple):
    name: str
    kind: str
    default: str
    meaning: str


def recipe_keys() -> list[RecipeKey]:
    """In the order of the schema; keys of a union name the `kind` they belong to."""
    return list(_keys_of(Recipe, ""))


def _keys_of(
    table: type[BaseModel], prefix: str, belongs_to: str = ""
) -> typing.Iterator[RecipeKey]:
    for name, field in table.model_fields.items():
        inner = _tables_in(field.annotation)
        repeated = _repeated_table(field.annotation)
        if repeated is not None:
            yield RecipeKey(prefix + name, "list of tables", "[]", field.description or "")
            yield from _keys_of(repeated, f"{prefix}{name}[].", belongs_to)
            continue
        if not inner:
            yield RecipeKey(
                prefix + name,
                _kind(field.annotation),
                _default(field),
                " ".join(filter(None, (field.description, belongs_to))),
            )
            continue
        if len(inner) > 1:
            kinds = " or ".join(_tag(each) for each in inner)
            yield RecipeKey(f"{prefix}{name}.kind", kinds, "", f"which {name}")
        for each in inner:
            tag = _tag(each) if len(inner) > 1 else ""
            for key in _keys_of(each, f"{prefix}{name}.", f"(kind {tag})" if tag else ""):
                if not (tag and key.name.endswith(".kind")):
                    yield key


def _tables_in(annotation: Any) -> list[type[BaseModel]]:
    members = typing.get_args(annotation) if _is_union(annotation) else (annotation,)
    return [each for each in members if isinstance(each, type) and issubclass(each, BaseModel)]


def _repeated_table(annotation: Any) -> type[BaseModel] | None:
    if typing.get_origin(annotation) is not tuple:
        return None
    member = typing.get_args(annotation)[0]
    return member if isinstance(member, type) and issubclass(member, BaseModel) else None


def _is_union(annotation: Any) -> bool:
    return typing.get_origin(annotation) in (Union, types.UnionType)


def _tag(table: type[BaseModel]) -> str:
    return str(typing.get_args(table.model_fields["kind"].annotation)[0])


def _kind(annotation: Any) -> str:
    if typing.get_origin(annotation) is typing.Annotated:
        return _kind(typing.get_args(annotation)[0])
    if typing.get_origin(annotation) is Literal:
        return " or ".join(map(str, typing.get_args(annotation)))
    if _is_union(annotation):
        return " or ".join(_kind(each) for each in typing.get_args(annotation))
    if typing.get_origin(annotation) is tuple:
        members = typing.get_args(annotation)
        return (
            f"list of {_kind(members[0])}"
            if Ellipsis in members
            else (f"{len(members)} x {_kind(members[0])}")
        )
    if typing.get_origin(annotation) is dict:
        return "table"
    plain = {int: "whole number", float: "number", str: "text", bool: "true or false"}
    return "left out" if annotation is type(None) else plain[annotation]


def _default(field: FieldInfo) -> str:
    if field.default_factory is not None:
        return "{}"
    if field.default is PydanticUndefined:
        return "must be given"
    value = field.default
    return "left out" if value is None else str(list(value) if isinstance(value, tuple) else value)

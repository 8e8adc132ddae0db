"""The API for people to read: a page made of /openapi.json, without scripts or another host."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from fastapi import APIRouter, Depends, FastAPI, Request
from starlette.responses import HTMLResponse

from firstsight.app.http.security.access import may_read
from firstsight.app.web.rendering import PageRoute, page

__all__ = ["Field", "Operation", "operations_of", "router", "shapes_of"]

router = APIRouter(route_class=PageRoute, include_in_schema=False, dependencies=[Depends(may_read)])

Json = Mapping[str, Any]

_AT_LARGE = ("default", "422")  # every refusal has the same shape, told once


@dataclass(frozen=True)
class Field:
    """kind: its type in words. shape: the name of the shape that it refers to, or ""."""

    name: str
    kind: str
    shape: str
    needed: bool
    told: str


@dataclass(frozen=True)
class Operation:
    """answers: status and name of the shape, "" where it is no JSON. fields: of its body."""

    key: str
    method: str
    path: str
    summary: str
    told: str
    parameters: list[Field]
    kinds: list[str]
    fields: list[Field]
    answers: list[tuple[str, str]]


@router.get("/docs")
async def describe(request: Request) -> HTMLResponse:
    described = cast(FastAPI, request.app).openapi()
    operations = operations_of(described)
    groups: dict[str, list[Operation]] = {}
    for tag, operation in operations:
        groups.setdefault(tag, []).append(operation)
    return page(
        request, "docs", "The API", gallery=None, groups=groups, shapes=shapes_of(described)
    )


def operations_of(described: Json) -> list[tuple[str, Operation]]:
    """What can be asked, each under its tag, in the order of the description."""
    return [
        (told["tags"][0], _operation(method, path, told, described))
        for path, methods in described["paths"].items()
        for method, told in methods.items()
    ]


def shapes_of(described: Json) -> dict[str, list[Field]]:
    """The fields of each shape that answers or bodies are made of."""
    schemas = described["components"]["schemas"]
    return {name: _fields(schema) for name, schema in schemas.items() if "properties" in schema}


def _operation(method: str, path: str, told: Json, described: Json) -> Operation:
    content = told.get("requestBody", {}).get("content", {})
    body: Json = next((each["schema"] for each in content.values()), {})
    if name := _shape_in(body):
        body = described["components"]["schemas"][name]
    answers = [
        (status, _shape_in(answer.get("content", {}).get("application/json", {}).get("schema", {})))
        for status, answer in told["responses"].items()
        if status not in _AT_LARGE
    ]
    parameters = [
        Field(
            each["name"],
            f"{_kind_of(each['schema'])}, in the {each['in']}",
            "",
            bool(each.get("required")),
            each.get("description", ""),
        )
        for each in told.get("parameters", [])
    ]
    return Operation(
        key=told["operationId"],
        method=method.upper(),
        path=path,
        summary=told["summary"],
        told=told.get("description", ""),
        parameters=parameters,
        kinds=list(content),
        fields=_fields(body),
        answers=answers,
    )


def _fields(schema: Json) -> list[Field]:
    needed = schema.get("required", ())
    return [
        Field(name, _kind_of(each), _shape_in(each), name in needed, each.get("description", ""))
        for name, each in schema.get("properties", {}).items()
    ]


def _shape_in(schema: Json) -> str:
    """The shape that a schema is, or is made of; "" where it is none."""
    if "$ref" in schema:
        return str(schema["$ref"]).rsplit("/", 1)[-1]
    parts = [*schema.get("anyOf", ()), schema.get("items", {})]
    return next(filter(None, map(_shape_in, filter(None, parts))), "")


def _kind_of(schema: Json) -> str:
    """A schema's type, as a person would say it."""
    if "$ref" in schema:
        return _shape_in(schema)
    if "anyOf" in schema:
        return " or ".join(map(_kind_of, schema["anyOf"]))
    if "enum" in schema:
        return " or ".join(f'"{each}"' for each in schema["enum"])
    if "const" in schema:
        return f'"{schema["const"]}"'
    if schema.get("type") == "array":
        if "prefixItems" in schema:
            return f"{len(schema['prefixItems'])} {_kind_of(schema['prefixItems'][0])}s"
        return f"list of {_kind_of(schema['items'])}"
    if schema.get("format") == "binary":
        return "file"
    if schema.get("format") == "byte":
        return "base64"
    return str(schema.get("type", "anything"))

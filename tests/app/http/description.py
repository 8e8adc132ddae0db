"""What /openapi.json says of an answer, held against the answer itself."""

from __future__ import annotations

import copy
import json
import re
from typing import Any

import httpx
import jsonschema_rs

__all__ = ["Description"]


class Description:
    """Strict: an object may hold nothing that its shape does not name."""

    def __init__(self, described: dict[str, Any]) -> None:
        self._described = copy.deepcopy(described)
        for shape in self._described["components"]["schemas"].values():
            if "properties" in shape:
                shape["additionalProperties"] = False
        self._paths = [
            (re.compile(re.sub(r"\{\w+\}", "[^/]+", path)), methods)
            for path, methods in described["paths"].items()
        ]

    def flaws_of(self, answer: httpx.Response) -> list[str]:
        """What is wrong with an answer; nothing is, of a path or method that is not described."""
        told = self._answers_of(answer.request.method, answer.request.url.path)
        if told is None:
            return []
        described = told.get(str(answer.status_code)) or told["default"]
        schema = described.get("content", {}).get("application/json", {}).get("schema")
        if schema is None:
            kind = answer.headers["Content-Type"]
            return [] if kind in described.get("content", {}) else [f"{kind} is not described"]
        validator = jsonschema_rs.Draft202012Validator(
            {**schema, "components": self._described["components"]}
        )
        given = json.loads(answer.text)
        return [
            f"{list(each.instance_path)}: {each.message}" for each in validator.iter_errors(given)
        ]

    def _answers_of(self, method: str, path: str) -> dict[str, Any] | None:
        for pattern, methods in self._paths:
            if pattern.fullmatch(path) and method.lower() in methods:
                answers: dict[str, Any] = methods[method.lower()]["responses"]
                return answers
        return None

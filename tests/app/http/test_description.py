"""The OpenAPI description, and requests that schemathesis makes of it."""

from __future__ import annotations

from typing import Any

import httpx
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import Case
from schemathesis.core.result import Ok
from schemathesis.openapi import from_dict

from tests.app.http.serving import Server


def test_every_route_is_described_and_named_once(client: httpx.Client) -> None:
    described = client.get("/openapi.json").json()
    for wanted in ("identify", "search", "verify", "embed", "why", "advice"):
        for path in (f"/v1/{wanted}", f"/v1/galleries/{{gallery}}/{wanted}"):
            content = described["paths"][path]["post"]["requestBody"]["content"]
            assert set(content) == {"multipart/form-data", "application/json"}
    operations = [each for path in described["paths"].values() for each in path.values()]
    assert all(each.get("summary") for each in operations)
    ids = [each["operationId"] for each in operations]
    assert len(set(ids)) == len(ids)


def test_no_request_that_the_description_allows_ends_in_an_error_of_ours(server: Server) -> None:
    described = httpx.get(f"{server.url}/openapi.json").json()
    schema = from_dict(described)
    broken: list[str] = []

    for result in schema.get_all_operations():
        assert isinstance(result, Ok)
        operation = result.ok()
        if not operation.path.startswith("/v1/"):
            continue

        @settings(
            max_examples=3,
            deadline=None,
            database=None,
            derandomize=True,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy())
        def ask(case: Case[Any]) -> None:
            response = case.call(base_url=server.url)
            if response.status_code >= 500:
                broken.append(f"{case.method} {case.path}: {response.text[:200]}")

        ask()
    assert broken == []

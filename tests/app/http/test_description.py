"""The OpenAPI description, and requests that schemathesis makes of it."""

from __future__ import annotations

import re
from typing import Any

import httpx
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import Case
from schemathesis.core.result import Ok
from schemathesis.openapi import from_dict

from tests.app.http.description import Description
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


def test_every_answer_and_every_refusal_has_a_shape(client: httpx.Client) -> None:
    described = client.get("/openapi.json").json()
    for path, methods in described["paths"].items():
        for method, told in methods.items():
            for status, answer in told["responses"].items():
                if path.endswith("/picture") and status == "200":
                    assert set(answer["content"]) == {"image/png", "image/webp", "image/jpeg"}
                    continue
                shape = answer["content"]["application/json"]["schema"]["$ref"]
                is_refusal = status in ("default", "422")
                assert shape.endswith("/Refused") == is_refusal, (method, path, status)


def test_an_answer_that_is_not_as_described_is_noticed(
    server: Server, description: Description
) -> None:
    health = httpx.get(f"{server.url}/v1/health")
    assert description.flaws_of(health) == []
    for wrong in ({"live": True}, {"live": True, "ready": 1}, {**health.json(), "more": 1}):
        answer = httpx.Response(200, json=wrong, request=health.request)
        assert len(description.flaws_of(answer)) == 1
    missing = httpx.Response(404, json={"error": {}}, request=health.request)
    assert description.flaws_of(missing)


def test_people_read_the_same_description_without_scripts_or_another_host(
    client: httpx.Client,
) -> None:
    described, page = client.get("/openapi.json").json(), client.get("/docs")
    assert page.headers["Content-Type"].startswith("text/html")
    for path, methods in described["paths"].items():
        for method in methods:
            assert f"<code>{method.upper()} {path}</code>" in page.text
    for name, shape in described["components"]["schemas"].items():
        section = page.text.partition(f'id="shape-{name}"')[2].partition("</section>")[0]
        for each in shape.get("properties", ()):
            assert f"<code>{each}</code>" in section
    assert "<p><code>live</code> always; " in page.text
    assert "`" not in page.text
    targets = re.findall(r'href="#([^"]+)"', page.text)
    assert {each for each in targets if f'id="{each}"' not in page.text} == set()
    assert not re.search(r'(?:src|href)="(?:https?:)?//', page.text)
    assert not re.search(r"<script(?![^>]* src=)|<style| style=| onclick=", page.text)


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

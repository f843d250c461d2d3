# SPDX-License-Identifier: Apache-2.0
"""How answers travel: redacted, tagged, as the OpenAPI document says."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import Any

import pytest

from fluxsm.cli.status import HERE
from fluxsm.machine.states import State
from fluxsm.objects.timestamp import parse_time
from fluxsm.simulation.world import INSTANCE, World
from fluxsm.web import encode
from fluxsm.web.access import COOKIE, Access
from fluxsm.web.exchange import Request
from fluxsm.web.routes import API, DOCUMENT, INDEX, Routes, asset
from states.table import TABLE
from tests.states.worlds import WORLDS, installed
from tests.unit.cli.test_canary import CANARY, FORMS
from tests.unit.web.showing import WorldSources, shown
from tools.openapi import document

DATA = ("instance", "machine", "history", "events", "report")
REPORT: dict[str, Any] = {
    "apiVersion": "fluxcd.controlplane.io/v1",
    "kind": "FluxReport",
    "metadata": {"name": "flux", "managedFields": [{"manager": "flux-operator"}]},
    "spec": {"distribution": {"status": "Installed", "entitlement": "Unknown"}},
}


def routes(world: World) -> tuple[Routes, WorldSources]:
    """The routes of a page about a world that has a report."""
    board, sources = shown(world)
    sources.reported = REPORT
    return Routes(board, TABLE), sources


def get(found: Routes, path: str, **headers: str) -> tuple[int, Any]:
    """Status and data of an answer."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    answer = found.answer(Request(method="GET", path=path, headers=named))
    return answer.status, json.loads(answer.body) if answer.body else None


def test_the_report_is_the_one_of_the_reference() -> None:
    """The object as it is stored, and a name of the process that begins as the reference's does."""
    status, body = get(routes(installed())[0], f"{API}/report")
    assert status == 200
    assert body["spec"]["userInfo"] == {"username": "flux-operator-0", "groups": []}
    assert body["spec"]["distribution"] == REPORT["spec"]["distribution"]
    assert (body["kind"], body["metadata"]) == ("FluxReport", {"name": "flux"})


def test_without_a_report_it_is_said_why() -> None:
    """There is none, or it is not known."""
    found, sources = routes(installed())
    sources.reported = None
    assert get(found, f"{API}/report")[0] == 404
    board, sources = shown(installed())
    sources.missing = {"report": "not read yet"}
    assert get(Routes(board, TABLE), f"{API}/report") == (
        503, {"error": "the FluxReport is not known: not read yet"},
    )  # fmt: skip


@pytest.mark.parametrize("name", [*DATA, "openapi.json"])
def test_a_reader_who_has_it_gets_no_body(name: str) -> None:
    """By its ETag, also as a proxy weakens it; after a change there is a body again."""
    world = installed()
    found, _ = routes(world)
    request = Request(method="GET", path=f"{API}/{name}")
    tag = found.answer(request).headers["ETag"]
    for header in (tag, f'"other", W/{tag}', "*"):
        again = Request(method="GET", path=request.path, headers={"if-none-match": header})
        answer = found.answer(again)
        assert (answer.status, answer.body, answer.headers["ETag"]) == (304, b"", tag)
    other = Request(method="GET", path=request.path, headers={"if-none-match": '"other"'})
    assert found.answer(other).body


@pytest.mark.parametrize("state", WORLDS, ids=str)
def test_every_answer_is_as_the_document_says(state: State) -> None:
    """In every state: each field is there, has its type, and no other one is."""
    found, sources = routes(WORLDS[state]())
    sources.recorded = ({"reason": "X", "message": "y", "metadata": {"name": "z"}},)
    schemas = document()["components"]["schemas"]
    for name in DATA:
        _, body = get(found, f"{API}/{name}")
        content = document()["paths"][f"{API}/{name}"]["get"]["responses"]["200"]["content"]
        check(body, content["application/json"]["schema"], schemas, name)


def check(value: Any, schema: dict[str, Any], schemas: dict[str, Any], where: str) -> None:
    """Check data against the part of JSON Schema that the document uses."""
    if "$ref" in schema:
        schema = schemas[schema["$ref"].rpartition("/")[2]]
    if "anyOf" in schema:
        [schema] = [
            item for item in schema["anyOf"] if (item.get("type") == "null") is (value is None)
        ]
        check(value, schema, schemas, where)
        return
    kinds = {
        "object": dict, "array": list, "string": str, "boolean": bool, "integer": int,
        "number": float | int, "null": type(None),
    }  # fmt: skip
    assert isinstance(value, kinds[schema["type"]]), f"{where}: {value!r}"
    if schema.get("format") == "date-time":
        parse_time(str(value))
    for number, item in enumerate(value if isinstance(value, list) else ()):
        check(item, schema["items"], schemas, f"{where}[{number}]")
    if isinstance(value, dict) and "properties" in schema:
        assert set(schema["required"]) <= value.keys(), where
        if schema.get("additionalProperties") is False:
            assert value.keys() == schema["properties"].keys(), where
        for key, part in schema["properties"].items():
            if key in value:
                check(value[key], part, schemas, f"{where}.{key}")


def test_everything_of_the_index_is_there() -> None:
    """And what is not there is not found, in words."""
    found, _ = routes(installed())
    assert get(found, API)[1]["paths"].keys() == {f"{API}/{name}" for name in INDEX}
    assert get(found, DOCUMENT)[1] == json.loads(asset("openapi.json")) == document()
    status, body = get(found, f"{API}/secrets")
    assert (status, body) == (404, {"error": f"there is no {API}/secrets; see {API}"})


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_nothing_can_be_written(method: str) -> None:
    """Whatever the path."""
    found, sources = routes(installed())
    answer = found.answer(Request(method=method, path=f"{API}/instance", body=b"{}"))
    assert (answer.status, answer.headers["Allow"]) == (405, "GET, HEAD")
    assert sources.looks == 0


@pytest.mark.parametrize("url", FORMS)
def test_a_login_of_the_instance_never_leaves(url: str) -> None:
    """Nor one in a message, an event or the report."""
    world = installed()
    text = f"cannot pull {url}: {url!r}"
    condition = {**world.status["conditions"][0], "message": text, "reason": "Odd"}
    status = {"conditions": [condition], "lastAppliedRevision": url, "state": url}
    world.user.patch(INSTANCE, {"status": status}, subresource="status")
    board, sources = shown(world, leading=False)
    sources.recorded = ({"reason": "X", "message": text, "metadata": {"name": "z"}},)
    sources.reported = {**REPORT, "spec": {"sync": {"source": url, "status": text}}}
    sources.missing = {"events": text}
    found = Routes(board, TABLE)
    for name in DATA:
        body = found.answer(Request(method="GET", path=f"{API}/{name}")).body.decode()
        assert CANARY not in body, name


def test_names_are_in_camel_case() -> None:
    """As everywhere in Kubernetes."""
    assert encode.camel("limit_seconds") == "limitSeconds"
    assert encode.camel("api_version") == "apiVersion"


def access() -> tuple[Access, list[str]]:
    """Access for the token `good`; `known` is of somebody who may not look. And who was judged."""
    asked: list[str] = []
    verdicts = {"Bearer good": HTTPStatus.OK, "Bearer known": HTTPStatus.FORBIDDEN}

    def judge(header: str) -> HTTPStatus:
        asked.append(header)
        return verdicts.get(header, HTTPStatus.UNAUTHORIZED)

    return Access(judge), asked


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 401),
        ({"authorization": "Bearer bad"}, 401),
        ({"authorization": "Bearer known"}, 403),
        ({"authorization": "Bearer good"}, 200),
        ({"cookie": f"other=1; {COOKIE}=good"}, 200),
        ({"cookie": f"{COOKIE}=known"}, 403),
        ({"cookie": "fluxsm=good"}, 401),
        ({"cookie": f"{COOKIE}=known", "authorization": "Bearer good"}, 200),
        ({"cookie": "\x00;;;"}, 401),
    ],
)
def test_only_who_may_look_gets_an_answer(headers: dict[str, str], status: int) -> None:
    """By the header, or by the cookie that a browser has; others do not even make it look."""
    board, sources = shown(installed())
    found = Routes(board, TABLE, access()[0])
    answer = found.answer(Request(method="GET", path=f"{API}/instance", headers=headers))
    assert answer.status == status
    assert sources.looks == (status == 200)
    if status == 401:
        assert answer.headers["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost:9080", 200), ("127.0.0.1", 200), ("[::1]:9080", 200), ("[::1]", 200),
        ("evil.example:9080", 421), ("localhost.evil.example", 421), ("", 421),
    ],
)  # fmt: skip
def test_a_page_of_one_machine_answers_to_its_names_alone(host: str, status: int) -> None:
    """A name of another site that leads here would let its scripts read."""
    found = Routes(shown(installed())[0], TABLE, hosts=HERE)
    headers = {"host": host}
    request = Request(method="GET", path=f"{API}/instance", headers=headers)
    assert found.answer(request).status == status

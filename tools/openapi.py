# SPDX-License-Identifier: Apache-2.0
"""The OpenAPI document of the page's API, from the classes of its answers."""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Mapping
from dataclasses import fields
from typing import Any, Final

from pydantic import TypeAdapter

from fluxsm import __version__
from fluxsm.api import names
from fluxsm.web import answers
from fluxsm.web.encode import camel
from fluxsm.web.routes import API, INDEX

PATH: Final = "fluxsm/web/assets/openapi.json"
_ANSWERS: Final[Mapping[str, type]] = {
    "instance": answers.InstanceAnswer,
    "machine": answers.MachineAnswer,
    "history": answers.HistoryAnswer,
    "events": answers.EventsAnswer,
}
_SCHEMAS: Final = "#/components/schemas/"


def files() -> dict[str, str]:
    """The document, by its path."""
    return {PATH: json.dumps(document(), indent=1, ensure_ascii=False) + "\n"}


def document() -> dict[str, Any]:
    """The document as data."""
    schemas = _schemas()
    paths = {f"{API}/{name}": {"get": _operation(name, words)} for name, words in INDEX.items()}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "fluxsm",
            "version": __version__,
            "summary": "One FluxInstance and its state machine, read-only.",
            "description": "Every answer but the stream has an ETag. Secrets are taken out of every"
            " text. Times are RFC 3339 in UTC.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "security": [{}, {"token": []}],
        "paths": paths,
        "components": {
            "schemas": dict(sorted(schemas.items())),
            "securitySchemes": {
                "token": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "With --web-auth=token: a token that the API server knows, of"
                    f" somebody who may get the {names.INSTANCE_KIND}.",
                }
            },
        },
    }


def _operation(name: str, words: str) -> dict[str, Any]:
    found = {
        "200": {"description": words, **_content(name)},
        "401": _error("No token, or one that the API server does not know."),
        "403": _error("The token is of somebody who may not get the instance."),
        "429": {"description": "Too many requests."},
        "503": _error("Not known yet, or too many readers."),
    }
    if name != "stream":
        found["304"] = {"description": "The reader has it already."}
    if name == "report":
        found["404"] = _error("There is no report.")
    codes = dict(sorted(found.items()))
    return {"operationId": name.partition(".")[0], "summary": words, "responses": codes}


def _content(name: str) -> dict[str, Any]:
    if name == "stream":
        return {"content": {"text/event-stream": {"schema": {"type": "string"}}}}
    schema: dict[str, Any] = {"type": "object"}
    if name in _ANSWERS:
        schema = {"$ref": _SCHEMAS + _ANSWERS[name].__name__}
    elif name == "report":
        schema = {"$ref": f"{_SCHEMAS}FluxReport"}
    header = {"ETag": {"schema": {"type": "string"}}}
    return {"headers": header, "content": {"application/json": {"schema": schema}}}


def _error(words: str) -> dict[str, Any]:
    content = {"application/json": {"schema": {"$ref": f"{_SCHEMAS}ErrorAnswer"}}}
    return {"description": words, "content": content}


def _schemas() -> dict[str, Any]:
    found: dict[str, Any] = {"FluxReport": _report()}
    for cls in (*_ANSWERS.values(), answers.ErrorAnswer):
        template = _SCHEMAS + "{model}"
        schema = TypeAdapter(cls).json_schema(mode="serialization", ref_template=template)
        parts = {**schema.pop("$defs", {}), cls.__name__: schema}
        found |= {name: _described(getattr(answers, name), part) for name, part in parts.items()}
    return found


def _described(cls: type, schema: dict[str, Any]) -> dict[str, Any]:
    """The schema of a class, with the words of its docstring and the names of the API."""
    doc = inspect.getdoc(cls) or ""
    said = {
        name: " ".join(words.split())
        for name, words in re.findall(r"^    (\w+): (.*(?:\n {8}.*)*)", doc, re.MULTILINE)
    }
    properties = {
        camel(item.name): {
            **{
                key: value
                for key, value in schema["properties"][item.name].items()
                if key != "title"
            },
            "description": said[item.name],
        }
        for item in fields(cls)
    }
    return {
        "type": "object",
        "description": doc.splitlines()[0],
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _report() -> dict[str, Any]:
    text = {"type": "string"}
    user = {
        "type": "object",
        "properties": {"username": text, "groups": {"type": "array", "items": text}},
        "required": ["username", "groups"],
    }
    spec = {"type": "object", "properties": {"userInfo": user}, "required": ["userInfo"]}
    return {
        "type": "object",
        "description": f"The {names.REPORT_KIND} as the API server has it, with who serves it in"
        " `spec.userInfo`.",
        "properties": {
            "apiVersion": text,
            "kind": text,
            "metadata": {"type": "object"},
            "spec": spec,
        },
        "required": ["apiVersion", "kind", "metadata", "spec"],
    }

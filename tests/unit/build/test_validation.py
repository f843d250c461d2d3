# SPDX-License-Identifier: Apache-2.0
"""Schemas, rules and forms are read as the API server reads them."""

from __future__ import annotations

from typing import Any

import pytest

from fluxsm.adapters.folder import open_folder, starter_folder
from fluxsm.api import crd
from fluxsm.build import yaml
from fluxsm.build.positions import find_lines
from fluxsm.build.validation import builtin, cel, forms, texts
from fluxsm.build.validation.objects import check_object
from fluxsm.build.validation.structural import check, with_defaults


def findings(value: Any, schema: dict[str, Any]) -> list[str]:
    """What is wrong with a value."""
    return [str(finding) for finding in check(value, schema, ("x",))]


@pytest.mark.parametrize(
    ("rule", "value", "holds"),
    [
        ("has(self.a)", {"a": 0}, True),
        ("has(self.a)", {}, False),
        ("has(self.a.b)", {"a": {"b": 1}}, True),
        ("!has(self.a) || self.a == 'x'", {}, True),
        ("!has(self.a) || self.a == 'x'", {"a": "y"}, False),
        ("self.a in ['x', 'y']", {"a": "y"}, True),
        ("self.a in ['x', 'y']", {"a": "z"}, False),
        ("self.a != 'x' && self.b == 2", {"a": "y", "b": 2}, True),
        ("(has(self.a) && !has(self.b)) || (!has(self.a) && has(self.b))", {"a": 1, "b": 1}, False),
        ("self.a == true", {"a": True}, True),
        ("self.a == 'x'", {}, False),
        ("self.a == 'x' || !has(self.b)", {}, True),
        ("self.a == 'x' && has(self.b)", {}, False),
        ("self == oldSelf", {}, None),
        ("self.all(x, x > 1)", {}, None),
        ("size(self.a) > 1", {}, None),
        ("self.a == ", {}, None),
        ("has(a)", {}, None),
        ("self.a 'x'", {}, None),
    ],
)
def test_a_rule(rule: str, value: Any, holds: bool | None) -> None:
    """A rule that is not understood is left to the server."""
    assert cel.holds(rule, value) is holds


def test_every_rule_of_the_instance_is_understood() -> None:
    """Except the one about the old object."""
    rules = [rule["rule"] for group in crd._RULES.values() for rule in group]
    assert len(rules) >= 4
    assert all(cel.holds(rule, {}) is not None for rule in rules)


@pytest.mark.parametrize(
    ("value", "schema", "found"),
    [
        (1, {"type": "string"}, ['.x is 1, a number; text is expected; put it in quotes: "1"']),
        (True, {"type": "integer"}, [".x is true, a boolean; a whole number is expected"]),
        ("1", {"type": "integer"},
         [".x is '1', text; a whole number is expected without quotes"]),
        (1.5, {"type": "integer"}, [".x is 1.5, a number; a whole number is expected"]),
        (2, {"type": "number"}, []),
        (None, {"type": "string"}, [".x is null; text is expected"]),
        (None, {"type": "string", "nullable": True}, []),
        ("80", {"x-kubernetes-int-or-string": True}, []),
        (True, {"x-kubernetes-int-or-string": True},
         [".x is true, a boolean; a number or text is expected"]),
        ("", {"type": "string", "minLength": 1}, [".x is empty"]),
        ("ab", {"type": "string", "minLength": 3}, [".x has less than 3 characters"]),
        ("abcd", {"type": "string", "maxLength": 3}, [".x has 4 characters; allowed are 3"]),
        (0, {"type": "integer", "minimum": 1}, [".x is 0; allowed: 1 or more"]),
        (9, {"type": "integer", "maximum": 5}, [".x is 9; allowed: 5 or less"]),
        (2**40, {"type": "integer", "format": "int32"}, [f".x is {2**40}, which is too large"]),
        ([], {"type": "array", "minItems": 1}, [".x must have at least one item"]),
        ([1, 2], {"type": "array", "maxItems": 1}, [".x has 2 items; allowed are 1"]),
        ([1, 1], {"type": "array", "x-kubernetes-list-type": "set"}, [".x[1] is there twice"]),
        ([{"a": 1}, {"a": 1, "b": 2}],
         {"type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["a"],
          "items": {"x-kubernetes-preserve-unknown-fields": True}}, [".x[1] is there twice"]),
        ({"a": 1}, {"type": "object"}, [".x.a is not a field"]),
        ({"a": 1}, {"type": "object", "x-kubernetes-preserve-unknown-fields": True}, []),
        ({"a": 1}, {"type": "object", "additionalProperties": {"type": "string"}},
         ['.x.a is 1, a number; text is expected; put it in quotes: "1"']),
        ({"a": 1}, {"type": "object", "additionalProperties": True}, []),
        ({}, {"type": "object", "minProperties": 1}, [".x must have at least 1 fields"]),
        ({"a": 1}, {"type": "object", "additionalProperties": True, "maxProperties": 0},
         [".x has 1 fields; allowed are 0"]),
        ("x", {"type": "string", "format": "date-time"},
         [".x is 'x'; allowed: a time such as 2026-01-31T12:00:00Z"]),
        ("2026-01-31T12:00:00Z", {"type": "string", "format": "date-time"}, []),
        ({"a": 1, "b": 1}, {"type": "object", "additionalProperties": True,
                            "oneOf": [{"required": ["a"]}, {"required": ["b"]}]},
         [".x does not fit any form that the CRD allows; allowed is one of: a, b"]),
        ({"a": 1}, {"type": "object", "additionalProperties": True, "not": {"required": ["a"]}},
         [".x has a form that the CRD forbids"]),
        ({"a": 1}, {"type": "object", "additionalProperties": True,
                    "allOf": [{"required": ["a"]}], "anyOf": [{"required": ["a"]}]}, []),
        ("x\n", {"type": "string", "pattern": "^x$"},
         [(".x is 'x\\n'; allowed: what the CRD describes for this field (kubectl explain shows"
          " it)")]),
        ("x", {"type": "string", "pattern": "(?<name"}, []),
    ],
)  # fmt: skip
def test_a_value(value: Any, schema: dict[str, Any], found: list[str]) -> None:
    """What is there, what is allowed, and what to do."""
    assert findings(value, schema) == found


def test_defaults_apply_before_rules() -> None:
    """And a null counts as not set, in lists too; nothing that was given is changed."""
    schema = {
        "type": "object",
        "properties": {
            "a": {"type": "string", "default": "x"},
            "l": {"type": "array", "items": {"type": "object", "properties": {
                "b": {"type": "integer", "default": 1}}}},
        },
        "x-kubernetes-validations": [{"rule": "self.a == 'x'", "message": "a must be x"}],
    }  # fmt: skip
    given = {"a": None, "l": [{}, {"b": 2}]}
    assert with_defaults(given, schema) == {"a": "x", "l": [{"b": 1}, {"b": 2}]}
    assert given == {"a": None, "l": [{}, {"b": 2}]}
    assert findings(given, schema) == []
    assert findings({"a": "y"}, schema) == [".x breaks a rule: a must be x"]


def test_what_was_written_is_shown() -> None:
    """Not what YAML made of it; infinity is no number."""
    (data,) = yaml.load_all("{a: 1_0, b: .inf, c: yes}", "x", words=True, plain=True)
    schema = {"type": "object", "additionalProperties": {"type": "string"}}
    assert findings(data, schema) == [
        '.x.a is 1_0, a number; text is expected; put it in quotes: "1_0"',
        ".x.b is .inf, which is not a number that an object can have",
        '.x.c is yes, a boolean; text is expected; put it in quotes: "yes"',
    ]


@pytest.mark.parametrize(
    ("check_", "good", "bad"),
    [
        (texts.dns_label, ["a", "a-b", "1", "a" * 63], ["", "A", "a.b", "-a", "a-", "a" * 64]),
        (texts.dns_name, ["a", "a.b-c", "1.2"], ["", "A", "a..b", ".a", "a_b", "a" * 254]),
        (
            texts.label_key,
            ["a", "A_b.c", "x.io/a", "1"],
            ["", "a b", "/a", "x/", "X.io/a", "a/b/c"],
        ),
        (texts.label_value, ["", "a", "1.10", "A_b"], ["a b", "-a", "a-", "é", "a" * 64]),
        (texts.quantity, ["1", "1.5Gi", "100m", "1e3", ".5", "-1"], ["", "1GB", "Gi", "1 Gi", "x"]),
    ],
)
def test_texts(check_: Any, good: list[str], bad: list[str]) -> None:
    """By the rules of Kubernetes."""
    assert not [text for text in good if check_(text)]
    assert not [text for text in bad if not check_(text)]


def test_a_pattern_is_shown_in_words() -> None:
    """With an example, never as a regular expression."""
    for pattern in forms._WORDS:
        assert "^" not in forms.words(pattern)
        assert " such as " in forms.words(pattern)


def test_every_field_has_a_line() -> None:
    """In block and flow style, in lists, after anchors, and in each document."""
    text = "a: &x 1\nb:\n  - c: 2\n    d: {e: 3,\n     f: *x}\n  - 5\n---\n\n---\ng: [1,\n2]"
    first, second = find_lines(text)
    assert first == {
        (): 1, ("a",): 1, ("b",): 2, ("b", 0): 3, ("b", 0, "c"): 3, ("b", 0, "d"): 4,
        ("b", 0, "d", "e"): 4, ("b", 0, "d", "f"): 5, ("b", 1): 6,
    }  # fmt: skip
    assert second == {(): 10, ("g",): 10, ("g", 0): 10, ("g", 1): 11}
    assert find_lines("a: 1\nb: [") == [{(): 1, ("a",): 1, ("b",): 2}]


def test_what_releases_bring_is_taken() -> None:
    """All objects of built-in kinds, with every field that they have."""
    place = open_folder(starter_folder())
    parts = [(name, part) for name in place.versions()
             for part in (*place.components(name), "rbac", "policies")]  # fmt: skip
    items = [item for name, part in parts for item in place.component(name, part)]
    assert len([item for item in items if item["kind"] == "Deployment"]) >= 18
    assert [str(finding) for item in items for finding in check_object(item)] == []


def test_a_field_of_a_distribution_may_be_newer() -> None:
    """Of a patch it may not, because the server refuses what it does not know."""
    item = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "x"}, "newer": 1}
    assert list(check_object(item, unknown=False)) == []
    assert [str(finding) for finding in check_object(item)] == [
        (
            f".newer is not a field of Kubernetes {builtin.version()}; allowed: apiVersion,"
            " automountServiceAccountToken, imagePullSecrets, kind, metadata, secrets"
        )
    ]


@pytest.mark.parametrize(
    ("less", "more"),
    [("100m", "1"), ("1", "1k"), ("999", "1k"), ("1G", "1Gi"), ("1e3", "1Ki"),
     (".5", "1"), ("1Ei", "2E"), ("1", "1e9999999999"), ("1n", "1u")],
)  # fmt: skip
def test_quantities_have_an_order(less: str, more: str) -> None:
    """By what they stand for."""
    assert texts.amount(less) < texts.amount(more)

# SPDX-License-Identifier: Apache-2.0
"""YAML is read as kubectl and kustomize read it, and written so that everyone reads the same."""

from __future__ import annotations

import json
import textwrap
from typing import Any

import pytest
import yaml as pyyaml
from hypothesis import given
from hypothesis import strategies as st

from fluxsm.build import yaml
from fluxsm.errors import BuildError

TEXT = st.text(
    alphabet=st.characters(exclude_categories=["Cs"], exclude_characters="\ufeff"), max_size=20
)
TRICKY = st.sampled_from(
    ["", "~", "yes", "n", "0644", "0o17", "1e3", "12:30", "2020-01-01", "1_0", ".5", "-", "null"]
)
NUMBERS = st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False, allow_infinity=False)
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXT | TRICKY,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT | TRICKY, inner, max_size=4),
    max_leaves=12,
)


def read(text: str, *, words: bool = False) -> Any:
    """The only document of a text."""
    (document,) = yaml.load_all(textwrap.dedent(text), "here", words=words)
    return document


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("true", True, id="a boolean"),
        pytest.param("FALSE", False, id="a boolean in capitals"),
        pytest.param("tRUE", "tRUE", id="mixed case is text"),
        pytest.param("yes", "yes", id="yes is text"),
        pytest.param("off", "off", id="off is text"),
        pytest.param("Null", None, id="null"),
        pytest.param("~", None, id="a tilde is null"),
        pytest.param("12", 12, id="a decimal number"),
        pytest.param("+12", 12, id="a number with a sign"),
        pytest.param("-12", -12, id="a negative number"),
        pytest.param("0644", 420, id="an octal number"),
        pytest.param("-0644", -420, id="a negative octal number"),
        pytest.param("0o644", 420, id="the newer octal form"),
        pytest.param("0O7", 7, id="the newer octal form in capitals"),
        pytest.param("0x1F", 31, id="a hexadecimal number"),
        pytest.param("0b11", 3, id="a binary number"),
        pytest.param("1_000", 1000, id="underscores between digits"),
        pytest.param("_1", "_1", id="a leading underscore is text"),
        pytest.param("08", 8, id="not octal, so decimal"),
        pytest.param("0x", "0x", id="a prefix alone is text"),
        pytest.param("0b2", "0b2", id="a wrong digit is text"),
        pytest.param("1.0", 1, id="a whole float is a whole number"),
        pytest.param("1.5", 1.5, id="a float"),
        pytest.param(".5", 0.5, id="a float without an integer part"),
        pytest.param("5.", 5, id="a float without a fraction"),
        pytest.param("1e3", 1000, id="an exponent"),
        pytest.param("1e-3", 0.001, id="a negative exponent"),
        pytest.param("1e20", 10**20, id="a large whole float"),
        pytest.param("1e21", 1e21, id="a larger one is written with an exponent"),
        pytest.param("1e999", "1e999", id="beyond every float is text"),
        pytest.param("18446744073709551615", 2**64 - 1, id="the largest integer"),
        pytest.param("9" * 30, 1e30, id="a longer one is a float"),
        pytest.param("0x1FFFFFFFFFFFFFFFF", "0x1FFFFFFFFFFFFFFFF", id="too long hexadecimal"),
        pytest.param("12:30", "12:30", id="a time is text"),
        pytest.param("2020-01-01", "2020-01-01", id="a date is text"),
        pytest.param("1.2.3", "1.2.3", id="a version is text"),
        pytest.param("=", "=", id="an equals sign is text"),
        pytest.param("'12'", "12", id="quotes make text"),
        pytest.param('"true"', "true", id="double quotes too"),
        pytest.param("!!str 12", "12", id="so does a tag"),
        pytest.param("! 12", "12", id="and the short tag"),
        pytest.param("!!int '12'", 12, id="a tag makes a number of quoted text"),
    ],
)
def test_scalars_mean_what_they_mean_in_the_field(text: str, expected: object) -> None:
    """The same table holds for kubectl and kustomize."""
    found = read(f"key: {text}\n")["key"]
    assert (found, type(found)) == (expected, type(expected))


@pytest.mark.parametrize("text", ["y", "Y", "yes", "Yes", "YES", "on", "On", "ON"])
def test_words_are_true_on_request(text: str) -> None:
    """JSON patches are read in the older dialect."""
    assert read(f"key: {text}", words=True) == {"key": True}


@pytest.mark.parametrize("text", ["n", "N", "no", "No", "NO", "off", "Off", "OFF"])
def test_words_are_false_on_request(text: str) -> None:
    """Their opposites too."""
    assert read(f"key: {text}", words=True) == {"key": False}


def test_structure() -> None:
    """Mappings, lists, flow style, comments, block scalars and several documents."""
    text = """\
        # a comment
        a: {b: [1, two, {c: null}]}
        list:
        - - nested
        - x: |
            two
            lines
        ---
        ---
        second
        ...
        """
    assert yaml.load_all(textwrap.dedent(text), "here") == [
        {"a": {"b": [1, "two", {"c": None}]}, "list": [["nested"], {"x": "two\nlines\n"}]},
        "second",
    ]


def test_keys_are_text() -> None:
    """As in JSON, and as written."""
    assert read("1: a\ntrue: b\n0x10: c\n~: d\n") == {"1": "a", "true": "b", "0x10": "c", "~": "d"}


def test_bytes_may_start_with_a_mark() -> None:
    """Some editors write one."""
    assert yaml.load_all(b"\xef\xbb\xbfa: \xc3\xa4\n", "here") == [{"a": "ä"}]


def test_aliases_are_copies() -> None:
    """What one place changes another does not see."""
    found = read("a: &x {n: [1]}\nb: *x\nc: &k key\nd: *k\n")
    found["a"]["n"].append(2)
    assert found == {"a": {"n": [1, 2]}, "b": {"n": [1]}, "c": "key", "d": "key"}


def test_merge_keys_fill_what_is_not_written() -> None:
    """Own keys win, and earlier mappings win over later ones."""
    text = """\
        one: &one {a: 1, b: 1}
        two: &two {b: 2, c: 2}
        own: {<<: [*one, *two], c: 3}
        plain: {"<<": *one}
        """
    found = read(text)
    assert found["own"] == {"a": 1, "b": 1, "c": 3}
    assert found["plain"] == {"<<": {"a": 1, "b": 1}}


BOMB = "\n".join(
    ["a0: &a0 lol", *(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 10))]
)
STAIRS = "\n".join(["a0: &a0 x", *(f"a{n}: &a{n} [*a{n - 1}]" for n in range(1, 200))])


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        pytest.param("a: 1\nb: 2\na: 3", "line 3, column 1: the key 'a' is there twice", id="key"),
        pytest.param("a:\n  - b: [", "at the end: a value is missing", id="an open bracket"),
        pytest.param("a: b: c", "line 1, column 5: a colon is not expected here", id="a colon"),
        pytest.param("\ta: 1", "line 1, column 1: a tab is there", id="a tab"),
        pytest.param("a: *b", "line 1, column 4: the alias *b stands for nothing yet", id="alias"),
        pytest.param("&a [*a]", "the alias *a stands for nothing yet", id="an endless alias"),
        pytest.param(BOMB, "the aliases stand for more than 100000 values", id="a bomb"),
        pytest.param(STAIRS, "nested too deeply; the limit is 100", id="stairs of aliases"),
        pytest.param("[" * 200, "nested too deeply; the limit is 100 levels", id="depth"),
        pytest.param("[" * 100_000, "nested too deeply", id="great depth"),
        pytest.param("? [a]\n: b", "line 1, column 3: a key is not a scalar", id="a list as key"),
        pytest.param("<<: 1", "the merge key << needs a mapping", id="a number merged"),
        pytest.param("<<: [1]", "the merge key << needs a mapping", id="numbers merged"),
        pytest.param("a: .inf", "line 1, column 4: .inf is not a number", id="infinity"),
        pytest.param("a: .NaN", ".NaN is not a number", id="not a number"),
        pytest.param("a: !!python/object:os.system x", "is not supported", id="an object"),
        pytest.param("a: !!set {x}", "is not supported", id="a set"),
        pytest.param("a: !!binary aGk=", "is not supported", id="binary data"),
        pytest.param("a: \x01", "not valid YAML: ", id="a control character"),
        pytest.param('a: "\\ud800"', "an escape stands for no character", id="half a character"),
    ],
)
def test_bad_yaml_is_refused_with_its_place(text: str, reason: str) -> None:
    """One line that names the source, the place and the reason."""
    with pytest.raises(BuildError) as caught:
        yaml.load_all(text, "flux/v2.8.8/rbac.yaml")
    message = str(caught.value)
    assert message.startswith("flux/v2.8.8/rbac.yaml is not valid YAML: ")
    assert reason in message
    assert "\n" not in message


def test_bytes_that_are_no_text() -> None:
    """The message tells where."""
    with pytest.raises(BuildError, match="here is not UTF-8 text: a byte in line 1 is none"):
        yaml.load_all(b"a: \xff", "here")


def test_too_much_text_is_not_even_looked_at() -> None:
    """The size is checked first."""
    with pytest.raises(BuildError, match="here has more than 20 MiB, which is the limit"):
        yaml.load_all(b"a" * (yaml.SIZE_LIMIT + 1), "here")


def test_documents_that_must_be_mappings() -> None:
    """The message tells which one is not."""
    assert yaml.load_mappings("a: 1\n---\nb: 2\n", "here") == [{"a": 1}, {"b": 2}]
    with pytest.raises(BuildError, match="here: document 2 is not a mapping"):
        yaml.load_mappings("a: 1\n---\n[]\n", "here")


def test_the_written_form() -> None:
    """Three dashes first, sorted keys, lists not indented, lines as blocks, quotes on demand."""
    text = yaml.dump_all(
        [
            {"b": [{"y": "1", "x": 1}], "a": "one\ntwo\n", "c": {}, "d": []},
            {"e": ["12:30", "1e3", "yes", "08", "a: b", ""], "f": None},
        ]
    )
    assert text == textwrap.dedent(
        """\
        ---
        a: |
          one
          two
        b:
        - x: 1
          "y": "1"
        c: {}
        d: []
        ---
        e:
        - "12:30"
        - "1e3"
        - "yes"
        - "08"
        - 'a: b'
        - ""
        f: null
        """
    )


def test_a_shared_value_is_written_twice() -> None:
    """Readers of manifests do not expect aliases."""
    shared = {"x": 1}
    assert "&" not in yaml.dump_all([{"a": shared, "b": shared}])


def test_long_lines_are_folded_as_the_reference_does() -> None:
    """The folded text is read as what it was."""
    text = "word " * 100 + "end"
    written = yaml.dump_all([{"a": text}])
    assert max(map(len, written.splitlines())) <= 84
    assert read(written) == {"a": text}


@given(VALUES.filter(lambda value: value is not None))
def test_what_is_written_is_read_again(value: Any) -> None:
    """By us in both dialects, and by a YAML 1.1 reader."""
    text = yaml.dump_all([{"value": value}])
    for found in (read(text), read(text, words=True), pyyaml.load(text, pyyaml.CSafeLoader)):
        assert _json(found["value"]) == _json(value)


def _json(value: Any) -> str:
    return json.dumps(_as_read(value), sort_keys=True)


def _as_read(value: Any) -> Any:
    """Whole floats come back as whole numbers."""
    if isinstance(value, dict):
        return {key: _as_read(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_as_read(item) for item in value]
    whole = isinstance(value, float) and value.is_integer() and abs(value) < 1e21
    return int(value) if whole else value


@given(st.text(alphabet="ab:-[]{}&*!<>|'\"%@#? \n\t019.eyx", max_size=40))
def test_every_text_is_data_or_a_clear_error(text: str) -> None:
    """Nothing but a BuildError of one line comes of bad YAML."""
    try:
        yaml.load_all(text, "here")
    except BuildError as error:
        assert "\n" not in str(error)  # noqa: PT017 any other error fails the test

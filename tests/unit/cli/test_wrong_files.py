# SPDX-License-Identifier: Apache-2.0
"""Every wrong file is refused in plain words, by each command that takes one."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from fluxsm.adapters.folder import open_folder, starter_folder
from fluxsm.build import yaml
from fluxsm.cli import distribution, root
from tests.unit.cli.wrong_files import GOOD, STARTER, WRONG, Wrong

FOUND = open_folder(starter_folder())
# Of Python, of the libraries, and of regular expressions without an example.
FOREIGN = re.compile(
    r"\bNone\b|\bTrue\b|\bFalse\b|instance of|dictionary|<class|\^\(|\$'|Traceback|pydantic"
    r"|Input should|mapping values|did not find expected"
)


@pytest.fixture(autouse=True)
def _starter_distribution(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(distribution, "open_distribution", lambda _: FOUND)


def run(tmp_path: Path, text: str, *command: str) -> Result:
    """Run a command on a file; `FILE` stands for its path."""
    path = tmp_path / "flux.yaml"
    path.write_text(text, encoding="utf-8")
    args = [str(path) if arg == "FILE" else arg for arg in command]
    return CliRunner().invoke(root, args)


def check(done: Result, wrong: Wrong, code: int) -> None:
    """A refusal with the words, the file in each line, and nothing that is not for people."""
    assert done.exit_code == code, done.output
    assert done.stdout == ""
    lines = [line for line in done.stderr.splitlines() if not line.startswith("• ")]
    assert lines
    for line in lines:
        assert line.startswith("✗ ")
        assert "flux.yaml" in line
        assert len(line) < 1000
        assert not FOREIGN.search(line)
    assert any(all(words in line for words in wrong.words) for line in lines), done.stderr


def test_there_are_many() -> None:
    """Of each kind."""
    assert len(WRONG) >= 200


@pytest.mark.parametrize("wrong", WRONG.values(), ids=list(WRONG))
def test_a_wrong_file(tmp_path: Path, wrong: Wrong) -> None:
    """It is refused with exit code 1, and by `diff` with 2."""
    check(run(tmp_path, wrong.text, "build", "-f", "FILE"), wrong, 1)


@pytest.mark.parametrize("name", [name for name in WRONG if not name.startswith("texts")])
def test_diff_refuses_the_same(tmp_path: Path, name: str) -> None:
    """With exit code 2, because 1 says that there is a difference."""
    wrong = WRONG[name]
    if "kind: FluxInstance" not in wrong.text:
        pytest.skip("another kind is an object like any other")
    check(run(tmp_path, wrong.text, "diff", "FILE", "FILE"), wrong, 2)


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param(wrong, id=name)
        for name, wrong in WRONG.items()
        if name != "rules: no such version"
    ],
)
def test_install_refuses_the_same(tmp_path: Path, wrong: Wrong) -> None:
    """Before it asks a cluster for anything."""
    check(run(tmp_path, wrong.text, "install", "--export", "-f", "FILE"), wrong, 1)


@pytest.mark.parametrize("text", GOOD.values(), ids=list(GOOD))
def test_a_good_file(tmp_path: Path, text: str) -> None:
    """What the API server takes is taken."""
    done = run(tmp_path, text, "build", "-f", "FILE")
    assert done.exit_code == 0, done.stderr


def test_all_findings_are_said_at_once_in_the_order_of_their_paths(tmp_path: Path) -> None:
    """Each with its line in the file."""
    text = (
        "apiVersion: v1\nkind: FluxInstance\nmetadata:\n  name: main\nspec:\n  wait: 1\n"
        "  components:\n" + "  - helm-controller\n" * 2 + "  - odd\n" * 9 + "  sync: {}\n"
    )
    done = run(tmp_path, text, "build", "-f", "FILE")
    found = [re.sub(r"^.*flux\.yaml", "", line) for line in done.stderr.splitlines()]
    places = [line.split(" ", 2)[:2] for line in found]
    assert places == [
        [":1:", ".apiVersion"],
        [":4:", ".metadata.name"],
        *[[f":{8 + place}:", f".spec.components[{place}]"] for place in range(2, 11)],
        [":5:", ".spec.distribution"],
        *[[":19:", f".spec.sync.{name}"] for name in ("kind", "path", "ref", "url")],
        [":6:", ".spec.wait"],
    ]


def test_a_key_with_a_slash_has_its_line_too(tmp_path: Path) -> None:
    """It is the last step of the path, in quotes."""
    text = GOOD["the least"].replace(
        "{name: flux, namespace: flux-system}",
        "\n  name: flux\n  annotations:\n    a: b\n    x.io/y: 5",
    )
    done = run(tmp_path, text, "build", "-f", "FILE")
    assert 'flux.yaml:7: .metadata.annotations["x.io/y"] is 5' in done.stderr


def test_other_objects_of_the_file_are_named(tmp_path: Path) -> None:
    """In one line; the instance alone is built."""
    text = "kind: Namespace\nmetadata: {name: flux-system}\n---\n" + GOOD["the least"]
    done = run(tmp_path, text, "build", "-f", "FILE")
    talk = done.stderr.removesuffix(STARTER)
    assert talk.endswith("only the FluxInstance counts, not Namespace/flux-system\n")
    assert talk.count("\n") == 1
    assert done.stdout == run(tmp_path, GOOD["the least"], "build", "-f", "FILE").stdout
    done = run(tmp_path, text, "diff", "FILE", "FILE")
    assert done.exit_code == 0
    assert "nothing is different" in done.stderr


@pytest.mark.parametrize("command", [["build"], ["install", "--export"]])
def test_one_file_is_taken_and_no_url(tmp_path: Path, command: list[str]) -> None:
    """The last of several is not taken without an error."""
    done = run(tmp_path, GOOD["the least"], *command, "-f", "FILE", "-f", "FILE")
    assert (done.exit_code, "--filename is given 2 times" in done.stderr) == (1, True)
    done = run(tmp_path, "", *command, "-f", "https://x.io/flux.yaml")
    assert done.exit_code == 1
    assert "https://x.io/flux.yaml is a URL, and only files are read; fetch it" in done.stderr


HEAD = GOOD["the least"].encode()
BYTES = {
    "UTF-16": (GOOD["the least"].encode("utf-16"), "is not UTF-8 text: a byte in line 1 is"),
    "UTF-16 without a mark": (GOOD["the least"].encode("utf-16-le"), "a character that no text"),
    "Latin-1": (HEAD + "# café".encode("latin-1"), "a byte in line 5 is none; save it"),
    "NUL": (HEAD + b"\0", "it has a character that no text has"),
    "JSON that is open": (b'{"a": 1', "at the end: a { is not closed with }"),
    "JSON with a comma": (b'{"a": 1}, {"b": 2}', "something stands after the end of the document"),
    "deep lists": (b"a: " + b"[" * 50000, "nested too deeply; the limit is 100 levels"),
    "deep JSON": (b'{"a":' * 3000 + b"1" + b"}" * 3000, "nested too deeply"),
    "aliases that multiply": (
        b"a: &a [x,x,x,x,x,x,x,x,x]\n"
        + b"".join(
            f"{new}: &{new} [{','.join([f'*{old}'] * 9)}]\n".encode()
            for old, new in zip("abcdef", "bcdefg", strict=True)
        ),
        "the aliases stand for more than 100000 values",
    ),
    "an alias of itself": (b"a: &a [*a]\n", "the alias *a stands for nothing yet"),
    "an unknown alias": (b"a: *x\n", "the alias *x stands for nothing yet"),
    "a tag of Python": (b"a: !!python/object:os.system {}\n", "is not supported"),
    "a tag of a template": (b"a: !Ref x\n", "the tag !Ref is not supported"),
    "a list for a key": (b"? [a, b]\n: x\n", "a key is not a scalar"),
    "null": (b"null\n", "is empty; a FluxInstance is expected"),
    "markers alone": (b"---\n---\n...\n", "is empty; a FluxInstance is expected"),
    "a number for a key": (HEAD + b"1: x\n", ".1 is not a field; allowed: apiVersion, kind"),
    "a template": (HEAD + b"{{- if x }}\n", "is not valid YAML"),
    "marks of a merge": (b"<<<<<<< HEAD\n" + HEAD, "is not valid YAML"),
}
FORMS = {
    "a mark at the start": b"\xef\xbb\xbf" + HEAD,
    "lines of Windows": HEAD.replace(b"\n", b"\r\n"),
    "lines of an old Mac": HEAD.replace(b"\n", b"\r"),
    "empty documents": b"---\n---\n" + HEAD + b"...\n---\n",
    "no line break at the end": HEAD.rstrip(),
    "JSON": json.dumps(yaml.load_mappings(HEAD, "x")[0]).encode(),
    "JSON in a list": json.dumps(
        {"apiVersion": "v1", "kind": "List", "items": yaml.load_mappings(HEAD, "x")}
    ).encode(),
    "a merge key": HEAD.replace(b"spec: {", b"spec: {<<: {wait: true}, "),
}


@pytest.mark.parametrize("name", BYTES)
def test_bytes_that_are_no_file_of_ours(tmp_path: Path, name: str) -> None:
    """By each command, in one line that names the file."""
    path = tmp_path / "flux.yaml"
    content, words = BYTES[name]
    path.write_bytes(content)
    for command, code in ((["build", "-f"], 1), (["install", "--export", "-f"], 1)):
        done = CliRunner().invoke(root, [*command, str(path)])
        assert (done.exit_code, done.stdout, done.stderr.count("\n")) == (code, "", 1)
        assert done.stderr.startswith(f"✗ {path}")
        assert words in done.stderr
        assert not FOREIGN.search(done.stderr)


@pytest.mark.parametrize("name", FORMS)
def test_forms_of_a_file(tmp_path: Path, name: str) -> None:
    """Whatever wrote it, it says the same; also from standard input."""
    path = tmp_path / "flux.yaml"
    path.write_bytes(FORMS[name])
    wanted = run(tmp_path, GOOD["the least"], "build", "-f", "FILE").stdout
    path.write_bytes(FORMS[name])
    assert run_bytes(path, "-f", str(path)) == wanted
    assert run_bytes(path, "-f", "-") == wanted


def run_bytes(path: Path, *args: str) -> str:
    """What `build` prints; the file is standard input too."""
    done = CliRunner().invoke(root, ["build", *args], input=path.read_bytes())
    assert (done.exit_code, done.stderr) == (0, STARTER)
    return done.stdout

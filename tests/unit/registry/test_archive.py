# SPDX-License-Identifier: Apache-2.0
"""An archive from outside is unpacked in memory, or refused with the reason."""

from __future__ import annotations

import gzip
import io
import tarfile
from collections.abc import Callable, Mapping
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fluxsm.adapters.registry.archive import Limits, pack, unpack
from fluxsm.errors import ArtifactError

GOOD = {"flux/v2.8.8/rbac.yaml": b"kind: Role\n", "flux-images/v2.8.8/a.yaml": b"images: []\n"}
SMALL = Limits(entries=4, file=9_000, total=20_000, name=60)
Entry = tarfile.TarInfo | tuple[tarfile.TarInfo, bytes]


def archive(*entries: Entry) -> bytes:
    """A gzip-compressed tar with these entries, whatever they are."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz", format=tarfile.GNU_FORMAT) as tar:
        for entry in entries:
            info, content = entry if isinstance(entry, tuple) else (entry, b"")
            tar.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def file(name: str, content: bytes = b"x") -> tuple[tarfile.TarInfo, bytes]:
    """A regular file."""
    info = tarfile.TarInfo(name)
    info.size = len(content)
    return info, content


def special(kind: bytes, name: str = "flux/thing", link: str = "") -> tarfile.TarInfo:
    """An entry that is no regular file."""
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, link
    return info


def lying() -> bytes:
    """An archive that declares less for a file than it has, so that the rest is a header."""
    info = tarfile.TarInfo("flux/a")
    info.size = 1
    raw = info.tobuf(tarfile.GNU_FORMAT) + b"x" * 1024 + b"\0" * 1024
    return gzip.compress(raw)


def extended(**headers: str) -> bytes:
    """An archive in which a PAX header says something else of a file than its own header."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz", format=tarfile.PAX_FORMAT) as tar:
        info, content = file("flux/a", b"a" * 600)
        info.pax_headers = headers
        tar.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def test_files_are_found_by_their_path() -> None:
    """Folders need no entries of their own, and a leading ./ means nothing."""
    entries = (special(tarfile.DIRTYPE, "./flux"), file("./flux/v1/a.yaml", b"a"), file("b", b"b"))
    assert dict(unpack(archive(*entries))) == {"flux/v1/a.yaml": b"a", "b": b"b"}


ATTACKS: Mapping[str, tuple[Callable[[], bytes], str]] = {
    "symbolic link": (lambda: archive(special(tarfile.SYMTYPE, link="/etc")), "symbolic link"),
    "hard link": (lambda: archive(file("a"), special(tarfile.LNKTYPE, link="a")), "hard link"),
    "character device": (lambda: archive(special(tarfile.CHRTYPE)), "device or pipe"),
    "block device": (lambda: archive(special(tarfile.BLKTYPE)), "device or pipe"),
    "pipe": (lambda: archive(special(tarfile.FIFOTYPE)), "device or pipe"),
    "sparse file": (lambda: archive(special(tarfile.GNUTYPE_SPARSE)), "sparse file|damaged"),
    "sparse file by extended header": (
        lambda: extended(**{"GNU.sparse.size": "9999999", "GNU.sparse.numblocks": "0"}),
        "sparse file",
    ),
    "name by extended header": (lambda: extended(path="../../etc/passwd"), "leaves its folder"),
    "size by extended header": (lambda: extended(size="9999"), "'flux/a' is larger than 9000"),
    "negative size": (lambda: extended(size="-1"), "damaged"),
    "unknown type": (lambda: archive(special(b"Z")), "unknown type"),
    "absolute name": (lambda: archive(file("/etc/passwd")), "absolute name '/etc/passwd'"),
    "parent folder": (lambda: archive(file("flux/../../etc")), "leaves its folder"),
    "parent as folder": (lambda: archive(special(tarfile.DIRTYPE, "../x")), "leaves its folder"),
    "backslash": (lambda: archive(file("flux\\..\\a")), "backslash"),
    "control character": (lambda: archive(file("flux/a\nb")), "control characters"),
    "long name": (lambda: archive(file("a" * 61)), "more than 60 characters"),
    "empty name": (lambda: archive(file(".")), "twice"),
    "same file twice": (lambda: archive(file("a"), file("a", b"y")), "'a' twice"),
    "same file, other spelling": (lambda: archive(file("a/b"), file("a/./b")), "'a/./b' twice"),
    "file below a file": (lambda: archive(file("a"), file("a/b")), "'a/b' twice"),
    "file over a folder": (lambda: archive(file("a/b"), file("a")), "'a' twice"),
    "too many entries": (lambda: archive(*(file(str(i)) for i in range(5))), "more than 4 entries"),
    "too many folders": (
        lambda: archive(*(special(tarfile.DIRTYPE, str(i)) for i in range(5))),
        "more than 4 entries",
    ),
    "large file": (lambda: archive(file("a", b"x" * 9_001)), "'a' is larger than 9000 bytes"),
    "large in sum": (
        lambda: archive(*(file(str(i), b"x" * 8_000) for i in range(3))),
        "unpacks to more than 20000 bytes",
    ),
    "larger than it declares": (lambda: gzip.compress(b"\0" * 99_000), "more than 20000 bytes"),
    "not gzip": (lambda: b"PK\x03\x04 a zip file", "not gzip-compressed"),
    "empty": (lambda: b"", "not gzip-compressed"),
    "gzip, not tar": (lambda: gzip.compress(b"just text"), "damaged"),
    "cut short": (lambda: archive(file("a"))[:-20], "damaged"),
    "wrong checksum": (lambda: archive(file("a"))[:-8] + b"\0" * 8, "damaged"),
    "bad deflate data": (lambda: archive(file("a"))[:12] + b"\xff" * 40, "damaged"),
    "data after the end": (
        lambda: gzip.compress(gzip.decompress(archive(file("a"))) + b"more"),
        "data after its end",
    ),
    "lying about a size": (lying, "damaged"),
    "name that is not UTF-8": (
        lambda: gzip.compress(gzip.decompress(archive(file("abc"))).replace(b"abc", b"a\xff\xfe")),
        "damaged|not UTF-8",
    ),
}


@pytest.mark.parametrize("attack", ATTACKS)
def test_a_bad_archive_is_refused(attack: str) -> None:
    """With a message that says what is wrong with it, and nothing written anywhere."""
    make, message = ATTACKS[attack]
    with pytest.raises(ArtifactError, match=message):
        unpack(make(), SMALL)


def test_a_bomb_is_not_unpacked_to_the_end() -> None:
    """A gigabyte of nothing ends after a few megabytes."""
    bomb = io.BytesIO()
    with gzip.GzipFile(fileobj=bomb, mode="wb", compresslevel=9) as zipped:
        for _ in range(64):
            zipped.write(b"\0" * (1 << 20))
    with pytest.raises(ArtifactError, match="compressed more than 200 times"):
        unpack(bomb.getvalue())


def test_files_are_read_in_any_order() -> None:
    """From the nearest point before each, also across several points, and again."""
    texts = {f"flux/v{number}/a.yaml": Random(number).randbytes(800_000) for number in range(6)}  # noqa: S311
    found = unpack(pack(texts))
    for path in (*reversed(texts), *texts):
        assert found[path] == texts[path]
    with pytest.raises(KeyError):
        found["flux/v9/a.yaml"]


@pytest.mark.parametrize("padding", [b"", b"\0" * 512])
def test_a_stream_may_have_several_parts(padding: bytes) -> None:
    """Some tools compress each file by itself; zeros may stand between the parts and at the end."""
    raw = gzip.decompress(pack(GOOD))
    parts = [gzip.compress(raw[start : start + 700]) for start in range(0, len(raw), 700)]
    assert len(parts) > 2
    assert dict(unpack(b"".join(part + padding for part in parts))) == GOOD
    with pytest.raises(ArtifactError, match="damaged"):
        unpack(b"".join(parts) + padding + b"rest")
    with pytest.raises(ArtifactError, match="damaged"):
        unpack(b"".join(parts)[:-1])


def test_the_same_files_give_the_same_bytes() -> None:
    """Whatever their order."""
    assert pack(GOOD) == pack(dict(reversed(GOOD.items())))
    assert pack(GOOD) != pack({**GOOD, "flux/v2.8.8/rbac.yaml": b"kind: ClusterRole\n"})


PATHS = st.lists(
    st.text(st.characters(codec="ascii", categories=["L", "N"]), min_size=1, max_size=8),
    min_size=2,
    max_size=4,
).map("/".join)


@given(st.dictionaries(PATHS, st.binary(max_size=200), max_size=8))
def test_what_is_packed_is_unpacked(files: dict[str, bytes]) -> None:
    """Unless a name is a file and a folder at the same time."""
    if any(other.startswith(f"{path}/") for path in files for other in files):
        return
    assert dict(unpack(pack(files))) == files

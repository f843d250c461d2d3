# SPDX-License-Identifier: Apache-2.0
"""A distribution as a gzip-compressed tar, unpacked and packed in memory.

An archive comes from outside, so it is read as hostile input: nothing is ever written to disk,
only plain files with plain relative names are taken, and every quantity has a limit that is
checked while the stream is being decompressed, not afterwards.
"""

from __future__ import annotations

import gzip
import io
import tarfile
import zlib
from bisect import bisect_right
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Final, Self

from fluxsm.errors import ArtifactError

MIB: Final = 1 << 20

_CHUNK: Final = 1 << 16
"""Bytes that are read at a time."""

_POINT_BYTES: Final = MIB
"""Unpacked bytes between two points to begin at; each takes some 40 KiB."""

_GZIP: Final = 31
"""What zlib calls a gzip stream with the largest window."""

_BAD_HEADERS: Final = (
    tarfile.InvalidHeaderError,  # type: ignore[attr-defined] # unknown to typeshed
    tarfile.TruncatedHeaderError,  # type: ignore[attr-defined] # the same
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much an archive may hold.

    Attributes:
        entries: number of files and folders.
        file: bytes of one file.
        total: bytes of all files, as the archive declares them.
        ratio: unpacked bytes per packed byte; checked once `ratio_from` bytes are unpacked,
            because a small archive may well be repetitive.
        ratio_from: see above.
        name: characters of a name.
    """

    entries: int = 20_000
    file: int = 16 * MIB
    total: int = 100 * MIB
    ratio: int = 200
    ratio_from: int = 4 * MIB
    name: int = 512


LIMITS: Final = Limits()


class PackedFiles(Mapping[str, bytes]):
    """Files by path, kept as the archive that they came in and unpacked at each access.

    A distribution is tens of megabytes of YAML of which one version is used at a time. Reading a
    file begins at the last point before it that was noted when the archive was checked.
    """

    __slots__ = ("_points", "_spans")

    def __init__(self, spans: Mapping[str, tuple[int, int]], points: Sequence[_Gunzip]) -> None:
        self._spans = spans
        self._points = points

    def __getitem__(self, path: str) -> bytes:
        offset, size = self._spans[path]
        nearest = bisect_right(self._points, offset, key=attrgetter("position")) - 1
        stream = self._points[nearest].copy()
        stream.read_exactly(offset - stream.position)
        return stream.read_exactly(size)

    def __contains__(self, path: object) -> bool:
        return path in self._spans

    def __iter__(self) -> Iterator[str]:
        return iter(self._spans)

    def __len__(self) -> int:
        return len(self._spans)


def unpack(archive: bytes, limits: Limits = LIMITS) -> PackedFiles:
    """Unpack a gzip-compressed tar in memory.

    Args:
        archive: the compressed bytes.
        limits: how much it may hold.

    Returns:
        Its files by POSIX path relative to the root, in archive order.

    Raises:
        ArtifactError: not such an archive, damaged, over a limit, or with an entry that is not
            a plain file or folder below the root.
    """
    if not archive.startswith(b"\x1f\x8b"):
        raise ArtifactError("the layer is not gzip-compressed")
    stream = _Bounded(archive, limits)
    try:
        with tarfile.open(
            fileobj=stream,
            mode="r|",
            bufsize=_CHUNK,
            errors="strict",
            encoding="utf-8",
            tarinfo=_StrictEntry,
        ) as tar:
            spans = _collect(tar, limits)
            rest = tar.fileobj
            while block := rest.read(MIB):
                if block.strip(b"\0"):
                    raise ArtifactError("the archive is damaged: data after its end")
            return PackedFiles(spans, stream.points)
    except UnicodeDecodeError as error:
        raise ArtifactError("the archive has a name that is not UTF-8") from error
    except (tarfile.TarError, EOFError, OSError, zlib.error, ValueError) as error:
        raise ArtifactError(f"the archive is damaged: {error}") from error


def pack(files: Mapping[str, bytes]) -> bytes:
    """Pack files reproducibly: the same files give the same bytes, whenever and by whom.

    Args:
        files: content by POSIX path.

    Returns:
        A gzip-compressed tar, sorted by name, without times and owners.
    """
    buffer = io.BytesIO()
    # GzipFile and not gzip.compress: the latter's header differs between Python versions.
    with (
        gzip.GzipFile(filename="", mode="wb", compresslevel=9, fileobj=buffer, mtime=0) as zipped,
        tarfile.open(fileobj=zipped, mode="w", format=tarfile.USTAR_FORMAT) as tar,
    ):
        for path in sorted(files):
            entry = tarfile.TarInfo(path)
            entry.size = len(files[path])
            entry.mode = 0o644
            tar.addfile(entry, io.BytesIO(files[path]))
    return buffer.getvalue()


def _collect(tar: tarfile.TarFile, limits: Limits) -> dict[str, tuple[int, int]]:
    """Where each file is in the unpacked archive: its offset and its size."""
    files: dict[str, tuple[int, int]] = {}
    folders: set[str] = set()
    total = 0
    for count, entry in enumerate(tar, start=1):
        if count > limits.entries:
            raise ArtifactError(f"the archive has more than {limits.entries} entries")
        path = _safe_path(entry.name, limits)
        if entry.isdir():
            folders.add(path)
            continue
        if entry.type not in {tarfile.REGTYPE, tarfile.AREGTYPE} or entry.issparse():
            raise ArtifactError(f"the archive holds {entry.name!r}, which is {_kind(entry)}")
        total += entry.size
        if entry.size > limits.file:
            raise ArtifactError(f"the file {path!r} is larger than {_mib(limits.file)}")
        if total > limits.total:
            raise ArtifactError(f"the archive unpacks to more than {_mib(limits.total)}")
        if not path or path in files or path in folders or _below_a_file(path, files):
            raise ArtifactError(f"the archive holds {entry.name!r} twice")
        parents = path.split("/")[:-1]
        folders.update("/".join(parents[: depth + 1]) for depth in range(len(parents)))
        files[path] = entry.offset_data, entry.size
    return files


def _safe_path(name: str, limits: Limits) -> str:
    """The entry's path relative to the root, or an error that says what is wrong with it."""
    if len(name) > limits.name:
        raise ArtifactError(f"the archive has a name of more than {limits.name} characters")
    if name.startswith("/"):
        raise ArtifactError(f"the archive has the absolute name {name!r}")
    if "\\" in name:
        raise ArtifactError(f"the archive has a backslash in the name {name!r}")
    if not name.isprintable():
        raise ArtifactError(f"the archive has control characters in the name {name!r}")
    parts = [part for part in name.split("/") if part not in {"", "."}]
    if ".." in parts:
        raise ArtifactError(f"the archive has the name {name!r}, which leaves its folder")
    return "/".join(parts)


def _below_a_file(path: str, files: Collection[str]) -> bool:
    parts = path.split("/")
    return any("/".join(parts[:depth]) in files for depth in range(1, len(parts)))


def _kind(entry: tarfile.TarInfo) -> str:
    if entry.issym():
        return "a symbolic link"
    if entry.islnk():
        return "a hard link"
    if entry.isdev():
        return "a device or pipe"
    if entry.issparse():
        return "a sparse file"
    return f"of the unknown type {entry.type!r}"


def _mib(size: int) -> str:
    return f"{size // MIB} MiB" if size >= MIB else f"{size} bytes"


class _StrictEntry(tarfile.TarInfo):
    """An entry whose header must be one: the library takes a broken header for the end."""

    @classmethod
    def fromtarfile(cls, tarfile_: tarfile.TarFile) -> Self:
        try:
            return super().fromtarfile(tarfile_)
        except _BAD_HEADERS as error:
            raise ArtifactError(f"the archive is damaged: {error}") from None


class _Gunzip:
    """A place in a gzip stream, which may be copied, and from which is read on.

    Attributes:
        position: bytes before this place, unpacked.
    """

    __slots__ = ("_at", "_member", "_packed", "position")

    def __init__(self, packed: bytes) -> None:
        self.position = 0
        self._packed = packed
        self._at = 0
        self._member = zlib.decompressobj(_GZIP)

    def copy(self) -> _Gunzip:
        """The same place once more."""
        found = _Gunzip(self._packed)
        found.position, found._at, found._member = self.position, self._at, self._member.copy()
        return found

    def read(self, size: int) -> bytes:
        """At most so many bytes; none at the end.

        Raises:
            EOFError: the stream is cut short.
            zlib.error: it is damaged.
        """
        while not self._member.eof or self._next_member():
            piece = self._packed[self._at : self._at + _CHUNK]
            block = self._member.decompress(piece, size)
            rest = len(self._member.unconsumed_tail) + len(self._member.unused_data)
            self._at += len(piece) - rest
            self.position += len(block)
            if block:
                return block
            if not piece and not self._member.eof:
                raise EOFError("it is cut short")
        return b""

    def read_exactly(self, size: int) -> bytes:
        """So many bytes of a stream that has them."""
        blocks = []
        while size:
            blocks.append(self.read(size))
            size -= len(blocks[-1])
        return b"".join(blocks)

    def _next_member(self) -> bool:
        """Go on with the next of several streams in one; zeros between them are padding."""
        self._at = len(self._packed) - len(self._packed[self._at :].lstrip(b"\0"))
        if self._at == len(self._packed):
            return False
        self._member = zlib.decompressobj(_GZIP)
        return True


class _Bounded(io.RawIOBase):
    """A decompressing stream that stops at the limits, however the archive lies about sizes.

    Attributes:
        points: places in it to begin at later.
    """

    def __init__(self, archive: bytes, limits: Limits) -> None:
        super().__init__()
        self._source = _Gunzip(archive)
        self.points = [self._source.copy()]
        self._packed = len(archive)
        self._limits = limits

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1, /) -> bytes:
        block = self._source.read(min(size, MIB) if size >= 0 else MIB)
        done = self._source.position
        # Headers and padding come on top of the files: at most 1.5 KiB for each entry.
        if done > self._limits.total + self._limits.entries * 1536:
            raise ArtifactError(f"the archive unpacks to more than {_mib(self._limits.total)}")
        if done > max(self._limits.ratio_from, self._packed * self._limits.ratio):
            raise ArtifactError(
                f"the archive is compressed more than {self._limits.ratio} times, which no "
                "distribution is"
            )
        if done >= self.points[-1].position + _POINT_BYTES:
            self.points.append(self._source.copy())
        return block

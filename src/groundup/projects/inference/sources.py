"""Lists of files of source archives: evidence where a distribution publishes nothing else."""

from __future__ import annotations

import gzip
import io
import tarfile
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from typing import Any

from groundup.projects.inference.index import IndexFile
from groundup.projects.inference.transfer import RemoteFile, TransferError, get

SUFFIXES = (".tar.gz", ".zip")
ROOTS = ("src/", "lib/", "Lib/", "python/", "")  # where modules are below the top folder of an archive
# zipfile raises NotImplementedError for kinds of compression that it does not know.
DAMAGED = (zipfile.BadZipFile, NotImplementedError, tarfile.TarError, zlib.error)
LARGEST = 128 * 2**20  # bytes of an archive, which is fetched whole
LARGEST_UNPACKED = 2**30  # bytes


def source_files(file: IndexFile) -> list[str]:
    """Return the paths of the modules in a source archive, as they would be installed.

    :raises TransferError: it cannot be fetched, is too large, or is no archive.
    """
    try:
        names = list(_zip_names(file.url) if file.filename.endswith(".zip") else _tar_names(file.url))
    # What is damaged fails in as many ways as there are layers.
    except (*DAMAGED, OSError, EOFError, ValueError) as error:
        raise TransferError(f"{file.url} is not a source archive: {error}") from None
    return sorted(_modules(names))


def _zip_names(url: str) -> Iterable[str]:
    with zipfile.ZipFile(RemoteFile(url)) as archive:
        return archive.namelist()


def _tar_names(url: str) -> Iterator[str]:
    unpacked: Any = _Bounded(gzip.GzipFile(fileobj=io.BytesIO(get(url, LARGEST).body)))
    with tarfile.open(fileobj=unpacked, mode="r|") as archive:
        yield from (member.name for member in archive if member.isfile())


def _modules(names: Iterable[str]) -> set[str]:
    found = set()
    for name in names:
        path = name.removeprefix("./").partition("/")[2]
        if path.endswith(".py"):
            root = next(root for root in ROOTS if path.startswith(root))
            found.add(path.removeprefix(root))
    return found


class _Bounded:
    """What is read from an archive, up to a limit."""

    def __init__(self, stream: Any) -> None:
        self._stream, self._left = stream, LARGEST_UNPACKED

    def read(self, size: int) -> bytes:
        """Return the next bytes."""
        data: bytes = self._stream.read(size)
        self._left -= len(data)
        if self._left < 0:
            raise ValueError(f"it unpacks to more than {LARGEST_UNPACKED // 2**20} MiB")
        return data

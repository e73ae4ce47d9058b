"""Evidence: the list of files of a distribution's own archive, and whether a module is among them."""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path, PurePosixPath

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.tags import Tag, compatible_tags, cpython_tags
from packaging.utils import (
    InvalidSdistFilename,
    InvalidWheelFilename,
    parse_sdist_filename,
    parse_wheel_filename,
)
from packaging.version import Version as Release

from groundup.projects.inference.index import IndexFile
from groundup.projects.inference.kept import keep, kept_at, recall
from groundup.projects.inference.sources import SUFFIXES as SOURCES
from groundup.projects.inference.sources import source_files
from groundup.projects.inference.standard import Version
from groundup.projects.inference.transfer import RemoteFile, TransferError

SUFFIXES = (".py", ".so", ".pyd")
LONGEST_PTH = 4096  # bytes
FORMAT = 2  # counts what `module_files` makes of the same wheel


@dataclass(frozen=True)
class Archive:
    """A wheel that an index lists, or a source archive, which has no `tags`."""

    file: IndexFile
    release: Release
    tags: frozenset[Tag] = frozenset()

    @property
    def is_source(self) -> bool:
        """Whether it has to be built."""
        return not self.tags


def choose_wheel(files: Sequence[IndexFile], version: Version, specifier: str = "") -> Archive | None:
    """Return the wheel of the newest release that Python `version` can use, one for this platform first.

    Pre-releases and what was yanked count only where there is nothing else; None where there is no wheel.
    """
    supported = _supported(version)

    def rank(wheel: Archive) -> tuple[bool, bool, bool, Release]:
        fits = bool(supported & wheel.tags)
        return not wheel.file.yanked, fits, not wheel.release.is_prerelease, wheel.release

    return max(_usable(_wheels(files), version, specifier), key=rank, default=None)


def choose_source(files: Sequence[IndexFile], version: Version, specifier: str = "") -> Archive | None:
    """Return the source archive of the newest release that Python `version` can use."""

    def rank(source: Archive) -> tuple[bool, bool, Release]:
        return not source.file.yanked, not source.release.is_prerelease, source.release

    return max(_usable(_sources(files), version, specifier), key=rank, default=None)


def module_files(file: IndexFile) -> list[str]:
    """Return the paths of the modules in an archive, as they are installed; kept by its hash or address.

    :raises TransferError: it cannot be fetched, or is no archive.
    """
    name = file.sha256 or hashlib.sha256(file.url.encode()).hexdigest()
    path = kept_at("evidence", f"{name}-{FORMAT}")
    found: list[str] | None = recall(path)
    if found is None:
        found = _fetched(file) if file.filename.endswith(".whl") else source_files(file)
        keep(path, found)
    return found


def providing_file(module: str, files: Collection[str], namespaces: Collection[str]) -> str:
    """Return the file by which `files` provide a module; empty when they do not.

    The package that holds it counts when it is nobody else's: a module may be made at run time. In
    `namespaces`, and in packages without an ``__init__``, it has to be there itself.
    """
    parts = module.split(".")
    known = set(files)
    for depth in range(1, len(parts) + 1):
        folder = "/".join(parts[:depth])
        if ".".join(parts[:depth]) in namespaces and depth < len(parts):
            continue
        found = _module_file(folder, known)
        if found:
            return found
    below = f"{'/'.join(parts)}/"
    return next((path for path in sorted(known) if path.startswith(below)), "")


def _module_file(path: str, files: Collection[str]) -> str:
    for name in (f"{path}/__init__", path):
        for candidate in (f"{name}.py", f"{name}.so", f"{name}.pyd"):
            if candidate in files:
                return candidate
    return ""


def _wheels(files: Sequence[IndexFile]) -> Iterator[Archive]:
    for file in files:
        if file.filename.endswith(".whl"):
            try:
                _, release, _, tags = parse_wheel_filename(file.filename)
            except InvalidWheelFilename:
                continue
            yield Archive(file, release, tags)


def _sources(files: Sequence[IndexFile]) -> Iterator[Archive]:
    for file in files:
        if file.filename.endswith(SOURCES):
            try:
                yield Archive(file, parse_sdist_filename(file.filename)[1])
            except InvalidSdistFilename:
                continue


def _usable(found: Iterable[Archive], version: Version, specifier: str) -> Iterator[Archive]:
    wanted = SpecifierSet(specifier)
    for one in found:
        if _allows(one.file.requires_python, version) and wanted.contains(one.release, prereleases=True):
            yield one


def _allows(requires_python: str, version: Version) -> bool:
    try:
        allowed = SpecifierSet(requires_python)
    except InvalidSpecifier:
        return True
    # A patch release may be excluded: any of the minor version is enough.
    return any(allowed.contains(f"{version[0]}.{version[1]}.{patch}") for patch in (0, 4, 99))


@cache
def _supported(version: Version) -> frozenset[Tag]:
    generic = compatible_tags(version, f"cp{version[0]}{version[1]}")
    return frozenset((*cpython_tags(version), *generic))


def _fetched(file: IndexFile) -> list[str]:
    try:
        with zipfile.ZipFile(RemoteFile(file.url)) as wheel:
            return sorted(_installed(wheel))
    # zipfile raises NotImplementedError for kinds of compression that it does not know.
    except (zipfile.BadZipFile, NotImplementedError, ValueError, EOFError) as error:
        raise TransferError(f"{file.url} is not a wheel: {error}") from None


def _installed(wheel: zipfile.ZipFile) -> set[str]:
    """Return the module files of a wheel by their paths below ``sys.path``, names of extensions shortened."""
    placed = {name: _placed(name) for name in wheel.namelist()}
    roots = ["", *_added_roots(wheel, placed)]
    found = set()
    for path in placed.values():
        if path.endswith(SUFFIXES) and ".dist-info/" not in path:
            for root in roots:
                if path.startswith(root):
                    found.add(_shortened(path[len(root) :]))
    return found


def _placed(name: str) -> str:
    """Return where a file of a wheel is installed; empty for what is not beside modules."""
    top, _, rest = name.partition("/")
    if not top.endswith(".data"):
        return name
    scheme, _, path = rest.partition("/")
    return path if scheme in ("purelib", "platlib") else ""


def _shortened(path: str) -> str:
    """Return ``a/b.so`` for ``a/b.cpython-312-x86_64-linux-gnu.so``."""
    parsed = PurePosixPath(path)
    if parsed.suffix == ".py":
        return path
    return str(parsed.with_name(parsed.name.partition(".")[0] + parsed.suffix))


def _added_roots(wheel: zipfile.ZipFile, placed: dict[str, str]) -> list[str]:
    """Return the folders that the wheel's ``.pth`` files add to ``sys.path``."""
    roots = []
    for name, path in placed.items():
        if path.endswith(".pth") and "/" not in path and wheel.getinfo(name).file_size <= LONGEST_PTH:
            lines = wheel.read(name).decode("utf-8", "replace").splitlines()
            roots += [_root(line) for line in lines if _root(line)]
    return roots


def _root(line: str) -> str:
    path = line.strip().replace("\\", "/")
    if not path or path.startswith(("#", "import ", "import\t", "/")) or ".." in Path(path).parts:
        return ""
    return f"{path.strip('/')}/"

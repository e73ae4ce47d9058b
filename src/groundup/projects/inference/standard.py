"""The modules of the standard library, by version of Python."""

from __future__ import annotations

import sys

Version = tuple[int, int]

OLDEST, NEWEST = (3, 8), (3, 14)
# What came and went with each minor version. `sys.stdlib_module_names` knows its own version only.
ADDED: dict[Version, str] = {
    (3, 9): "graphlib zoneinfo",
    (3, 11): "tomllib",
    (3, 14): "annotationlib compression",
}
REMOVED: dict[Version, str] = {
    (3, 9): "_dummy_thread dummy_threading",
    (3, 10): "formatter parser symbol",
    (3, 11): "binhex",
    (3, 12): "asynchat asyncore distutils imp smtpd",
    (3, 13): "aifc audioop cgi cgitb chunk crypt imghdr lib2to3 mailcap msilib nis nntplib ossaudiodev pipes "
    "sndhdr spwd sunau telnetlib uu xdrlib",
}


def standard_modules(version: Version) -> frozenset[str]:
    """Return the top-level names of the standard library of a Python, on any platform."""
    names = set(sys.stdlib_module_names) | {"__main__"}
    own = (sys.version_info[0], sys.version_info[1])
    for minor in range(own[1], version[1], -1):  # back to an older one
        names -= _names(ADDED, minor)
        names |= _names(REMOVED, minor)
    for minor in range(own[1] + 1, version[1] + 1):
        names |= _names(ADDED, minor)
        names -= _names(REMOVED, minor)
    return frozenset(names)


def removed_in(module: str) -> Version | None:
    """Return the version whose standard library has a module no more; None where there is none."""
    return next((version for version, names in REMOVED.items() if module in names.split()), None)


def added_in(module: str) -> Version | None:
    """Return the version whose standard library has a module as the first; None where there is none."""
    return next((version for version, names in ADDED.items() if module in names.split()), None)


def _names(table: dict[Version, str], minor: int) -> set[str]:
    return set(table.get((3, minor), "").split())

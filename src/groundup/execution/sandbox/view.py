"""What a run in a sandbox sees of this machine, as options of bubblewrap."""

from __future__ import annotations

import os
import pwd
from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import Literal

from groundup.execution.sandbox.errors import SandboxError
from groundup.projects.home import cache_folder, data_folder

# An option, or a file to show, bytes to read from a descriptor, a file to log to: see stage.py.
Word = str | tuple[Literal["path", "data", "log"], str | bytes]

WORK = Path("/work")
SCRIPT = "/run/main.py"  # of a script whose own path cannot be shown
INSIDE = 1000  # uid and gid, as a script sees its own
_OWN_ROOMS = ("/proc", "/dev", "/sys")
_SEALED = tuple(word for place in ("/proc", "/dev", "/") for word in ("--remount-ro", place))
_SYSTEM = ("/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32")
_FILES = ("/etc/ld.so.cache", "/etc/localtime")
_FOLDERS = ("/etc/alternatives",)
_NETWORK_FILES = tuple(
    f"/etc/{name}"
    for name in (
        *("resolv.conf", "hosts", "nsswitch.conf", "host.conf", "gai.conf", "protocols", "services"),
        *("ssl/cert.pem", "ssl/openssl.cnf"),
    )
)
_NETWORK_FOLDERS = ("/etc/ssl/certs", "/etc/pki/tls", "/etc/pki/ca-trust", "/etc/ca-certificates")
_PACKAGE_STORES = ("/nix/store", "/gnu/store")  # in which programs need other folders than their own
_USERS = f"sandbox:x:{INSIDE}:{INSIDE}::/tmp:/bin/sh\nnobody:x:65534:65534::/:/bin/false\n"
_GROUPS = f"sandbox:x:{INSIDE}:\nnogroup:x:65534:\n"
_MOST_LINKS = 40  # on the way to a file, as for the system


class View:
    """Collects what is shown; what comes later covers what came before.

    :param disk: bytes of each folder that the run has for itself; None for no limit.
    :param network: whether what the network needs is shown.
    """

    def __init__(self, *, disk: int | None, network: bool) -> None:
        self._words: list[Word] = []
        self._shown: set[str] = set()
        self._show_system()
        self._show_settings(_FILES, _FOLDERS)
        if network:
            self._show_settings(_NETWORK_FILES, _NETWORK_FOLDERS)
        self._words += ["--file", ("data", _USERS.encode()), "/etc/passwd"]
        self._words += ["--file", ("data", _GROUPS.encode()), "/etc/group"]
        self._words += ["--proc", "/proc", "--dev", "/dev"]
        for mode, folder in (("1777", "/dev/shm"), ("1777", "/tmp"), ("0755", str(WORK))):  # noqa: S108
            size = [] if disk is None else ["--size", str(disk)]
            self._words += ["--perms", mode, *size, "--tmpfs", folder]

    @property
    def words(self) -> list[Word]:
        """The options; what stands between all that is shown cannot be written."""
        return [*self._words, *_SEALED]

    def show(self, path: str | os.PathLike[str], *, is_writable: bool = False) -> str:
        """Show a file or folder at its own path, and the links that lead to it; return where.

        :raises SandboxError: that would show the caller's home.
        """
        real = self._follow(os.fspath(path))
        check_narrow(real)
        self._bind(real, is_writable)
        return _reachable(os.fspath(path), real)

    def show_script(self, content: bytes, path: str) -> str:
        """Show a script that is at `path`; return where: elsewhere when a room of the sandbox is there."""
        place = SCRIPT if is_in(path, _OWN_ROOMS) else self._follow(path)
        self._words += ["--perms", "0444", "--ro-bind-data", ("data", content), place]
        return SCRIPT if place == SCRIPT else _reachable(path, place)

    def show_python(self, program: str | os.PathLike[str]) -> None:
        """Show the whole installation of a Python.

        :param program: its path, which may be the link of a virtual environment that is shown itself.
        :raises SandboxError: the installation cannot be told from the caller's home.
        """
        path = os.fspath(program)
        for folder in (os.path.dirname(self._follow(path)), *_base_folders(path)):  # noqa: PTH120
            self._show_installation(os.path.dirname(self._follow(folder)))  # noqa: PTH120

    def _show_system(self) -> None:
        self._bind("/usr")
        for path in _SYSTEM:
            if os.path.islink(path):  # noqa: PTH114
                self._link(path, os.readlink(path))  # noqa: PTH115
            elif os.path.isdir(path):  # noqa: PTH112
                self._bind(path)

    def _show_settings(self, files: Iterable[str], folders: Iterable[str]) -> None:
        for name in files:
            content = _content(name)
            if content is not None:
                self._words += ["--perms", "0644", "--file", ("data", content), name]
        for name in folders:
            if os.path.isdir(name):  # noqa: PTH112
                self._words += ["--ro-bind", ("path", name), name]

    def _show_installation(self, prefix: str) -> None:
        store = next((each for each in _PACKAGE_STORES if is_in(prefix, [each])), None)
        if not is_in(prefix, self._shown):
            if store is None:
                check_narrow(prefix)
            self._bind(store or prefix)

    def _bind(self, path: str, is_writable: bool = False) -> None:
        self._words += ["--bind" if is_writable else "--ro-bind", ("path", path), path]
        self._shown.add(path)

    def _link(self, path: str, target: str) -> None:
        self._words += ["--symlink", target, path]
        self._shown.add(path)

    def _follow(self, path: str) -> str:
        """Return the path without links; those that are not shown yet are made."""
        *links, (end, _) = _steps(path)
        for link, target in links:
            if not is_in(link, self._shown):
                self._link(link, target)
        return end


def _reachable(path: str, real: str) -> str:
    """Return `path`, but `real` where it leads through folders that are not shown."""
    return real if ".." in _parts(path) else path


def check_narrow(path: str) -> None:
    """Raise SandboxError when showing a folder would show the caller's home, or the whole system."""
    places = _private_places(os.environ.get("HOME"), data_folder(), cache_folder())
    if any(is_in(place, [path]) for place in places):
        raise SandboxError(
            "files",
            f"{path} cannot be shown in a sandbox: the home, or what groundup keeps, is in it",
            hint="use a folder of its own, and a Python that is installed in one",
        )


@lru_cache(4)
def _private_places(*named: str | Path | None) -> list[str]:
    """Return the places that are nobody else's, without links."""
    try:
        own = pwd.getpwuid(os.geteuid()).pw_dir
    except KeyError:  # nobody that the system knows
        own = None
    return [os.path.realpath(place) for place in (own, *named) if place]


def is_in(path: str, folders: Iterable[str]) -> bool:
    """Return whether a path is one of some folders or in one of them, by its letters."""
    return any(path == each or path.startswith(each.rstrip("/") + "/") for each in folders)


def _content(name: str) -> bytes | None:
    try:
        with open(name, "rb") as file:  # noqa: PTH123
            return file.read()
    except OSError:  # it is not there, or only for others
        return None


def _base_folders(program: str) -> list[str]:
    """Return the folder of programs of the Python behind a virtual environment, as the environment has it."""
    content = _content(f"{os.path.dirname(os.path.dirname(program))}/pyvenv.cfg") or b""  # noqa: PTH120
    pairs = (line.partition("=") for line in os.fsdecode(content).splitlines())
    return [value.strip() for name, _, value in pairs if name.strip() == "home"]


def _steps(path: str) -> Iterator[tuple[str, str]]:
    """Yield the links that are met on the way, with what they say, and at last the path at its end."""
    parts, reached, left = _parts(path), "", _MOST_LINKS
    while parts:
        part = parts.pop()
        step = f"{reached}/{part}"
        if part == "..":
            reached = os.path.dirname(reached).rstrip("/")  # noqa: PTH120
        elif left and os.path.islink(step):  # noqa: PTH114
            target = os.readlink(step)  # noqa: PTH115
            yield step, target
            parts += _parts(target)
            reached = "" if target.startswith("/") else reached
            left -= 1
        else:
            reached = step
    yield reached or "/", ""


def _parts(path: str) -> list[str]:
    """Return the parts of a path, the last one first."""
    return [part for part in reversed(path.split("/")) if part not in ("", ".")]

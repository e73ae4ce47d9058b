"""What a run in a sandbox sees of this machine, as options of bubblewrap."""

from __future__ import annotations

import os
import pwd
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from groundup.execution.sandbox.errors import SandboxError
from groundup.projects.home import cache_folder, data_folder

# An option, or a file to show, bytes to read from a descriptor, a file to log to: see stage.py.
Word = str | tuple[Literal["path", "data", "log"], str | bytes]

WORK = Path("/work")
SCRIPT = Path("/run/main.py")  # of a script whose own path cannot be shown
INSIDE = 1000  # uid and gid, as a script sees its own
_OWN_ROOMS = (Path("/proc"), Path("/dev"), Path("/sys"))
_SYSTEM = tuple(Path(name) for name in ("/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32"))
_SETTINGS = (
    "ld.so.cache",
    "ld.so.conf",
    "ld.so.conf.d",
    "localtime",
    "timezone",
    "alternatives",
    "mime.types",
)
_FOR_NETWORK = (
    *("resolv.conf", "hosts", "nsswitch.conf", "host.conf", "gai.conf", "protocols", "services"),
    *("ssl/certs", "ssl/cert.pem", "ssl/openssl.cnf", "pki/tls", "pki/ca-trust", "ca-certificates"),
)
_PACKAGE_STORES = (
    Path("/nix/store"),
    Path("/gnu/store"),
)  # in which programs need other folders than their own
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
        self._shown: set[Path] = set()
        self._system(network)
        self._words += ["--proc", "/proc", "--dev", "/dev"]
        for mode, folder in (("1777", "/dev/shm"), ("1777", "/tmp"), ("0755", str(WORK))):  # noqa: S108
            size = [] if disk is None else ["--size", str(disk)]
            self._words += ["--perms", mode, *size, "--tmpfs", folder]

    @property
    def words(self) -> list[Word]:
        """The options; what stands between all that is shown cannot be written."""
        return [*self._words, "--remount-ro", "/dev", "--remount-ro", "/"]

    def show(self, path: Path, *, is_writable: bool = False) -> None:
        """Show a file or folder at its own path, and the links that lead to it.

        :raises SandboxError: that would show the caller's home.
        """
        real = self._follow(path)
        check_narrow(real)
        self._bind(real, real, is_writable)

    def show_copy(self, copy: Path, path: Path) -> Path:
        """Show `copy` in place of a file; return where: elsewhere when `path` is in a room of the sandbox."""
        place = SCRIPT if any(path.is_relative_to(room) for room in _OWN_ROOMS) else self._follow(path)
        self._bind(copy, place)
        return place if place == SCRIPT else path

    def show_python(self, program: Path) -> None:
        """Show the whole installation of a Python.

        :param program: its path, which may be the link of a virtual environment that is shown itself.
        :raises SandboxError: the installation cannot be told from the caller's home.
        """
        for folder in (self._follow(program).parent, *_base_folders(program)):
            self._show_installation(self._follow(folder).parent)

    def _system(self, network: bool) -> None:
        self._bind(Path("/usr"), Path("/usr"))
        for path in _SYSTEM:
            if path.is_symlink():
                self._words += ["--symlink", str(path.readlink()), str(path)]
                self._shown.add(path)
            elif path.is_dir():
                self._bind(path, path)
        for name in (*_SETTINGS, *(_FOR_NETWORK if network else ())):
            path = Path("/etc", name)
            if path.exists():
                self._bind(path.resolve(), path)
        for name, content in (("passwd", _USERS), ("group", _GROUPS)):
            self._words += ["--ro-bind-data", ("data", content.encode()), f"/etc/{name}"]

    def _show_installation(self, prefix: Path) -> None:
        store = next((each for each in _PACKAGE_STORES if prefix.is_relative_to(each)), None)
        if store is None:
            check_narrow(prefix)
        if not self._is_shown(prefix):
            self._bind(store or prefix, store or prefix)

    def _bind(self, source: Path, target: Path, is_writable: bool = False) -> None:
        self._words += ["--bind" if is_writable else "--ro-bind", ("path", str(source)), str(target)]
        self._shown.add(target)

    def _is_shown(self, path: Path) -> bool:
        return any(path.is_relative_to(each) for each in self._shown)

    def _follow(self, path: Path) -> Path:
        """Return the path without links; those that are not shown yet are made."""
        *links, (end, _) = _steps(path)
        for link, target in links:
            if not self._is_shown(link):
                self._words += ["--symlink", target, str(link)]
                self._shown.add(link)
        return end


def check_narrow(path: Path) -> None:
    """Raise SandboxError when showing a folder would show the caller's home, or the whole system."""
    places = [Path.home(), Path(pwd.getpwuid(os.geteuid()).pw_dir), data_folder(), cache_folder()]
    if any(place.resolve().is_relative_to(path) for place in places):
        raise SandboxError(
            "files",
            f"{path} cannot be shown in a sandbox: the home, or what groundup keeps, is in it",
            hint="use a folder of its own, and a Python that is installed in one",
        )


def _base_folders(program: Path) -> list[Path]:
    """Return the folder of programs of the Python behind a virtual environment, as the environment has it."""
    try:
        lines = (program.parent.parent / "pyvenv.cfg").read_text(encoding="utf-8").splitlines()
    except OSError:
        return []
    return [Path(line.partition("=")[2].strip()) for line in lines if line.split("=")[0].strip() == "home"]


def _steps(path: Path) -> Iterator[tuple[Path, str]]:
    """Yield the links that are met on the way, with what they say, and at last the path at its end."""
    parts, reached, left = list(reversed(path.parts[1:])), Path("/"), _MOST_LINKS
    while parts:
        part = parts.pop()
        step = reached.parent if part == ".." else reached / part
        if left and part != ".." and step.is_symlink():
            target = os.readlink(step)  # noqa: PTH115 - as it is written
            yield step, target
            parts += [part for part in reversed(Path(target).parts) if part != "/"]
            reached = Path("/") if target.startswith("/") else reached
            left -= 1
        else:
            reached = step
    yield reached, ""

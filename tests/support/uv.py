"""The real uv behind a script that says when it is called, and waits where a test wants it to."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.support.background import until
from tests.support.repositories import write
from tests.support.session import session_folder

WRAPPER = """\
#!/bin/sh
echo "$$ $*" >> {calls}
case " $* " in
*" $GATED "*)
    [ -p {gate} ] || exec {uv} "$@"
    echo $$ > {entered}.part && mv {entered}.part {entered}
    read -r _ < {gate}
    rm -f {entered}
    ;;
esac
exec {uv} "$@"
"""


def real_uv() -> Path:
    """Return the uv that the kernel fetched into the session's cache."""
    (binary,) = (p for p in (session_folder() / "groundup/cache/uv").rglob("uv") if p.is_file())
    return binary


@dataclass(frozen=True)
class WatchedUv:
    """A `uv` that notes each call; where `GATED` names one of its words, it waits at the gate."""

    folder: Path

    def calls(self, word: str) -> list[str]:
        """Return the calls whose arguments contain `word`."""
        return [line for line in self.calls_made() if word in line.split()]

    def steps(self) -> list[str]:
        """Return the commands of uv that were called, in order, each once: `find`, `compile`, `sync`, …"""
        words = [re.match(r"\d+((?: [a-z]\S*)*)", line) for line in self.calls_made()]
        return list(dict.fromkeys(found[1].split()[-1] for found in words if found and found[1]))

    def calls_made(self) -> list[str]:
        """Return all calls: process id and arguments."""
        log = self.folder / "calls"
        return log.read_text().splitlines() if log.exists() else []

    def env(self, env: Mapping[str, str], gated: str = "") -> dict[str, str]:
        """Return `env` in which this uv is the only one: found on PATH, nothing fetched before."""
        path = f"{self.folder / 'bin'}{os.pathsep}{env['PATH']}"
        return {**env, "PATH": path, "GROUNDUP_HOME": str(self.folder / "home"), "GATED": gated}

    def wait_until_entered(self) -> int:
        """Wait until a gated call stands at the gate; return its process id."""
        until(self._entered.exists, "uv at the gate")
        return int(self._entered.read_text())

    def open_gate(self) -> None:
        """Let the call that stands at the gate go on; later ones do not wait."""
        with (self.folder / "gate").open("w") as gate:
            (self.folder / "gate").unlink()
            gate.write("\n")

    @property
    def _entered(self) -> Path:
        return self.folder / "entered"


def watched_uv(folder: Path) -> WatchedUv:
    """Make a watched uv in `folder`; the session's cache must hold the real one."""
    names = {name: shlex.quote(str(folder / name)) for name in ("calls", "entered", "gate")}
    script = write(folder, "bin/uv", WRAPPER.format(uv=shlex.quote(str(real_uv())), **names))
    script.chmod(0o755)
    os.mkfifo(folder / "gate")
    return WatchedUv(folder)

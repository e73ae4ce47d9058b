"""Every check of this repository, then every test.

Run as ``proto_kernel.py test [PYTEST ARGUMENTS]`` or ``proto_kernel.py lint``; exit 1 when anything failed.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.append(str(ROOT))

from tests.support.folding import unfold  # noqa: E402

PYTHON = [sys.executable, "-I", "-m"]
BIN = Path(sys.executable).parent
KERNEL = ROOT / "src/groundup/proto_kernel.py"


def kernel_copies_agree() -> int:
    if (ROOT / "proto_kernel.py").read_bytes() == KERNEL.read_bytes():
        return 0
    print("proto_kernel.py differs from src/groundup/proto_kernel.py: copy the second over the first")
    return 1


def lock_has_no_addresses() -> int:
    lines = (ROOT / "requirements.lock").read_text().splitlines()
    found = [f"requirements.lock:{n}: {line}" for n, line in enumerate(lines, 1) if "://" in line]
    print("\n".join(found), end="\n" if found else "")
    return 1 if found else 0


def run(*argv: str) -> int:
    return subprocess.run(argv, cwd=ROOT, check=False).returncode


def checks(unfolded: Path) -> Iterator[tuple[str, int]]:
    """Name and exit code of each check, as they are run."""
    kernel = str(unfolded)
    yield "kernel copies agree", kernel_copies_agree()
    yield "lock has no addresses", lock_has_no_addresses()
    yield "ruff", run(*PYTHON, "ruff", "check", "--quiet")
    yield "ruff format", run(*PYTHON, "ruff", "format", "--check", "--quiet")
    ruff = ("--quiet", "--config", "pyproject.toml")
    yield "ruff, kernel", run(*PYTHON, "ruff", "check", *ruff, kernel)
    yield "ruff format, kernel", run(*PYTHON, "ruff", "format", "--diff", *ruff, kernel)
    shadow = ("--shadow-file", str(KERNEL.relative_to(ROOT)), kernel)
    yield "mypy", run(*PYTHON, "mypy", "--no-error-summary", *shadow)
    yield "vermin, kernel", run(str(BIN / "vermin"), "-q", "--no-tips", "--violations", "-t=3.6-", kernel)
    yield "floors", run(str(BIN / "lint-imports"), "--no-cache")


def lint() -> list[str]:
    """Run every check; the names of those that failed."""
    failed = []
    with tempfile.TemporaryDirectory() as folder:
        unfolded = Path(folder, "src", "groundup", "proto_kernel.py")
        unfolded.parent.mkdir(parents=True)
        unfolded.write_text(unfold(KERNEL.read_text(encoding="utf-8")), encoding="utf-8")
        began = time.monotonic()
        for name, code in checks(unfolded):
            now = time.monotonic()
            print(f"{'ok' if code == 0 else 'FAILED':<8}{name} ({now - began:.1f} s)", flush=True)
            began = now
            failed += [name] if code else []
    return failed


def main() -> int:
    arguments = sys.argv[1:]
    failed = lint()
    if arguments[:1] != ["--lint"]:
        # one more than there are cores: many tests wait for containers and for what they have killed
        workers = [] if arguments else ["-n", str((os.cpu_count() or 1) + 1)]
        code = run(*PYTHON, "pytest", *workers, *arguments)
        failed += [f"pytest (exit {code})"] if code else []
    if failed:
        print(f"FAILED: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

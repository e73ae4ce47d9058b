"""A repository's own modules run as they are now, however fast they were edited."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from importlib.util import cache_from_source
from pathlib import Path

from tests.support.mounts import in_namespace, read_only

PROGRAM = """
import sys
from pathlib import Path
from groundup.states.importing import append_path
append_path(Path({root!r}))
import tools.content as content
print(content.WORD, type(content.__loader__).__name__)
"""


def imported(root: Path) -> str:
    """Return what a new process finds in ``tools.content``, and the kind of its loader."""
    argv = [sys.executable, "-I", "-c", PROGRAM.format(root=str(root))]
    return subprocess.run(argv, capture_output=True, text=True, check=True, timeout=60).stdout.strip()


def write(root: Path, word: str, at: float) -> Path:
    """Write the module; it was modified at `at`, seconds since the epoch."""
    path = root / "tools/content.py"
    path.parent.mkdir(exist_ok=True)
    path.write_text(f'WORD = "{word}"\n')
    os.utime(path, (at, at))
    return path


def test_an_edit_of_the_same_second_and_size_is_seen(tmp_path: Path) -> None:
    path = write(tmp_path, "one", 1_000_000_000.25)
    bytecode = Path(cache_from_source(path))
    assert imported(tmp_path) == "one SourceLoader"
    os.utime(bytecode, (1_000_000_000.5, 1_000_000_000.5))
    write(tmp_path, "two", 1_000_000_000.75)
    assert imported(tmp_path) == "two SourceLoader"


def test_byte_code_that_is_surely_of_the_source_is_used_and_kept(tmp_path: Path) -> None:
    path = write(tmp_path, "one", 1_000_000_000)
    assert imported(tmp_path) == "one SourceLoader"
    bytecode = Path(cache_from_source(path))
    kept = bytecode.stat().st_mtime_ns
    write(tmp_path, "two", 1_000_000_000)  # nobody can tell; Python's own rule
    assert imported(tmp_path) == "one SourceLoader"
    assert bytecode.stat().st_mtime_ns == kept


def test_byte_code_that_cannot_be_removed_is_not_used(tmp_path: Path) -> None:
    path = write(tmp_path, "one", 1_000_000_000)
    imported(tmp_path)
    bytecode = Path(cache_from_source(path))
    os.utime(bytecode, (1_000_000_001, 1_000_000_001))
    write(tmp_path, "two", 1_000_000_000)
    program = shlex.join([sys.executable, "-I", "-c", PROGRAM.format(root=str(tmp_path))])
    done = in_namespace(f"{read_only(tmp_path)}\n{program}", env={}, cwd=Path("/"))
    assert done.stdout.strip() == "two SourceLoader", done.stderr
    assert bytecode.exists()


def test_what_is_installed_below_the_repository_is_left_to_python(tmp_path: Path) -> None:
    site = tmp_path / ".venv/lib/python3/site-packages"
    (site / "tools").mkdir(parents=True)
    (site / "tools/content.py").write_text('WORD = "installed"\n')
    program = PROGRAM.replace("import tools", f"sys.path.append({str(site)!r})\nimport tools")
    argv = [sys.executable, "-I", "-c", program.format(root=str(tmp_path))]
    done = subprocess.run(argv, capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "installed SourceFileLoader"

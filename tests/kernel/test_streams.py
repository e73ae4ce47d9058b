"""Standard streams that are closed, full or read no longer: daemons, schedulers, `| head`."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.kernel.conftest import Ready
from tests.support.errors import told
from tests.support.process import describe, run, run_kernel
from tests.support.repositories import bare_repository, entry_script, repository
from tests.support.requirements import require
from tests.support.trees import walk

CLOSED = ["<&-", ">&-", "2>&-", ">&- 2>&-", "<&- >&- 2>&-"]
FULL = Path("/dev/full")  # every write to it fails as on a full disk


def redirected(
    redirections: str, program: Path, *args: str, env: Mapping[str, str]
) -> subprocess.CompletedProcess[str]:
    """Run a Python program whose streams a shell redirected; of those it left open the output is read."""
    words = [sys.executable, str(program), *args]
    return run(["sh", "-c", f'exec "$@" {redirections}', "sh", *words], env=env, cwd=program.parent)


# ── closed ───────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("streams", CLOSED)
def test_a_cold_boot_needs_no_stream(tmp_path: Path, env: dict[str, str], streams: str) -> None:
    repo = repository(tmp_path / "repo", dependencies=["alpha"])
    done = redirected(streams, repo / "proto_kernel.py", "boot", env=env)
    assert (done.returncode, done.stdout) == (0, ""), describe(done)
    assert "Traceback" not in done.stderr
    run_kernel(repo, "run", "--", "python", "-c", "import alpha, demo", env=env, check=True)


@pytest.mark.parametrize("streams", CLOSED)
def test_a_warm_run_needs_no_stream(tmp_path: Path, ready: Ready, streams: str) -> None:
    script = f"echo ran > {tmp_path / 'ran'}; exit 3"
    done = redirected(streams, ready.repo / "proto_kernel.py", "run", "sh", "-c", script, env=ready.env)
    assert (done.returncode, done.stdout, done.stderr) == (3, "", ""), describe(done)
    assert (tmp_path / "ran").read_text() == "ran\n"


def test_what_is_said_while_streams_are_closed_gets_into_no_file(tmp_path: Path, env: dict[str, str]) -> None:
    repo = repository(tmp_path / "repo", dependencies=["alpha"])
    done = redirected("<&- >&- 2>&-", repo / "proto_kernel.py", "-vv", "boot", env=env)
    assert done.returncode == 0
    state = [path for folder in (repo / ".groundup", repo / ".venv") for path in walk(folder)]
    texts = {path: path.read_bytes() for path in state if path.is_file() and not path.is_symlink()}
    assert [path for path, text in texts.items() if b"groundup: " in text or b"+ alpha==" in text] == []


@pytest.mark.parametrize("streams", CLOSED)
def test_an_error_keeps_its_exit_code_where_nobody_hears_it(tmp_path: Path, streams: str) -> None:
    repo = bare_repository(tmp_path / "repo")
    env = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path)}
    for words in (["--unknown"], ["boot", "now"]):
        done = redirected(streams, repo / "proto_kernel.py", *words, env=env)
        assert done.returncode == 2, describe(done)
        assert "Traceback" not in done.stderr


@pytest.mark.parametrize("streams", CLOSED)
def test_an_entry_script_needs_no_stream(tmp_path: Path, ready: Ready, streams: str) -> None:
    source = "import pathlib, sys\n\ndef main() -> None:\n    pathlib.Path(sys.argv[1]).write_text('ran')\n"
    repo = repository(tmp_path / "repo", source=source)
    script = entry_script(repo, "go", 'start_app("demo:main")')
    for name in ("cold", "warm"):
        done = redirected(streams, script, str(tmp_path / name), env=ready.env)
        assert done.returncode == 0, describe(done)
        assert (tmp_path / name).read_text() == "ran"


# ── full, or read no longer ──────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("words", [["config"], ["config", "--json"], ["--help"], ["--version"]], ids=" ".join)
def test_an_answer_that_cannot_be_written_is_an_error(tmp_path: Path, words: list[str]) -> None:
    require(FULL.exists(), str(FULL))
    repo = bare_repository(tmp_path / "repo")
    env = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path)}
    done = redirected(f">{FULL}", repo / "proto_kernel.py", *words, env=env)
    assert "stdout" in told(done, 1).error


@pytest.mark.parametrize("words", [["config"], ["config", "--json"], ["--help"], ["--version"]], ids=" ".join)
def test_a_reader_that_has_seen_enough_is_no_error(tmp_path: Path, words: list[str]) -> None:
    repo = bare_repository(tmp_path / "repo")
    reader, writer = os.pipe()
    os.close(reader)
    try:
        done = subprocess.run(
            [sys.executable, str(repo / "proto_kernel.py"), *words],
            env={"PATH": "/usr/bin:/bin", "HOME": str(tmp_path)},
            stdout=writer,
            stderr=subprocess.PIPE,
            check=False,
        )
    finally:
        os.close(writer)
    assert (done.returncode, done.stderr) == (141, b""), "as a program that SIGPIPE ended"


def test_messages_that_cannot_be_written_stop_nothing(tmp_path: Path, env: dict[str, str]) -> None:
    require(FULL.exists(), str(FULL))
    repo = repository(tmp_path / "repo", dependencies=["alpha"])
    kernel = repo / "proto_kernel.py"
    assert redirected(f"2>{FULL}", kernel, "-v", "boot", env=env).returncode == 0
    assert redirected(f"2>{FULL}", kernel, "--unknown", env=env).returncode == 2
    done = redirected(f"2>{FULL}", kernel, "run", "--", "python", "-c", "import alpha; print('ran')", env=env)
    assert (done.returncode, done.stdout) == (0, "ran\n")

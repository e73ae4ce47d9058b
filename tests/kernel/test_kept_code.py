"""The kernel's compiled program: who keeps it, where, and that a start finds it."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

import pytest

from groundup import proto_kernel
from tests.kernel.conftest import Ready
from tests.support.process import describe, interpreters, run, run_kernel
from tests.support.repositories import bare_repository, write
from tests.support.trees import facts
from tests.support.uv import real_uv

AUDITED = [version for version in interpreters() if tuple(map(int, version.split("."))) >= (3, 8)]
IMPORT = ["-c", "import sys; sys.path.append('.'); import proto_kernel"]

# Imported by every interpreter at its start; writes down what the program then compiles: files and texts.
WATCH = """
    import os, sys

    fd = os.open({log!r}, os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    def watch(event, arguments):
        if event == "compile":
            what = "file" if arguments[0] is None else "text"
            os.write(fd, ("%s %s\\n" % (what, os.path.basename(arguments[1]))).encode())

    sys.addaudithook(watch)
"""


@pytest.fixture
def own(tmp_path: Path, ready: Ready) -> Ready:
    """The repository that is ready, and a user whose cache is empty, with uv on PATH."""
    path = f"{real_uv().parent}{os.pathsep}{ready.env['PATH']}"
    return Ready(ready.repo, {**ready.env, "PATH": path, "GROUNDUP_HOME": str(tmp_path / "groundup")})


def kept(own: Ready) -> list[str]:
    """Return the names of what the user's cache keeps."""
    folder = Path(own.env["GROUNDUP_HOME"]) / "cache/code"
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


def keep(own: Ready, python: Path | str = sys.executable) -> None:
    run([str(python), *IMPORT], env=own.env, cwd=own.repo, check=True)


def compiled(own: Ready, folder: Path, python: Path, *arguments: str) -> list[str]:
    """Return what an interpreter compiles until it ends or becomes something else."""
    log = folder / "compiled"
    write(folder, "watch/sitecustomize.py", WATCH.format(log=str(log)))
    log.unlink(missing_ok=True)
    env = {**own.env, "PYTHONPATH": str(folder / "watch"), "PYTHONDONTWRITEBYTECODE": "1"}
    run([str(python), *arguments], env=env, cwd=own.repo, check=True)
    return log.read_text().splitlines()


@pytest.mark.parametrize("version", AUDITED)
def test_a_start_with_kept_code_compiles_the_head_of_the_file_alone(
    own: Ready, tmp_path: Path, version: str
) -> None:
    python = interpreters()[version]
    command = ["proto_kernel.py", "run", "true"]
    assert compiled(own, tmp_path, python, *command) == ["file proto_kernel.py", "text proto_kernel.py"]
    keep(own, python)
    assert compiled(own, tmp_path, python, *command) == ["file proto_kernel.py"]


@pytest.mark.parametrize("words", [["run", "true"], ["config"], ["check"], ["--help"], ["--unknown"]])
def test_a_start_without_a_build_keeps_nothing(own: Ready, words: list[str]) -> None:
    before = facts(own.repo)
    run_kernel(own.repo, *words, env=own.env)
    assert facts(own.repo) == before
    assert not Path(own.env["GROUNDUP_HOME"]).exists()


def test_a_build_keeps_it_for_every_checkout_of_the_same_kernel(own: Ready, tmp_path: Path) -> None:
    for name in ("one", "two"):
        run_kernel(bare_repository(tmp_path / name), "boot", env=own.env, check=True)
    (name,) = kept(own)
    tag, version = sys.implementation.cache_tag, f"{sys.hexversion:x}"
    assert re.fullmatch(f"[0-9a-f]{{16}}-{tag}-{version}", name)


def test_a_build_replaces_what_cannot_be_used(own: Ready, tmp_path: Path) -> None:
    repo = bare_repository(tmp_path / "repo")
    run_kernel(repo, "boot", env=own.env, check=True)
    (file,) = Path(own.env["GROUNDUP_HOME"], "cache/code").iterdir()
    whole = file.read_bytes()
    for content, mode in ((b"", 0o644), (whole[:-1], 0o644), (whole, 0o666)):
        file.write_bytes(content)
        file.chmod(mode)
        run_kernel(repo, "reboot", env=own.env, check=True)
        assert (file.read_bytes(), file.stat().st_mode & 0o777) == (whole, 0o644)


@pytest.mark.parametrize("version", interpreters())
def test_an_import_keeps_it_for_each_python(own: Ready, version: str) -> None:
    keep(own, interpreters()[version])
    (name,) = kept(own)
    assert name.split("-", 1)[1].startswith("cpython-" + version.replace(".", ""))


@pytest.mark.parametrize("how", ["variable", "option", "script"])
def test_an_import_that_writes_no_byte_code_keeps_nothing(own: Ready, how: str) -> None:
    option, code = IMPORT
    words = {
        "variable": [option, code],
        "option": ["-B", option, code],
        "script": [option, "import sys; sys.dont_write_bytecode = True; " + code],
    }[how]
    env = {**own.env, **({"PYTHONDONTWRITEBYTECODE": "1"} if how == "variable" else {})}
    run([sys.executable, *words], env=env, cwd=own.repo, check=True)
    assert kept(own) == []


def test_another_text_has_its_own_code(own: Ready, tmp_path: Path) -> None:
    repo = bare_repository(tmp_path / "repo")
    changed = (repo / "proto_kernel.py").read_text().replace("no Python fits", "there is no Python for")
    for text in ((repo / "proto_kernel.py").read_text(), changed):
        (repo / "proto_kernel.py").write_text(text)
        keep(Ready(repo, own.env))
    assert len(kept(own)) == 2


def test_where_nothing_can_be_written_it_works_as_well(own: Ready, tmp_path: Path) -> None:
    env = {**own.env, "GROUNDUP_HOME": str(write(tmp_path, "file", ""))}
    done = run([sys.executable, *IMPORT], env=env, cwd=own.repo)
    assert (done.returncode, done.stderr) == (0, ""), describe(done)


@pytest.mark.parametrize("from_cache", [False, True])
def test_its_lines_are_those_of_the_file(own: Ready, from_cache: bool) -> None:
    if from_cache:
        keep(own)
    lines = Path(proto_kernel.__file__).read_text(encoding="utf-8").splitlines()
    asked = f"{IMPORT[1]} as k; print(k.main.__code__.co_firstlineno, k.Build.run.__code__.co_firstlineno)"
    env = {**own.env, "PYTHONDONTWRITEBYTECODE": "1"}
    done = run([sys.executable, "-c", asked], env=env, cwd=own.repo, check=True)
    main, build = (lines[int(number) - 1] for number in done.stdout.split())
    assert main.startswith("def main(") and build.startswith("    def run(self, reboot")


def test_a_folder_that_is_there_keeps_its_rights(own: Ready) -> None:
    folder = Path(own.env["GROUNDUP_HOME"]) / "cache/code"
    folder.mkdir(mode=0o700, parents=True)
    keep(own)
    assert (len(kept(own)), folder.stat().st_mode & 0o777) == (1, 0o700)

"""What others can change is not executed, and secrets are not shown: caches, folders on PATH, messages."""

from __future__ import annotations

import marshal
import os
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from groundup import proto_kernel
from tests.kernel.conftest import Ready
from tests.support.errors import told
from tests.support.interpreters import stripped
from tests.support.process import clean_env, describe, interpreters, run, run_kernel
from tests.support.repositories import bare_repository, repository, write
from tests.support.requirements import require
from tests.support.trees import facts
from tests.support.uv import real_uv

OTHER = 65534  # nobody
FOREIGN = 42  # the exit code of code that must not run
SECRET = "sekret"
BARE = ("groundup.toml", "proto_kernel.py")  # the files of a bare repository


def given_away(path: Path) -> None:
    """Make `path` another user's."""
    require(os.geteuid() == 0, "the right to give files away")
    os.chown(path, OTHER, OTHER)


# How somebody else comes to be able to change a file: its rights, its folder's, or they belong to them.
WAYS: dict[str, Callable[[Path], None]] = {
    "writable file": lambda file: file.chmod(0o777),
    "file of a group": lambda file: file.chmod(0o775),
    "writable folder": lambda file: file.parent.chmod(0o777),
    "sticky folder": lambda file: file.parent.chmod(0o1777),
    "foreign file": given_away,
    "foreign folder": lambda file: given_away(file.parent),
}


@pytest.fixture
def own(tmp_path: Path, index: object, env: dict[str, str]) -> dict[str, str]:
    """The variables of a user with a cache of their own, and uv on PATH."""
    path = f"{real_uv().parent}{os.pathsep}{env['PATH']}"
    return {**env, "PATH": path, "GROUNDUP_HOME": str(tmp_path / "groundup")}


def without_tomllib(tmp_path: Path) -> Path:
    """Return an interpreter that has neither tomllib nor pip's copy of tomli."""
    old = [python for version, python in interpreters().items() if version in ("3.8", "3.9", "3.10")]
    require(old, "a Python without tomllib")
    return stripped(old[0], tmp_path / "old")


# ── code that earlier builds compiled ────────────────────────────────────────────────────────────────


def plant(file: Path, damage: int = 0) -> None:
    """Make a cached code file one that ends the process at once; `damage` is added to its checksum."""
    data = marshal.dumps(compile(f"import os; os._exit({FOREIGN})", "planted", "exec"))
    checksum = int.from_bytes(proto_kernel.checksum(data), "big")
    file.write_bytes((checksum + damage).to_bytes(8, "big") + data)


@pytest.fixture
def code(tmp_path: Path, own: dict[str, str]) -> Path:
    """The code that a build of `repo` kept."""
    run_kernel(bare_repository(tmp_path / "repo"), "boot", env=own, check=True)
    (file,) = (tmp_path / "groundup/cache/code").iterdir()
    return file


def test_kept_code_is_used_while_only_its_user_can_change_it(
    tmp_path: Path, own: dict[str, str], code: Path
) -> None:
    plant(code)
    assert run_kernel(tmp_path / "repo", "config", env=own).returncode == FOREIGN


@pytest.mark.parametrize("way", WAYS)
def test_kept_code_that_others_can_change_is_not_run(
    tmp_path: Path, own: dict[str, str], code: Path, way: str
) -> None:
    plant(code)
    WAYS[way](code)
    for words in (["config"], ["check"], ["reboot"], ["--unknown"]):
        done = run_kernel(tmp_path / "repo", *words, env=own)
        assert done.returncode == (2 if words == ["--unknown"] else 0), describe(done)


def test_kept_code_with_another_checksum_is_not_run(tmp_path: Path, own: dict[str, str], code: Path) -> None:
    plant(code, damage=1)
    assert run_kernel(tmp_path / "repo", "config", env=own).returncode == 0


def test_damaged_code_costs_nothing_but_time(tmp_path: Path, own: dict[str, str], code: Path) -> None:
    expected = run_kernel(tmp_path / "repo", "config", env=own, check=True).stdout
    whole = code.read_bytes()
    for part in range(12):
        place = part * len(whole) // 12
        flipped = bytes([whole[place] ^ 1 << part % 8])
        for content in (whole[:place], whole[:place] + flipped + whole[place + 1 :]):
            code.write_bytes(content)
            done = run_kernel(tmp_path / "repo", "config", env=own)
            assert (done.returncode, done.stdout) == (0, expected), describe(done)


def test_a_relative_cache_folder_is_ignored(tmp_path: Path, own: dict[str, str], code: Path) -> None:
    hostile = tmp_path / "hostile"
    plant(code)
    write(hostile, f"groundup/code/{code.name}", "").write_bytes(code.read_bytes())
    before = facts(hostile)
    env = without(own, "GROUNDUP_HOME") | {"XDG_CACHE_HOME": ".", "HOME": str(tmp_path / "new")}
    for command in ("config", "reboot"):
        done = run_kernel(tmp_path / "repo", command, env=env, cwd=hostile)
        assert done.returncode == 0, describe(done)
    assert facts(hostile) == before
    assert (tmp_path / "new/.cache/groundup/code").is_dir()


# How a folder comes to be one that others can write to.
OPEN: dict[str, Callable[[Path], None]] = {
    "writable": lambda folder: folder.chmod(0o777),
    "sticky": lambda folder: folder.chmod(0o1777),
    "of a group": lambda folder: folder.chmod(0o775),
    "foreign": given_away,
}


@pytest.mark.parametrize("way", OPEN)
def test_no_code_is_kept_where_others_can_write(tmp_path: Path, own: dict[str, str], way: str) -> None:
    repo, folder = bare_repository(tmp_path / "repo"), tmp_path / "groundup/cache/code"
    folder.mkdir(parents=True)
    OPEN[way](folder)
    run_kernel(repo, "boot", env=own, check=True)
    run([sys.executable, "-c", "import proto_kernel"], env=own, cwd=repo, check=True)
    assert list(folder.iterdir()) == []


def test_keeping_code_follows_no_link(tmp_path: Path, own: dict[str, str]) -> None:
    repo, victim = bare_repository(tmp_path / "repo"), write(tmp_path, "victim", "precious\n")
    (tmp_path / "groundup/cache/code").mkdir(parents=True, mode=0o755)
    trap = f"""
        import os, proto_kernel

        os.symlink({str(victim)!r}, "%s.%d.tmp" % (proto_kernel.code_path(), os.getpid()))
        proto_kernel.keep_code(proto_kernel.CODE)
    """
    run([sys.executable, "-B", str(write(repo, "trap.py", trap))], env=own, cwd=repo, check=True)
    assert victim.read_text() == "precious\n"


@pytest.mark.parametrize("writer", [True, False], ids=["with a writer", "alone"])
def test_a_pipe_in_the_place_of_kept_code_stops_nobody(
    tmp_path: Path, own: dict[str, str], code: Path, writer: bool
) -> None:
    code.unlink()
    os.mkfifo(code)
    end = os.open(code, os.O_RDWR) if writer else None
    done = run_kernel(tmp_path / "repo", "config", env=own, timeout=60)
    assert done.returncode == 0, describe(done)
    if end is not None:
        os.close(end)


# ── uv and tomli ─────────────────────────────────────────────────────────────────────────────────────


def plant_uv(tmp_path: Path) -> Path:
    """Put a program in the place of the cached uv that leaves the file `ran` behind; return its path."""
    name = real_uv().relative_to(real_uv().parents[3])
    program = write(tmp_path / "groundup", str(name), f"#!/bin/sh\necho > {tmp_path / 'ran'}\nexit 1\n")
    for folder in program.relative_to(tmp_path).parents:
        (tmp_path / folder).chmod(0o755)
    program.chmod(0o755)
    return program


def offline(tmp_path: Path) -> dict[str, str]:
    """Return the variables of a user who has nothing but a cache."""
    return clean_env(tmp_path / "home", GROUNDUP_HOME=str(tmp_path / "groundup"), GROUNDUP_OFFLINE="1")


def test_the_cached_uv_is_used_while_only_its_user_can_change_it(tmp_path: Path, fetched: None) -> None:
    repo = bare_repository(tmp_path / "repo")
    plant_uv(tmp_path)
    told(run_kernel(repo, "boot", env=offline(tmp_path)), 2)
    assert (tmp_path / "ran").exists()


@pytest.mark.parametrize("way", WAYS)
def test_a_cached_uv_that_others_can_change_is_not_run(tmp_path: Path, fetched: None, way: str) -> None:
    repo = bare_repository(tmp_path / "repo")
    program = plant_uv(tmp_path)
    WAYS[way](program)
    error, _ = told(run_kernel(repo, "boot", env=offline(tmp_path)), 1)
    assert str(program.parent) in error
    path = f"{real_uv().parent}{os.pathsep}/usr/bin{os.pathsep}/bin"
    run_kernel(repo, "boot", env={**offline(tmp_path), "PATH": path}, check=True)
    assert not (tmp_path / "ran").exists()


def test_a_cached_tomli_that_others_can_change_is_not_imported(tmp_path: Path, own: dict[str, str]) -> None:
    python = without_tomllib(tmp_path)
    repo = repository(tmp_path / "repo", dependencies=["alpha"])
    run_kernel(repo, "config", python=python, env=own, check=True)
    (module,) = (tmp_path / "groundup/cache").rglob("tomli/__init__.py")
    module.write_text(f"import os; os._exit({FOREIGN})\n")
    assert run_kernel(repo, "config", python=python, env=own).returncode == FOREIGN
    module.parents[1].chmod(0o777)
    error, hint = told(run_kernel(repo, "config", python=python, env=own), 1)
    assert str(module.parents[1]) in error
    assert "GROUNDUP_HOME" in hint


@pytest.mark.parametrize("part", ["tomli", "tomli/__pycache__"])
def test_what_is_inside_the_cached_tomli_is_its_users_alone_under_any_umask(
    tmp_path: Path, own: dict[str, str], part: str
) -> None:
    python, repo = without_tomllib(tmp_path), repository(tmp_path / "repo", dependencies=["alpha"])
    kernel = [str(python), str(repo / "proto_kernel.py"), "config"]
    run(["sh", "-c", 'umask 000; exec "$@"', "sh", *kernel], env=own, cwd=repo, check=True)
    (folder,) = (tmp_path / "groundup/cache").glob(f"tomli/*/{part}")
    assert folder.stat().st_mode & 0o022 == 0
    if part == "tomli":
        folder.chmod(0o777)
        error, _ = told(run(kernel, env=own, cwd=repo), 1)
        assert str(folder) in error


@pytest.mark.parametrize("way", OPEN)
def test_nothing_is_fetched_to_where_others_can_write(tmp_path: Path, env: dict[str, str], way: str) -> None:
    repo, folder = bare_repository(tmp_path / "repo"), tmp_path / "groundup/cache/uv"
    victim, name = write(tmp_path, "victim", "precious\n"), real_uv().parent.name
    folder.mkdir(parents=True)
    (folder / f"{name}.lock").symlink_to(victim)
    OPEN[way](folder)
    error, hint = told(run_kernel(repo, "boot", env={**env, "GROUNDUP_HOME": str(tmp_path / "groundup")}), 1)
    assert error == f"{folder} can be changed by other users"
    assert "GROUNDUP_HOME" in hint
    assert victim.read_text() == "precious\n"


def test_no_lock_is_taken_through_a_link(tmp_path: Path, env: dict[str, str]) -> None:
    repo, victim = bare_repository(tmp_path / "repo"), write(tmp_path, "victim", "precious\n")
    (repo / ".venv.lock").symlink_to(victim)
    error, hint = told(run_kernel(repo, "boot", env=env), 1)
    assert str(repo / ".venv.lock") in error
    assert "link" in hint
    assert victim.read_text() == "precious\n"


@pytest.mark.parametrize("home", [None, "relative"])
def test_without_a_home_there_is_no_cache_in_the_current_folder(
    tmp_path: Path, fetched: None, home: str | None
) -> None:
    require(os.geteuid() == 0 and shutil.which("setpriv"), "root and setpriv")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        repo = bare_repository(folder / "repo")
        for path in (folder, repo):
            path.chmod(0o777)
        env = {"PATH": "/usr/bin:/bin", **({} if home is None else {"HOME": home})}
        unknown = ["setpriv", "--reuid=54321", "--regid=54321", "--clear-groups", "python3"]
        run([*unknown, "-c", "import proto_kernel"], env=env, cwd=repo, check=True)
        error, hint = told(run([*unknown, "proto_kernel.py", "boot"], env=env, cwd=repo), 1)
        assert error.startswith("HOME ")
        assert "GROUNDUP_HOME" in hint
        assert {path.name for path in repo.iterdir()} <= {*BARE, ".venv.lock", "__pycache__"}


@pytest.mark.parametrize("path", ["", ".", "bin", ":/usr/bin"], ids=ascii)
def test_no_uv_is_looked_for_in_the_current_folder(tmp_path: Path, path: str) -> None:
    repo, hostile = bare_repository(tmp_path / "repo"), tmp_path / "hostile"
    for name in ("uv", "bin/uv"):
        write(hostile, name, f"#!/bin/sh\necho > {tmp_path / 'ran'}\n").chmod(0o755)
    done = run_kernel(repo, "boot", env={**offline(tmp_path), "PATH": path}, cwd=hostile)
    told(done, 1)
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("umask", ["000", "002", "077"])
def test_what_the_kernel_keeps_itself_can_be_used_again_under_any_umask(
    tmp_path: Path, own: dict[str, str], umask: str
) -> None:
    repo = repository(tmp_path / "repo", dependencies=["alpha"])
    kernel = [str(without_tomllib(tmp_path)), str(repo / "proto_kernel.py")]
    for words in (["boot"], ["--offline", "reboot"], ["--offline", "config"]):
        script = f'umask {umask}; exec "$@"'
        done = run(["sh", "-c", script, "sh", *kernel, *words], env=own, cwd=repo)
        assert done.returncode == 0, describe(done)
    (code,) = (tmp_path / "groundup/cache/code").iterdir()
    assert (code.stat().st_mode & 0o022, code.parent.stat().st_mode & 0o022) == (0, 0)
    assert proto_kernel.is_trusted(str(code))


# ── secrets ──────────────────────────────────────────────────────────────────────────────────────────

ADDRESSES = [
    f"http://127.0.0.1:9/simple/?token={SECRET}",
    f"http://127.0.0.1:9/simple/?a=1&X-Amz-Signature={SECRET}",
    f"http://127.0.0.1:9/{{}}?sig={SECRET}#end",
    f"http://me:{SECRET}@127.0.0.1:9/simple/",
]


@pytest.mark.parametrize(
    ("name", "address"),
    [
        *(("UV_DEFAULT_INDEX", address) for address in ADDRESSES),
        ("UV_INDEX_URL", ADDRESSES[0]),
        ("PIP_INDEX_URL", ADDRESSES[0]),
        ("HTTP_PROXY", ADDRESSES[3]),
    ],
)
def test_a_secret_in_an_address_is_in_no_message(
    tmp_path: Path, env: dict[str, str], name: str, address: str
) -> None:
    repo = repository(tmp_path / "repo", dependencies=["alpha"])
    index = "http://index.invalid/simple/" if name == "HTTP_PROXY" else None
    given = without(env, "UV_DEFAULT_INDEX", "NO_PROXY", "no_proxy")
    given |= {"UV_HTTP_RETRIES": "0", **({"UV_DEFAULT_INDEX": index} if index else {}), name: address}
    done = run_kernel(repo, "-vv", "boot", env=given, timeout=60)
    assert done.returncode != 0
    assert SECRET not in done.stdout + done.stderr, describe(done)


def without(env: dict[str, str], *names: str) -> dict[str, str]:
    """Return variables without those called `names`."""
    return {name: value for name, value in env.items() if name not in names}


def test_secrets_in_a_list_of_addresses_are_in_no_message(tmp_path: Path, env: dict[str, str]) -> None:
    repo = repository(tmp_path / "repo", dependencies=["alpha"])
    listed = f"http://me:{SECRET}/1@127.0.0.1:9/a/ http://me:{SECRET}2@127.0.0.1:9/b/"
    given = {
        **env,
        "UV_HTTP_RETRIES": "0",
        "PIP_EXTRA_INDEX_URL": listed,
        "UV_EXTRA_INDEX_URL": listed,
        "UV_INDEX": listed,
    }
    done = run_kernel(repo, "-vv", "boot", env=given, timeout=60)
    assert SECRET not in done.stdout + done.stderr, describe(done)


@pytest.mark.parametrize(
    "word",
    [
        f"db_password={SECRET}",
        f"DB_PASSWORD={SECRET}",
        f"Api_Key={SECRET}",
        f"http://host/x?token={SECRET}",
        f"--token={SECRET}",
    ],
)
def test_secrets_in_the_configuration_are_not_shown(tmp_path: Path, ready: Ready, word: str) -> None:
    repo = bare_repository(tmp_path / "repo", f'projects = []\ncommands.x = ["env", "{word}"]\n')
    for words in (["config"], ["config", "--json"], ["config", "--explain"]):
        done = run_kernel(repo, *words, env=ready.env, check=True)
        assert SECRET not in done.stdout, describe(done)
        assert "***" in done.stdout


@pytest.mark.parametrize("name", ["password", "API_KEY", "deep.token", "db-secret"])
def test_a_value_with_the_name_of_a_secret_is_not_shown(tmp_path: Path, ready: Ready, name: str) -> None:
    repo = bare_repository(tmp_path / "repo", f'projects = []\nneo.{name} = "{SECRET}"\n')
    for words in (["config"], ["config", "--json"], ["config", "--json", "--explain"]):
        done = run_kernel(repo, *words, env=ready.env, check=True)
        assert SECRET not in done.stdout, describe(done)
        assert "***" in done.stdout


def test_a_long_rule_is_masked_in_no_time() -> None:
    rule = "-" * 200_000
    assert proto_kernel.mask(rule) == rule
    assert proto_kernel.mask(f"{rule} --token abc") == f"{rule} --token ***"

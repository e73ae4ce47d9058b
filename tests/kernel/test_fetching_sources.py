"""Where uv comes from: the cache, PATH, addresses in variables and files, pins, pip's own default."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from groundup import proto_kernel
from tests.kernel.fetching import cached, fresh_user, real_wheels, unpacked
from tests.support.errors import told
from tests.support.index import IndexServer
from tests.support.interpreters import stripped
from tests.support.process import describe, interpreters, run, run_kernel
from tests.support.repositories import bare_repository, write
from tests.support.requirements import require
from tests.support.wheels import repacked_uv, sha256, tomli_wheel, uv_wheel

PLATFORM = proto_kernel.platform_key()


@pytest.fixture
def server() -> Iterator[IndexServer]:
    """The index that is meant."""
    with IndexServer(real_wheels()) as server:
        yield server


@pytest.fixture
def other() -> Iterator[IndexServer]:
    """An index that nobody should ask."""
    with IndexServer(real_wheels()) as server:
        yield server


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    return bare_repository(tmp_path / "repo")


def pip_conf(file: Path, address: str) -> Path:
    """Write a pip configuration that names an index."""
    return write(file.parent, file.name, f"[global]\nindex-url = {address}\n")


def pin(repo: Path, address: str, *, digest: str = "", version: str = proto_kernel.UV_VERSION) -> Path:
    """Write a pins file with one line, for uv."""
    line = f"uv {version} {PLATFORM} {digest or sha256(uv_wheel())} {address}\n"
    return write(repo, "proto_kernel.pins", f"# what the kernel may fetch\n\n{line}")


def pin_tomli(pins: Path, base: str) -> None:
    """Add a line for tomli to a pins file."""
    wheel = tomli_wheel()
    line = f"tomli {proto_kernel.TOMLI_VERSION} any {sha256(wheel)} {base}/files/{wheel.name}\n"
    pins.write_text(pins.read_text() + line)


ORDER = ["UV_DEFAULT_INDEX", "UV_INDEX_URL", "PIP_INDEX_URL"]


@pytest.mark.parametrize("position", range(len(ORDER)))
def test_the_first_variable_that_is_set_names_the_index(
    tmp_path: Path, repo: Path, server: IndexServer, other: IndexServer, position: int
) -> None:
    addresses: dict[str, str | None] = dict.fromkeys(ORDER[position + 1 :], other.url)
    addresses[ORDER[position]] = server.url
    pip_conf(tmp_path / "pip.conf", other.url)
    env = fresh_user(tmp_path, PIP_CONFIG_FILE=str(tmp_path / "pip.conf"), **addresses)
    run_kernel(repo, "boot", env=env, check=True)
    assert server.downloads("uv") == 1
    assert other.requests == []


def test_a_variable_that_is_empty_counts_as_not_set(tmp_path: Path, repo: Path, server: IndexServer) -> None:
    env = fresh_user(tmp_path, UV_DEFAULT_INDEX="", UV_INDEX_URL="  ", PIP_INDEX_URL=server.url)
    run_kernel(repo, "boot", env=env, check=True)
    assert server.downloads("uv") == 1


def test_an_index_may_have_a_name_as_uv_allows(tmp_path: Path, repo: Path, server: IndexServer) -> None:
    env = fresh_user(tmp_path, UV_DEFAULT_INDEX=f"corporate={server.url}")
    run_kernel(repo, "boot", env=env, check=True)
    assert server.downloads("uv") == 1


@pytest.mark.parametrize(
    ("file", "variables"),
    [
        ("home/.config/pip/pip.conf", {}),
        ("home/.pip/pip.conf", {}),
        ("xdg/pip/pip.conf", {"XDG_CONFIG_HOME": "xdg"}),
        ("mine.conf", {"PIP_CONFIG_FILE": "mine.conf"}),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_pips_configuration_files_name_the_index(
    tmp_path: Path, repo: Path, server: IndexServer, file: str, variables: dict[str, str]
) -> None:
    pip_conf(tmp_path / file, server.url)
    places = {name: str(tmp_path / value) for name, value in variables.items()}
    env = fresh_user(tmp_path, **{"PIP_CONFIG_FILE": None, **places})
    run_kernel(repo, "boot", env=env, check=True)
    assert server.downloads("uv") == 1


def test_percent_signs_in_pips_configuration_are_taken_as_they_are(tmp_path: Path, repo: Path) -> None:
    with IndexServer(real_wheels(), user="me", password="a%b@c") as guarded:
        pip_conf(tmp_path / "pip.conf", guarded.url_with_credentials)
        env = fresh_user(tmp_path, PIP_CONFIG_FILE=str(tmp_path / "pip.conf"))
        done = run_kernel(repo, "-vv", "boot", env=env, check=True)
        assert guarded.downloads("uv") == 1
    assert "a%25b" not in done.stderr


@pytest.mark.parametrize("password", ["zq8zq9", "zq8 zq9", "zq8/zq9", "zq8#zq9", "zq8?zq9"])
def test_a_password_in_pips_configuration_is_never_shown(tmp_path: Path, repo: Path, password: str) -> None:
    pip_conf(tmp_path / "pip.conf", f"http://me:{password}@127.0.0.1:9/simple/")
    env = fresh_user(tmp_path, PIP_CONFIG_FILE=str(tmp_path / "pip.conf"))
    done = run_kernel(repo, "-vv", "boot", env=env)
    assert done.returncode == 1 and str(tmp_path / "pip.conf") in done.stderr
    assert "zq8" not in done.stderr and "zq9" not in done.stderr


def test_a_configuration_of_pip_that_cannot_be_read_is_passed_over(
    tmp_path: Path, repo: Path, server: IndexServer
) -> None:
    write(tmp_path, "broken.conf", "index-url = no section\n[[")
    pin(repo, f"{server.base}/files/{uv_wheel().name}")
    env = fresh_user(tmp_path, PIP_CONFIG_FILE=str(tmp_path / "broken.conf"))
    run_kernel(repo, "boot", env=env, check=True)


def test_an_error_names_the_file_that_named_the_index(tmp_path: Path, repo: Path) -> None:
    conf = pip_conf(tmp_path / "pip.conf", "http://127.0.0.1:9/simple/")
    error, _ = told(run_kernel(repo, "boot", env=fresh_user(tmp_path, PIP_CONFIG_FILE=str(conf))), 1)
    assert str(conf) in error


def test_a_pin_with_an_address_needs_no_index(tmp_path: Path, repo: Path, server: IndexServer) -> None:
    pin(repo, f"{server.base}/files/{uv_wheel().name}")
    run_kernel(repo, "boot", env=fresh_user(tmp_path), check=True)
    assert server.counts == {f"/files/{uv_wheel().name}": 1}


def test_a_configured_index_comes_before_a_pin(
    tmp_path: Path, repo: Path, server: IndexServer, other: IndexServer
) -> None:
    pin(repo, f"{other.base}/files/{uv_wheel().name}")
    run_kernel(repo, "boot", env=fresh_user(tmp_path, UV_DEFAULT_INDEX=server.url), check=True)
    assert other.requests == []


def test_when_the_index_fails_the_address_of_the_pin_is_used(
    tmp_path: Path, repo: Path, server: IndexServer
) -> None:
    (tmp_path / "empty").mkdir()
    pin(repo, f"{server.base}/files/{uv_wheel().name}")
    with IndexServer(tmp_path / "empty") as empty:
        run_kernel(repo, "boot", env=fresh_user(tmp_path, UV_DEFAULT_INDEX=empty.url), check=True)
        assert empty.counts.total() == 1
    assert server.downloads("uv") == 1


def test_a_pin_without_an_address_takes_the_file_from_the_index(
    tmp_path: Path, repo: Path, server: IndexServer
) -> None:
    pin(repo, "-")
    run_kernel(repo, "boot", env=fresh_user(tmp_path, UV_DEFAULT_INDEX=server.url), check=True)
    assert server.downloads("uv") == 1


def test_the_hash_of_a_pin_decides(tmp_path: Path, repo: Path, server: IndexServer) -> None:
    pin(repo, f"{server.base}/files/{uv_wheel().name}", digest="0" * 64)
    error, _ = told(run_kernel(repo, "boot", env=fresh_user(tmp_path)), 1)
    assert str(repo / "proto_kernel.pins") in error
    assert "0" * 64 in error and sha256(uv_wheel()) in error
    assert cached(tmp_path) == []


@pytest.mark.parametrize(
    "line",
    [
        "uv",
        "uv 0.13.8 linux-x86_64 abc -",
        f"uv 0.13.8 linux-x86_64 {'x' * 64} -",
        f"uv 0.13.8 linux-x86_64 {'0' * 64} - more",
    ],
)
def test_a_line_that_is_no_pin_is_named(tmp_path: Path, repo: Path, line: str) -> None:
    write(repo, "proto_kernel.pins", f"# comment\n{line}\n")
    error, hint = told(run_kernel(repo, "boot", env=fresh_user(tmp_path)), 2)
    assert f"{repo / 'proto_kernel.pins'}:2" in error
    assert "sha256" in hint


def test_another_version_of_uv_is_fetched_when_its_hash_is_pinned(tmp_path: Path, repo: Path) -> None:
    wheel = repacked_uv(tmp_path / "served", "0.13.99")
    pin(repo, "-", version="0.13.99", digest=sha256(wheel))
    write(repo, "groundup.toml", 'projects = []\nuv = { version = "0.13.99" }\n')
    with IndexServer(tmp_path / "served") as server:
        env = fresh_user(tmp_path, UV_DEFAULT_INDEX=server.url)
        run_kernel(repo, "boot", env=env, check=True)
        write(repo, "groundup.toml", 'projects = []\nuv = { version = "0.13.99" }\n# changed\n')
        run_kernel(repo, "boot", env=env, check=True)
        assert server.downloads("uv") == 1


def test_another_version_of_uv_without_a_pin_is_an_error(
    tmp_path: Path, repo: Path, server: IndexServer
) -> None:
    write(repo, "groundup.toml", 'projects = []\nuv = { version = "0.13.99" }\n')
    error, hint = told(run_kernel(repo, "boot", env=fresh_user(tmp_path, UV_DEFAULT_INDEX=server.url)), 2)
    assert "0.13.99" in error and PLATFORM in error
    assert "proto_kernel.pins" in hint


@pytest.fixture(scope="session")
def uv_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the real uv, as it may stand on PATH."""
    folder = tmp_path_factory.mktemp("with uv")
    with IndexServer(real_wheels()) as server:
        env = fresh_user(folder, UV_DEFAULT_INDEX=server.url)
        run_kernel(bare_repository(folder / "repo"), "boot", env=env, check=True)
    (uv,) = (path for path in cached(folder) if path.name == "uv")
    (folder / "bin").mkdir()
    shutil.copy(uv, folder / "bin/uv")
    return folder / "bin"


def test_a_uv_on_path_that_is_new_enough_is_used(
    tmp_path: Path, repo: Path, server: IndexServer, uv_folder: Path
) -> None:
    env = fresh_user(tmp_path, UV_DEFAULT_INDEX=server.url, PATH=f"{uv_folder}:/usr/bin:/bin")
    run_kernel(repo, "boot", env=env, check=True)
    assert server.requests == []
    assert unpacked(tmp_path) == []


@pytest.mark.parametrize(("minimum", "downloads"), [("0.1", 0), ("0.13.8", 0), ("0.13.100", 1), ("1.0", 1)])
def test_a_uv_on_path_must_reach_the_configured_minimum(
    tmp_path: Path, server: IndexServer, uv_folder: Path, minimum: str, downloads: int
) -> None:
    repo = bare_repository(tmp_path / "repo", f'projects = []\nuv.min_version = "{minimum}"\n')
    env = fresh_user(tmp_path, UV_DEFAULT_INDEX=server.url, PATH=f"{uv_folder}:/usr/bin:/bin")
    run_kernel(repo, "boot", env=env, check=True)
    assert server.downloads("uv") == downloads


def test_a_uv_on_path_that_does_not_run_is_passed_over(
    tmp_path: Path, repo: Path, server: IndexServer
) -> None:
    write(tmp_path, "bin/uv", "#!/bin/sh\nexit 3\n").chmod(0o755)
    env = fresh_user(tmp_path, UV_DEFAULT_INDEX=server.url, PATH=f"{tmp_path / 'bin'}:/usr/bin:/bin")
    run_kernel(repo, "boot", env=env, check=True)
    assert server.downloads("uv") == 1


def test_a_uv_on_path_reads_nothing_that_is_meant_for_the_command(
    tmp_path: Path, repo: Path, uv_folder: Path
) -> None:
    write(tmp_path, "bin/uv", f'#!/bin/sh\ncat > /dev/null\nexec "{uv_folder}/uv" "$@"\n').chmod(0o755)
    env = fresh_user(tmp_path, GROUNDUP_OFFLINE="1", PATH=f"{tmp_path / 'bin'}:/usr/bin:/bin")
    done = run_kernel(repo, "run", "cat", env=env, stdin="all of it\n")
    assert done.stdout == "all of it\n", describe(done)


# ── interpreters without pip, venv and ensurepip ─────────────────────────────────────────────────────


@pytest.fixture(scope="session", params=["3.6", "3.8", "3.11", "3.13"])
def poor_python(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An interpreter that was robbed of pip, venv and ensurepip."""
    found = interpreters()
    require(request.param in found, f"CPython {request.param}")
    return stripped(found[request.param], tmp_path_factory.mktemp("poor"))


def test_the_poor_interpreter_is_one(poor_python: Path, tmp_path: Path) -> None:
    for module in ("pip", "venv", "ensurepip"):
        done = run([str(poor_python), "-c", f"import {module}"], env={}, cwd=tmp_path)
        assert done.returncode == 1, f"{module} is there"


def test_an_interpreter_without_pip_boots_given_an_index(
    tmp_path: Path, repo: Path, server: IndexServer, poor_python: Path
) -> None:
    env = fresh_user(tmp_path, UV_DEFAULT_INDEX=server.url)
    done = run_kernel(repo, "run", "--", "python", "-c", "print(42)", python=poor_python, env=env, check=True)
    assert done.stdout == "42\n"
    newer = poor_python.parents[1].glob("lib/python3.1[1-9]")
    assert server.downloads("tomli") == (0 if any(newer) else 1)


def test_an_interpreter_without_pip_boots_given_pins(
    tmp_path: Path, repo: Path, server: IndexServer, poor_python: Path
) -> None:
    pin_tomli(pin(repo, f"{server.base}/files/{uv_wheel().name}"), server.base)
    run_kernel(repo, "boot", python=poor_python, env=fresh_user(tmp_path), check=True)
    assert all(path.startswith("/files/") for path in server.counts)


def test_when_every_source_fails_the_error_lists_each_and_why(tmp_path: Path, repo: Path) -> None:
    dead = "http://127.0.0.1:9"
    pins = pin(repo, f"{dead}/files/{uv_wheel().name}")
    env = fresh_user(tmp_path, HTTPS_PROXY=dead)
    error, hint = told(run_kernel(repo, "boot", env=env), 1)
    assert str(pins) in error and dead in error
    assert "pip" in error
    assert "UV_DEFAULT_INDEX" in hint and str(pins) in hint


def test_without_pip_in_site_packages_the_bundled_one_names_the_index(tmp_path: Path) -> None:
    """Only the address is looked at: which host that is, is the business of the interpreter."""
    (python, *_) = interpreters().values()
    script = "import proto_kernel; print(proto_kernel.default_index())"
    bare_repository(tmp_path)
    done = run([str(python), "-S", "-c", script], env={"PYTHONPATH": str(tmp_path)}, cwd=tmp_path, check=True)
    assert done.stdout.startswith("https://") and done.stdout.endswith("/simple\n")

"""Dependencies come from the same index as uv, with its credentials, certificates and proxy."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme

from tests.kernel.fetching import MACHINES_OWN
from tests.support.errors import files_that_hold, told
from tests.support.index import Faults, IndexServer
from tests.support.process import clean_env, describe, run_kernel
from tests.support.proxy import ForwardProxy
from tests.support.repositories import repository
from tests.support.trees import facts
from tests.support.wheels import build_wheel, sha256

SHOW = ("run", "--", "python", "-c", "import alpha; print(alpha.VERSION)")
SECRET = "zq8zq9"


@pytest.fixture
def wheels(tmp_path: Path) -> Path:
    """A folder with one version of `alpha`."""
    build_wheel(tmp_path / "wheels", "alpha", "1.0")
    return tmp_path / "wheels"


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    return repository(tmp_path / "repo", dependencies=["alpha"])


@pytest.fixture
def guarded(wheels: Path) -> Iterator[IndexServer]:
    with IndexServer(wheels, user="me", password=SECRET) as server:
        yield server


@pytest.fixture
def user(tmp_path: Path, fetched: None) -> dict[str, str | None]:
    """Variables of a user for whom uv is there, but nothing that uv would fetch."""
    return {**dict.fromkeys(MACHINES_OWN), "UV_CACHE_DIR": str(tmp_path / "uv"), "UV_HTTP_RETRIES": "0"}


@pytest.mark.parametrize("variable", ["UV_DEFAULT_INDEX", "UV_INDEX_URL", "PIP_INDEX_URL"])
def test_the_index_with_credentials_serves_dependencies_and_they_are_kept_nowhere(
    tmp_path: Path, repo: Path, guarded: IndexServer, user: dict[str, str | None], variable: str
) -> None:
    env = clean_env(tmp_path / "home", **user | {variable: guarded.url_with_credentials})
    done = run_kernel(repo, "-vv", *SHOW, env=env, check=True)
    assert done.stdout == "1.0\n"
    assert SECRET not in done.stderr
    assert files_that_hold(SECRET, repo, tmp_path / "home") == []
    assert str(guarded.port) not in (repo / "requirements.lock").read_text(), "a lock names no address"


def test_pips_configuration_file_names_the_index_of_dependencies_too(
    tmp_path: Path, repo: Path, guarded: IndexServer, user: dict[str, str | None]
) -> None:
    (tmp_path / "pip.conf").write_text(f"[global]\nindex-url = {guarded.url_with_credentials}\n")
    env = clean_env(tmp_path / "home", **user | {"PIP_CONFIG_FILE": str(tmp_path / "pip.conf")})
    run_kernel(repo, "boot", env=env, check=True)
    assert guarded.downloads("alpha") >= 1


def test_refused_credentials_are_an_error_that_does_not_show_them(
    tmp_path: Path, repo: Path, guarded: IndexServer, user: dict[str, str | None]
) -> None:
    address = guarded.url_with_credentials.replace(SECRET, "wrong7wrong")
    before = facts(repo)
    done = run_kernel(repo, "boot", env=clean_env(tmp_path / "home", **user | {"UV_DEFAULT_INDEX": address}))
    _, hint = told(done, 1)
    assert "wrong7wrong" not in done.stderr
    assert "credentials" in hint
    assert_no_environment(repo, before)


def assert_no_environment(repo: Path, before: dict[str, tuple[int, ...]]) -> None:
    """Nothing but the kernel's own folder and an empty lock file may have appeared."""
    new = {Path(path).relative_to(repo).parts[0] for path in facts(repo).keys() - before.keys()}
    assert new <= {".groundup", ".venv.lock"}
    assert (repo / ".venv.lock").read_bytes() == b""


def test_an_index_that_cannot_be_reached_is_an_error_and_a_rerun_continues(
    tmp_path: Path, repo: Path, guarded: IndexServer, user: dict[str, str | None]
) -> None:
    before = facts(repo)
    dead = clean_env(tmp_path / "home", **user | {"UV_DEFAULT_INDEX": "http://127.0.0.1:9/simple/"})
    done = run_kernel(repo, "boot", env=dead)
    _, hint = told(done, 1)
    assert done.stderr.count("127.0.0.1:9") == 2, "what uv says is said once"
    assert "UV_DEFAULT_INDEX" in hint
    assert_no_environment(repo, before)
    alive = clean_env(tmp_path / "home", **user | {"UV_DEFAULT_INDEX": guarded.url_with_credentials})
    assert run_kernel(repo, *SHOW, env=alive, check=True).stdout == "1.0\n"


def test_a_requirement_that_nothing_satisfies_is_an_error(
    tmp_path: Path, guarded: IndexServer, user: dict[str, str | None]
) -> None:
    repo = repository(tmp_path / "repo", dependencies=["alpha>=7"])
    env = clean_env(tmp_path / "home", **user | {"UV_DEFAULT_INDEX": guarded.url_with_credentials})
    done = run_kernel(repo, "boot", env=env)
    told(done, 1)
    assert "alpha>=7" in done.stderr


def test_a_file_that_is_not_what_the_lock_says_is_refused_and_named(
    tmp_path: Path, repo: Path, wheels: Path, user: dict[str, str | None]
) -> None:
    with IndexServer(wheels) as server:
        env = clean_env(tmp_path / "home", **user | {"UV_DEFAULT_INDEX": server.url})
        run_kernel(repo, "lock", env=env, check=True)
        before, wanted = facts(repo), sha256(wheels / "alpha-1.0-py3-none-any.whl")
        build_wheel(wheels, "alpha", "1.0", modules={"alpha.py": "VERSION = 'changed'\n"})
        env["UV_CACHE_DIR"] = str(tmp_path / "another cache")
        done = run_kernel(repo, "boot", env=env)
    _, hint = told(done, 1)
    assert "alpha" in done.stderr and wanted in done.stderr
    assert "pinned" in hint
    assert_no_environment(repo, before)


def test_a_private_authority_is_trusted_for_dependencies_too(
    tmp_path: Path, repo: Path, wheels: Path, user: dict[str, str | None]
) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    with IndexServer(wheels, authority=authority, host="localhost") as server:
        variables = user | {"UV_DEFAULT_INDEX": server.url}
        done = run_kernel(repo, "boot", env=clean_env(tmp_path / "home", **variables))
        assert "SSL_CERT_FILE" in told(done, 1).hint
        variables["REQUESTS_CA_BUNDLE"] = str(tmp_path / "ca.pem")
        run_kernel(repo, "boot", env=clean_env(tmp_path / "home", **variables), check=True)


def test_dependencies_come_through_the_proxy(
    tmp_path: Path, repo: Path, wheels: Path, user: dict[str, str | None]
) -> None:
    with IndexServer(wheels) as server, ForwardProxy(routes={"index.invalid": server.port}) as proxy:
        address = "http://index.invalid/simple/"
        variables = user | {"UV_DEFAULT_INDEX": address, "HTTP_PROXY": proxy.url}
        run_kernel(repo, "boot", env=clean_env(tmp_path / "home", **variables), check=True)
        assert any("alpha" in passed for passed in proxy.passed)


def test_a_fault_that_passes_is_waited_for(
    tmp_path: Path, repo: Path, wheels: Path, user: dict[str, str | None]
) -> None:
    with IndexServer(wheels) as server:
        server.pages = Faults(times=2, status=500)
        variables = user | {"UV_DEFAULT_INDEX": server.url, "UV_HTTP_RETRIES": None}
        run_kernel(repo, "boot", env=clean_env(tmp_path / "home", **variables), check=True)


def test_offline_names_the_package_that_is_missing(
    tmp_path: Path, repo: Path, guarded: IndexServer, user: dict[str, str | None]
) -> None:
    env = clean_env(tmp_path / "home", **user | {"UV_DEFAULT_INDEX": guarded.url_with_credentials})
    done = run_kernel(repo, "--offline", "boot", env=env)
    assert "--offline" in told(done, 1).hint
    assert "alpha" in done.stderr, describe(done)
    assert guarded.requests == []


@pytest.mark.parametrize("user_part", ["uv", "boot:a"])
def test_what_is_masked_is_the_credentials_and_nothing_else(
    tmp_path: Path, repo: Path, user: dict[str, str | None], user_part: str
) -> None:
    address = f"http://{user_part}@127.0.0.1:9/simple/"
    variables = user | {"UV_DEFAULT_INDEX": address, "GROUNDUP_HOME": str(tmp_path / "empty")}
    done = run_kernel(repo, "boot", env=clean_env(tmp_path / "home", **variables))
    error, hint = told(done, 1)
    assert f"{user_part}@" not in done.stderr
    assert "cannot fetch uv" in error and "UV_DEFAULT_INDEX" in hint

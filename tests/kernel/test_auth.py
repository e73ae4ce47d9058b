"""`auth`: a keyring in a small venv of its own, with which uv gets at a private index."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.environments import installed
from tests.support.errors import files_that_hold, told
from tests.support.index import IndexServer
from tests.support.process import describe, run_kernel
from tests.support.repositories import repository, write
from tests.support.wheels import build_wheel

USER, PASSWORD = "reader", "s3cret-of-the-vault"
COMMAND = ["run", "--", "python", "-IB", "-c", "import beta, demo; print(demo.VERSION)"]

# Answers `keyring get SERVICE USER` with what stands in the file that the user's settings name.
VAULT = """
import os, sys

def main():
    asked = open(os.environ["VAULT_LOG"], "a")
    asked.write(" ".join(sys.argv[1:]) + "\\n")
    if sys.argv[1:2] != ["get"] or sys.argv[-1] != "reader":
        sys.exit(1)
    print(open(os.environ["VAULT_FILE"]).read().strip())
"""


@pytest.fixture
def guarded(tmp_path: Path) -> Iterator[IndexServer]:
    """An index with `alpha` and `beta` behind basic auth."""
    for name, requires in (("alpha", []), ("beta", ["alpha"])):
        build_wheel(tmp_path / "wheels", name, requires=requires)
    with IndexServer(tmp_path / "wheels", user=USER, password=PASSWORD) as server:
        yield server


@pytest.fixture
def user(tmp_path: Path, env: dict[str, str], guarded: IndexServer) -> dict[str, str]:
    """A user whose index address holds the name alone, and whose password is in a vault."""
    write(tmp_path, "vault/password", f"{PASSWORD}\n")
    return {
        **env,
        "UV_DEFAULT_INDEX": guarded.url.replace("://", f"://{USER}@"),
        "UV_CACHE_DIR": str(tmp_path / "cache"),
        "VAULT_FILE": str(tmp_path / "vault/password"),
        "VAULT_LOG": str(tmp_path / "vault/asked"),
    }


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    """A repository that asks for the vault, a distribution with an executable `keyring`."""
    wheel = build_wheel(
        tmp_path / "vault", "vault", modules={"vault.py": VAULT}, scripts={"keyring": "vault:main"}
    )
    configuration = f'auth = ["vault @ {wheel.as_uri()}"]\n'
    return repository(tmp_path / "repo", configuration=configuration, dependencies=["beta"])


def test_the_keyring_of_the_auth_group_opens_the_index(
    tmp_path: Path, repo: Path, user: dict[str, str]
) -> None:
    done = run_kernel(repo, *COMMAND, env=user)
    assert (done.returncode, done.stdout) == (0, "0.1.0\n"), describe(done)
    assert "get " in (tmp_path / "vault/asked").read_text()


def test_without_the_auth_group_the_index_stays_closed(repo: Path, user: dict[str, str]) -> None:
    (repo / "groundup.toml").unlink()
    done = run_kernel(repo, *COMMAND, env=user)
    assert done.returncode == 1, describe(done)
    assert "401" in done.stderr
    assert "auth" in done.stderr.splitlines()[-1]


def test_the_keyring_is_not_part_of_the_environment(repo: Path, user: dict[str, str]) -> None:
    run_kernel(repo, "boot", env=user, check=True)
    assert installed(repo) == {"demo": "0.1.0", "alpha": "1.0", "beta": "1.0"}
    assert run_kernel(repo, "run", "sh", "-c", "command -v keyring", env=user).returncode != 0


@pytest.mark.parametrize("option", ["-q", "-vv"])
def test_the_password_stands_nowhere(tmp_path: Path, repo: Path, user: dict[str, str], option: str) -> None:
    done = run_kernel(repo, option, *COMMAND, env=user, check=True)
    assert PASSWORD not in done.stdout + done.stderr
    assert not files_that_hold(PASSWORD, repo, Path(user["HOME"]), Path(user["GROUNDUP_HOME"]))


def test_a_keyring_is_asked_by_reboot_and_not_by_warm_runs(
    tmp_path: Path, repo: Path, user: dict[str, str]
) -> None:
    run_kernel(repo, "boot", env=user, check=True)
    asked = (tmp_path / "vault/asked").read_text()
    run_kernel(repo, *COMMAND, env=user, check=True)
    assert (tmp_path / "vault/asked").read_text() == asked
    run_kernel(repo, "reboot", env={**user, "UV_CACHE_DIR": str(tmp_path / "other")}, check=True)
    assert len((tmp_path / "vault/asked").read_text()) > len(asked)


def test_a_changed_auth_group_is_installed_anew(tmp_path: Path, repo: Path, user: dict[str, str]) -> None:
    wheel = build_wheel(
        tmp_path / "vault", "vault", "2.0", modules={"vault.py": VAULT}, scripts={"keyring": "vault:main"}
    )
    run_kernel(repo, "boot", env=user, check=True)
    write(repo, "groundup.toml", f'auth = ["vault @ {wheel.as_uri()}"]\n')
    run_kernel(repo, "reboot", env=user, check=True)
    assert list(repo.rglob("vault-2.0.dist-info"))
    assert not list(repo.rglob("vault-1.0.dist-info"))


def test_an_auth_group_that_cannot_be_installed_is_one_clear_error(repo: Path, user: dict[str, str]) -> None:
    write(repo, "groundup.toml", 'auth = ["vault @ file:///nowhere/vault-1.0-py3-none-any.whl"]\n')
    error, _ = told(run_kernel(repo, "-q", *COMMAND, env=user), 1)
    assert "auth" in error

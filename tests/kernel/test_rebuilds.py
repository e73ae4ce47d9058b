"""After a change: what it concerns is built again, and nothing else."""

from __future__ import annotations

import os
import re
import shutil
import socket
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.background import start_kernel
from tests.support.environments import ask, installed, origin
from tests.support.process import describe, interpreters, run_kernel
from tests.support.repositories import copy_kernel, monorepo, repository, write, write_project
from tests.support.requirements import require
from tests.support.trees import facts, wait_until_settled, walk
from tests.support.uv import WatchedUv, watched_uv

CONFIGURATION = 'commands.hello = ["echo", "hello"]\n'
TOOL = {"uv.lock": {"uv": {"workspace": {"members": ["packages/*"]}}}, "requirements.lock": None}
VERSION = "import sys; print('%d.%d' % sys.version_info[:2])"


@dataclass(frozen=True)
class Client:
    """A repository with its user and a uv whose calls are counted."""

    repo: Path
    env: dict[str, str]
    uv: WatchedUv
    kind: str = "requirements.lock"

    def declare(self, *dependencies: str, python: str = ">=3.11") -> None:
        """Write the project anew, with these dependencies."""
        write_project(self.repo, dependencies=dependencies, python=python, tool=TOOL[self.kind])

    def run(self, *command: str) -> str:
        """Run a command of the kernel; return its stdout."""
        return run_kernel(self.repo, *command, env=self.env, check=True).stdout

    def inode(self) -> int:
        """Return what changes when the environment is made anew instead of changed."""
        return (self.repo / ".venv/pyvenv.cfg").stat().st_ino

    def package(self, name: str) -> dict[str, tuple[int, ...]]:
        """Return what changes when a package is installed anew."""
        (file,) = (self.repo / ".venv").glob(f"lib/*/site-packages/{name}.py")
        return facts(file)


def make(folder: Path, kind: str) -> Path:
    """Make a repository without a lock yet, which is going to have one of this kind."""
    return repository(folder, configuration=CONFIGURATION, dependencies=["beta"], tool=TOOL[kind])


@pytest.fixture(params=["requirements.lock", "uv.lock"])
def client(request: pytest.FixtureRequest, tmp_path: Path, env: dict[str, str], fetched: None) -> Client:
    """A repository with an environment of `beta` and `alpha`, for each kind of lock."""
    kind: str = request.param
    repo = make(tmp_path / "repo", kind)
    uv = watched_uv(tmp_path / "uv")
    client = Client(repo, uv.env(env), uv, kind)
    client.run("boot")
    return client


def test_a_dependency_that_was_added_comes_and_the_others_stay(client: Client) -> None:
    inode, beta = client.inode(), client.package("beta")
    client.declare("beta", "gamma")
    client.run("run", "python", "-c", "import gamma")
    assert (client.inode(), client.package("beta")) == (inode, beta)


def test_a_dependency_that_was_removed_leaves(client: Client) -> None:
    client.declare("gamma")
    client.run("run", "true")
    assert installed(client.repo) == {"demo": "0.1.0", "gamma": "1.0"}


def test_what_a_person_installed_by_hand_leaves_with_the_next_change(client: Client) -> None:
    site = next((client.repo / ".venv").glob("lib/*/site-packages"))
    write(site, "stray.py", "")
    write(site, "stray-1.dist-info/METADATA", "Metadata-Version: 2.1\nName: stray\nVersion: 1\n")
    write(site, "stray-1.dist-info/RECORD", "stray.py,,\nstray-1.dist-info/METADATA,,\n")
    client.declare("beta", "gamma")
    client.run("run", "true")
    assert "stray" not in installed(client.repo)


def test_a_lock_changed_by_hand_is_followed(client: Client) -> None:
    lock = client.repo / client.kind
    client.declare("beta", "alpha<1.1")
    client.run("run", "true")
    older = lock.read_text()
    client.declare("beta", "alpha")
    client.run("reboot")
    assert installed(client.repo)["alpha"] == "1.1"
    client.declare("beta", "alpha<1.1")
    lock.write_text(older)
    inode = client.inode()
    client.run("--locked", "run", "true")
    assert installed(client.repo)["alpha"] == "1.0"
    assert client.inode() == inode


def test_a_lock_that_was_removed_is_written_again(client: Client) -> None:
    (client.repo / client.kind).unlink()
    client.run("run", "true")
    assert (client.repo / client.kind).exists()


@pytest.mark.parametrize("way", ["python", ".python-version", "requires-python"])
def test_another_python_makes_the_environment_anew(client: Client, way: str) -> None:
    now = ask(client.repo, VERSION).stdout.strip()
    other = next((v for v in ("3.13", "3.12", "3.11") if v in interpreters() and v != now), "")
    require(other, "two interpreters from 3.11 on")
    if way == "python":
        write(client.repo, "groundup.toml", f'python = "{other}"\n')
    elif way == ".python-version":
        write(client.repo, ".python-version", f"{other}\n")
    else:
        client.declare("beta", python=f"=={other}.*")
    assert client.run("run", "python", "-IB", "-c", f"import beta, demo; {VERSION}") == f"{other}\n"
    assert client.run("run", "python", "-IB", "-c", VERSION) == f"{other}\n"


def test_a_command_that_was_changed_installs_nothing(client: Client) -> None:
    inode, beta = client.inode(), client.package("beta")
    write(client.repo, "groundup.toml", CONFIGURATION.replace('"hello"]', '"good day"]'))
    assert client.run("hello") == "good day\n"
    assert (client.inode(), client.package("beta")) == (inode, beta)
    assert len(client.uv.calls("venv")) <= 1


def test_a_console_script_that_was_added_is_there(client: Client) -> None:
    beta = client.package("beta")
    source = "\n\ndef main():\n    print('called')\n"
    scripts = {"demo-cli": "demo:main"}
    write_project(client.repo, dependencies=["beta"], tool=TOOL[client.kind], scripts=scripts, source=source)
    assert client.run("run", "demo-cli") == "called\n"
    assert client.package("beta") == beta


def test_a_group_that_is_no_longer_chosen_leaves(tmp_path: Path, env: dict[str, str]) -> None:
    groups = {"dev": ["gamma"], "docs": ["delta"]}
    repo = repository(tmp_path / "repo", groups=groups)
    run_kernel(repo, "boot", env=env, check=True)
    assert installed(repo).keys() == {"demo", "gamma", "delta"}
    write(repo, "groundup.toml", 'projects = [{ path = ".", groups = ["dev"] }]\n')
    run_kernel(repo, "run", "true", env=env, check=True)
    assert installed(repo).keys() == {"demo", "gamma"}


def test_another_kernel_keeps_what_need_not_be_built_again(client: Client) -> None:
    inode, beta = client.inode(), client.package("beta")
    kernel = copy_kernel(client.repo)
    kernel.write_text(kernel.read_text() + "\n# of another version\n")
    assert client.run("hello") == "hello\n"
    assert (client.inode(), client.package("beta")) == (inode, beta)


def test_environments_do_not_disturb_each_other(client: Client) -> None:
    write(client.repo, "envs/dev/groundup.toml", 'commands.hello = ["echo", "dev"]\n')
    before = facts(client.repo / ".venv")
    assert client.run("--env", "dev", "hello") == "dev\n"
    assert client.run("hello") == "hello\n"
    assert (client.repo / "envs/dev/.venv/pyvenv.cfg").exists()
    assert facts(client.repo / ".venv").keys() == before.keys()
    calls = len(client.uv.calls("sync"))
    client.run("--env", "dev", "hello")
    client.run("hello")
    assert len(client.uv.calls("sync")) == calls


def test_sources_of_an_editable_project_need_no_build(client: Client) -> None:
    calls = len(client.uv.calls("sync"))
    write(client.repo, "src/demo/__init__.py", "VERSION = 'edited'\n")
    assert client.run("run", "python", "-IB", "-c", "import demo; print(demo.VERSION)") == "edited\n"
    assert len(client.uv.calls("sync")) == calls


def check_works_at(client: Client, repo: Path) -> None:
    """Check that the checkout at `repo` has a working environment of its own, scripts included."""
    code = "import sys, beta, demo; print(sys.prefix, demo.__file__)"
    done = run_kernel(repo, "run", "python", "-IB", "-c", code, env=client.env, check=True)
    assert done.stdout == f"{repo / '.venv'} {repo / 'src/demo/__init__.py'}\n"
    scripts = [p for p in (repo / ".venv/bin").iterdir() if p.is_file() and not p.is_symlink()]
    assert not [
        p
        for p in scripts
        if re.search(rf"{client.repo}(?!\w)".encode(), p.read_bytes()) and repo != client.repo
    ]


def test_a_moved_checkout_gets_its_own_environment(client: Client, tmp_path: Path) -> None:
    there = client.repo.rename(tmp_path / "moved-elsewhere")
    check_works_at(client, there)


def contents(repo: Path) -> dict[str, bytes]:
    """Return the content of every file in a checkout."""
    return {str(path): path.read_bytes() for path in walk(repo) if path.is_file()}


def test_a_copied_checkout_gets_its_own_environment_and_leaves_the_first_alone(
    client: Client, tmp_path: Path
) -> None:
    wait_until_settled(client.repo)
    client.run("run", "true")  # warm: what is copied looks untouched
    before = contents(client.repo)
    there = Path(shutil.copytree(client.repo, tmp_path / "copied-elsewhere", symlinks=True))
    check_works_at(client, there)
    assert contents(client.repo) == before
    check_works_at(client, client.repo)


def test_a_checkout_that_took_the_place_of_another_is_not_taken_for_it(
    client: Client, tmp_path: Path
) -> None:
    client.repo.rename(tmp_path / "older")
    newer = repository(
        client.repo, configuration=CONFIGURATION, dependencies=["gamma"], tool=TOOL[client.kind]
    )
    client.run("run", "python", "-c", "import gamma")
    assert "beta" not in installed(newer)
    check_works_at(client, tmp_path / "older")


def edit(client: Client) -> None:
    """What a person changes while a boot runs: a dependency and a command."""
    client.declare("beta", "gamma")
    write(client.repo, "groundup.toml", CONFIGURATION.replace('"hello"]', '"edited"]'))


def test_an_edit_made_while_a_boot_runs_is_seen_by_the_next(client: Client, tmp_path: Path) -> None:
    for number, step in enumerate(client.uv.steps()):
        uv = watched_uv(tmp_path / f"uv-{number}")
        repo = make(tmp_path / f"repo-{number}", client.kind)
        edited = Client(repo, uv.env(client.env, gated=step), uv, client.kind)
        with start_kernel(repo, "boot", env=edited.env) as boot:
            uv.wait_until_entered()
            edit(edited)
            uv.open_gate()
            boot.wait()
        assert edited.run("hello") == "edited\n", step
        done = run_kernel(repo, "run", "python", "-IB", "-c", "import gamma, beta", env=edited.env)
        assert done.returncode == 0, f"{step}: {describe(done)}"


def test_a_lock_edited_after_it_was_installed_is_seen_by_the_next(
    tmp_path: Path, env: dict[str, str]
) -> None:
    repo = make(tmp_path / "repo", "requirements.lock")
    write_project(repo, dependencies=["beta", "alpha<1.1"])
    run_kernel(repo, "lock", env=env, check=True)
    older = (repo / "requirements.lock").read_text().splitlines(keepends=True)
    write_project(repo, dependencies=["beta"])
    (repo / "requirements.lock").unlink()
    uv = watched_uv(tmp_path / "uv")
    with start_kernel(repo, "boot", env=uv.env(env, gated="install")) as boot:
        uv.wait_until_entered()
        newer = (repo / "requirements.lock").read_text().splitlines(keepends=True)
        (repo / "requirements.lock").write_text("".join([newer[0], *older[1:]]))
        uv.open_gate()
        boot.wait()
    run_kernel(repo, "run", "true", env=env, check=True)
    assert installed(repo)["alpha"] == "1.0"


@pytest.fixture
def copied(tmp_path: Path, env: dict[str, str], fetched: None) -> Client:
    """A repository whose project is not editable, with its environment."""
    repo = monorepo(
        tmp_path / "repo", [{"name": "demo", "dependencies": ["beta"], "install": {"editable": False}}]
    )
    uv = watched_uv(tmp_path / "uv")
    client = Client(repo, uv.env(env), uv)
    client.run("boot")
    return client


def says(client: Client, module: str = "demo") -> str:
    return client.run("run", "python", "-IB", "-c", f"import {module}; print({module}.VERSION)").strip()


@pytest.mark.parametrize(
    "change",
    [
        lambda source: write(source, "__init__.py", "VERSION = 'changed'\n"),
        lambda source: write(source, "deep/er/__init__.py", "VERSION = 'added'\n"),
        lambda source: write(source, "data.txt", "not Python, and part of the package all the same\n"),
    ],
    ids=["edited", "added", "data"],
)
def test_changed_sources_of_a_project_that_is_not_editable_are_seen(
    copied: Client, change: Callable[[Path], Path]
) -> None:
    beta = copied.package("beta")
    changed = change(copied.repo / "demo/src/demo")
    copied.run("run", "true")
    where = origin(copied.repo, "demo").parent / changed.relative_to(copied.repo / "demo/src/demo")
    assert where.read_text() == changed.read_text()
    assert copied.package("beta") == beta


def test_a_removed_source_of_a_project_that_is_not_editable_leaves(copied: Client) -> None:
    extra = write(copied.repo, "demo/src/demo/extra.py", "VERSION = 'extra'\n")
    assert says(copied, "demo.extra") == "extra"
    extra.unlink()
    done = run_kernel(copied.repo, "run", "python", "-IB", "-c", "import demo.extra", env=copied.env)
    assert "No module named 'demo.extra'" in done.stderr, describe(done)


def test_sources_edited_while_the_boot_runs_are_seen_by_the_next(copied: Client) -> None:
    shutil.rmtree(copied.repo / ".venv")
    with start_kernel(copied.repo, "boot", env={**copied.env, "GATED": "install"}) as boot:
        copied.uv.wait_until_entered()
        write(copied.repo, "demo/src/demo/__init__.py", "VERSION = 'while building'\n")
        copied.uv.open_gate()
        boot.wait()
    assert says(copied) == "while building"


def test_byte_code_beside_the_sources_is_no_change(copied: Client) -> None:
    calls = len(copied.uv.calls("install"))
    write(copied.repo, "demo/src/demo/__pycache__/demo.cpython-311.pyc", "")
    copied.run("run", "true")
    assert len(copied.uv.calls("install")) == calls


def test_pipes_and_sockets_beside_the_sources_are_no_change(copied: Client) -> None:
    calls = len(copied.uv.calls("install"))
    os.mkfifo(copied.repo / "demo/control")
    with socket.socket(socket.AF_UNIX) as server:
        folder = os.open(copied.repo / "demo", os.O_RDONLY)  # a socket's path must be short
        server.bind(f"/proc/self/fd/{folder}/agent.sock")
        os.close(folder)
    (copied.repo / "demo/dangling").symlink_to("nowhere")
    for words in (["check"], ["run", "true"]):
        run_kernel(copied.repo, *words, env=copied.env, check=True, timeout=60)
    assert len(copied.uv.calls("install")) == calls


def test_a_new_member_of_a_workspace_is_seen(tmp_path: Path, env: dict[str, str]) -> None:
    tool = {"uv": {"workspace": {"members": ["packages/*"]}}}
    repo = repository(tmp_path / "repo", dependencies=["beta"], tool=tool)
    write_project(repo / "packages/one", "one")
    run_kernel(repo, "boot", env=env, check=True)
    (repo / "packages/two").mkdir()
    run_kernel(repo, "run", "true", env=env, check=True)
    write_project(repo / "packages/two", "two", dependencies=["gamma"])
    run_kernel(repo, "run", "true", env=env, check=True)
    assert {"one", "two", "gamma"} <= installed(repo).keys()
    write_project(repo / "packages/two", "two", dependencies=["delta"])
    run_kernel(repo, "run", "true", env=env, check=True)
    assert {"one", "two", "delta"} <= installed(repo).keys()
    shutil.rmtree(repo / "packages/two")
    run_kernel(repo, "run", "true", env=env, check=True)
    assert installed(repo).keys() == {"demo", "one", "beta", "alpha"}

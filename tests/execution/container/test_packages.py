"""What is provisioned: for the image's Python and C library, once, complete or not at all."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from groundup.errors import UserError
from groundup.execution import collect_garbage
from groundup.execution.container.packages import Wanted, package_store, provisioned
from groundup.execution.container.platforms import Facts
from groundup.projects import ProvisioningError, create_project
from groundup.projects.requirements import environment_spec
from groundup.projects.script import read_script
from tests.support.index import IndexServer
from tests.support.users import User, requiring
from tests.support.wheels import build_wheel

GLIBC = Facts("/usr/local/bin/python3.12", (3, 12, 4), "cpython", "x86_64", "glibc", "2.36", True)
MUSL = replace(GLIBC, libc="musl", libc_version="1.2")
ARM = replace(GLIBC, machine="aarch64")
TAGS = {
    "glibc 2.36": "cp312-cp312-manylinux_2_36_x86_64",
    "glibc 2.17": "cp312-cp312-manylinux_2_17_x86_64",
    "musl": "cp312-cp312-musllinux_1_2_x86_64",
    "arm": "cp312-cp312-manylinux_2_17_aarch64",
    "arm musl": "cp312-cp312-musllinux_1_2_aarch64",
}
FITTING = {
    "glibc 2.36": GLIBC,
    "glibc 2.17": replace(GLIBC, libc_version="2.28"),
    "musl": MUSL,
    "arm": ARM,
    "arm musl": replace(ARM, libc="musl", libc_version="1.2"),
}


@pytest.fixture
def native(tmp_path: Path, user: User, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An index with a distribution that has a wheel for each platform, and one that has a source archive."""
    folder = tmp_path / "native"
    for name, tag in TAGS.items():
        build_wheel(folder, "native", tag=tag, modules={"native.py": f"PLATFORM = {name!r}\n"})
    build_wheel(folder, "newer", tag="cp313-cp313-manylinux_2_17_x86_64")
    build_wheel(folder, "tool", scripts={"tool": "tool:main"})
    archive = folder / "source-1.0.tar.gz"
    subprocess.run(["tar", "-czf", archive, "-C", folder, "--files-from", os.devnull], check=True)
    with IndexServer(folder) as index:
        monkeypatch.setenv("UV_DEFAULT_INDEX", index.url)
        yield


def wanted(facts: Facts, *requirements: str, python: str = "") -> Wanted:
    """Return what a script requires."""
    script = read_script(requiring(*requirements, python=python).encode())
    return Wanted.of_spec(environment_spec(script), facts)


def packages(facts: Facts, *requirements: str) -> Path:
    """Return the folder with the packages that were provisioned."""
    with provisioned(wanted(facts, *requirements), facts, "it") as environment:
        return environment / "lib/python3.12/site-packages"


@pytest.mark.parametrize("name", FITTING)
def test_each_platform_gets_its_own_wheels(name: str, native: None) -> None:
    assert (packages(FITTING[name], "native") / "native.py").read_text() == f"PLATFORM = {name!r}\n"


def test_platforms_are_kept_apart(native: None) -> None:
    found = {(packages(facts, "native") / "native.py").read_text() for facts in FITTING.values()}
    assert len(found) == len(package_store().names()) == len(FITTING)


def test_the_same_is_made_once(native: None) -> None:
    assert packages(GLIBC, "native", "tool") == packages(GLIBC, "tool", "native")
    assert packages(GLIBC, "native") == packages(replace(GLIBC, version=(3, 12, 9)), "native")
    assert len(package_store().names()) == 2


def test_several_at_once_make_one(native: None) -> None:
    with ThreadPoolExecutor(3) as pool:
        found = set(pool.map(lambda _: packages(MUSL, "native"), range(3)))
    assert len(found) == len(package_store().names()) == 1


@pytest.mark.parametrize("name", ["newer", "source", "absent"])
def test_what_has_no_wheel_for_the_image_is_an_error(name: str, native: None) -> None:
    with pytest.raises(
        ProvisioningError, match=f"(?s)x86_64-manylinux_2_36 what it requires: .*{name}"
    ) as no:
        packages(GLIBC, name)
    assert no.value.phase == "resolve"
    assert [*package_store().names(), *package_store().abandoned()] == []


def test_nothing_is_built_here(native: None) -> None:
    """A source archive would run its code on this machine."""
    with pytest.raises(ProvisioningError, match="source"):
        packages(GLIBC, "source")


def test_commands_are_run_by_the_python_of_the_container(native: None) -> None:
    environment = packages(GLIBC, "tool").parents[2]
    command = (environment / "bin/tool").read_text()
    assert command.startswith("#!/environment/bin/python\n")
    assert sys.executable not in command
    assert os.access(environment / "bin/tool", os.X_OK)
    assert (environment / "bin/python").readlink() == Path("/usr/local/bin/python3.12")
    assert "home = /usr/local/bin" in (environment / "pyvenv.cfg").read_text()


def test_everybody_can_read_it_whatever_the_umask(native: None) -> None:
    umask = os.umask(0o077)
    try:
        environment = packages(GLIBC, "tool").parents[2]
    finally:
        os.umask(umask)
    for path in (environment, *environment.rglob("*")):
        if not path.is_symlink():
            mode = path.stat().st_mode
            assert mode & 0o044 == 0o044
            assert mode & 0o001 if path.is_dir() else True


def test_a_project_is_provisioned_from_its_lock(native: None) -> None:
    project = create_project(requiring("tool").encode(), id="x")
    with provisioned(Wanted.of_project(project, GLIBC), GLIBC, "x") as environment:
        pinned = (environment.parent / "requirements.txt").read_text()
        assert pinned == (project.path / "requirements.txt").read_text()
        assert "--hash=sha256:" in pinned
        assert (environment / "lib/python3.12/site-packages/tool.py").exists()


def test_what_is_installed_is_checked_against_the_hashes_of_the_lock(native: None) -> None:
    project = create_project(requiring("tool").encode(), id="x")
    lock = project.path / "requirements.txt"
    text = lock.read_text()
    digest = text.partition("sha256:")[2][:64]
    lock.write_text(text.replace(digest, "0" * 64))
    with (
        pytest.raises(ProvisioningError, match=r"(?i)hash") as refused,
        provisioned(Wanted.of_project(project, GLIBC), GLIBC, "x"),
    ):
        pass
    assert refused.value.phase == "install"


def test_a_project_for_another_python(native: None) -> None:
    project = create_project(requiring("tool", python=">=3.11").encode(), id="x")
    with pytest.raises(UserError, match=r"project 'x': it is for Python >=3\.11, the image has 3\.9"):
        Wanted.of_project(project, replace(GLIBC, version=(3, 9, 1)))


def test_a_malformed_requirement_is_the_users_error(native: None) -> None:
    with pytest.raises(UserError, match="not a valid requirement"):
        wanted(GLIBC, "tool=1")


def test_what_was_not_used_for_long_is_garbage(
    native: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))  # others may have left something in the real one
    with provisioned(wanted(GLIBC, "tool"), GLIBC, "it") as environment:
        assert collect_garbage(unused_days=0) == []  # it is in use
    (found,) = collect_garbage(unused_days=0, dry_run=True)
    assert (found.kind, found.path) == ("environment", environment.parent)
    assert collect_garbage(unused_days=30) == []
    assert collect_garbage(unused_days=0) == [found]
    assert package_store().names() == []


def test_a_failure_is_not_kept(native: None, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as offline:
        offline.setenv("UV_OFFLINE", "1")
        with pytest.raises(ProvisioningError):
            packages(GLIBC, "native")
    assert (packages(GLIBC, "native") / "native.py").exists()


def test_other_requirements_are_another_environment(native: None) -> None:
    assert not (packages(GLIBC, "native") / "tool.py").exists()
    assert (packages(GLIBC, "native", "tool") / "tool.py").exists()

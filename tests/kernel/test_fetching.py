"""Fetching uv from an index: page formats, credentials, faults that pass, faults that stay, wrong files."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from groundup import proto_kernel
from tests.kernel.fetching import cached, fresh_user, real_wheels, unpacked
from tests.support.errors import files_that_hold, told
from tests.support.index import Faults, IndexServer
from tests.support.process import describe, run_kernel
from tests.support.repositories import bare_repository
from tests.support.wheels import build_wheel, sha256, uv_wheel

SECRET = "s3cret/@:%"


@pytest.fixture
def server() -> Iterator[IndexServer]:
    """An index with the real wheels, behaving well until told otherwise."""
    with IndexServer(real_wheels()) as server:
        yield server


@pytest.fixture
def guarded() -> Iterator[IndexServer]:
    """The same behind basic auth, with a password that is awkward to quote."""
    with IndexServer(real_wheels(), user="me@corp", password=SECRET) as server:
        yield server


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    return bare_repository(tmp_path / "repo")


@pytest.mark.parametrize("hashes", [True, False], ids=["hashes", "no-hashes"])
@pytest.mark.parametrize("page_format", ["html", "json"])
def test_both_page_formats_are_read(tmp_path: Path, repo: Path, page_format: str, hashes: bool) -> None:
    with IndexServer(real_wheels(), format=page_format, hashes=hashes) as server:
        env = fresh_user(tmp_path, UV_DEFAULT_INDEX=server.url)
        run_kernel(repo, "boot", env=env, check=True)
        assert server.counts == {"/simple/uv/": 1, f"/files/{uv_wheel().name}": 1}
    assert unpacked(tmp_path) == ["uv"]


def test_what_was_fetched_once_is_not_fetched_again(tmp_path: Path, server: IndexServer) -> None:
    env = fresh_user(tmp_path, UV_DEFAULT_INDEX=server.url)
    for name in ("first", "second"):
        run_kernel(bare_repository(tmp_path / name), "boot", env=env, check=True)
    assert server.downloads("uv") == 1


def test_an_address_without_a_slash_at_its_end_is_meant_the_same(
    tmp_path: Path, repo: Path, server: IndexServer
) -> None:
    env = fresh_user(tmp_path, UV_DEFAULT_INDEX=server.url.rstrip("/"))
    run_kernel(repo, "boot", env=env, check=True)


@pytest.mark.parametrize("verbosity", ["-q", "-vv"])
def test_credentials_in_the_address_open_the_index_and_are_shown_nowhere(
    tmp_path: Path, repo: Path, guarded: IndexServer, verbosity: str
) -> None:
    address = guarded.url_with_credentials
    done = run_kernel(repo, verbosity, "boot", env=fresh_user(tmp_path, UV_DEFAULT_INDEX=address), check=True)
    assert all(request.authorization for request in guarded.requests)
    for secret in (SECRET, quote(SECRET, safe="")):
        assert secret not in done.stdout + done.stderr
        assert files_that_hold(secret, tmp_path) == []


@pytest.mark.parametrize("verbosity", ["-q", "-vv"])
@pytest.mark.parametrize("password", ["zq8zq9", "zq8%2Fzq9", "zq8/zq9", "zq8@zq9", "zq8 zq9", "zq8#zq9"])
def test_refused_credentials_are_an_error_that_does_not_show_them(
    tmp_path: Path, repo: Path, guarded: IndexServer, password: str, verbosity: str
) -> None:
    address = guarded.url.replace("://", f"://me:{password}@")
    done = run_kernel(repo, verbosity, "boot", env=fresh_user(tmp_path, UV_DEFAULT_INDEX=address))
    (error,) = (line for line in done.stderr.splitlines() if line.startswith("error: "))
    assert done.returncode == 1, describe(done)
    assert "zq8" not in done.stderr and "zq9" not in done.stderr
    assert "UV_DEFAULT_INDEX" in error
    assert guarded.counts.total() <= 1, "what cannot pass is not repeated"


def test_an_index_that_asks_for_credentials_names_the_way_to_give_them(
    tmp_path: Path, repo: Path, guarded: IndexServer
) -> None:
    done = run_kernel(repo, "boot", env=fresh_user(tmp_path, UV_DEFAULT_INDEX=guarded.url))
    error, hint = told(done, 1)
    assert "401" in error and guarded.url in error
    assert "UV_DEFAULT_INDEX" in hint


def test_credentials_of_the_index_do_not_go_to_the_server_of_the_files(
    tmp_path: Path, repo: Path, guarded: IndexServer, server: IndexServer
) -> None:
    guarded.files_at = server.base
    env = fresh_user(tmp_path, UV_DEFAULT_INDEX=guarded.url_with_credentials)
    run_kernel(repo, "boot", env=env, check=True)
    assert server.downloads("uv") == 1
    assert [request.authorization for request in server.requests] == [None]


def test_a_redirection_is_followed_without_the_credentials(
    tmp_path: Path, repo: Path, guarded: IndexServer, server: IndexServer
) -> None:
    guarded.moved_to = server.base
    env = fresh_user(tmp_path, UV_DEFAULT_INDEX=guarded.url_with_credentials)
    run_kernel(repo, "boot", env=env, check=True)
    assert {request.authorization for request in server.requests} == {None}


@pytest.mark.parametrize("target", ["file:///etc", "ftp://127.0.0.1:9", "data:text/html,"])
def test_a_redirection_to_something_else_than_http_is_refused(
    tmp_path: Path, repo: Path, server: IndexServer, target: str
) -> None:
    server.moved_to = target
    told(run_kernel(repo, "boot", env=fresh_user(tmp_path, UV_DEFAULT_INDEX=server.url)), 1)
    assert cached(tmp_path) == []


def test_a_redirection_in_a_circle_is_an_error(tmp_path: Path, repo: Path, server: IndexServer) -> None:
    server.moved_to = server.base
    error, _ = told(run_kernel(repo, "boot", env=fresh_user(tmp_path, UV_DEFAULT_INDEX=server.url)), 1)
    assert "redirect" in error


def test_credentials_from_netrc_open_the_index(tmp_path: Path, repo: Path, guarded: IndexServer) -> None:
    guarded.user, guarded.password = "me", "plain"
    env = fresh_user(tmp_path, UV_DEFAULT_INDEX=guarded.url)
    netrc = Path(env["HOME"], ".netrc")
    netrc.write_text("machine 127.0.0.1 login me password plain\n")
    netrc.chmod(0o600)
    run_kernel(repo, "boot", env=env, check=True)


@pytest.mark.parametrize("status", [500, 503, 429])
def test_a_fault_that_passes_is_waited_for(
    tmp_path: Path, repo: Path, server: IndexServer, status: int
) -> None:
    server.pages = Faults(times=2, status=status)
    began = time.monotonic()
    done = run_kernel(repo, "boot", env=fresh_user(tmp_path, UV_DEFAULT_INDEX=server.url), check=True)
    assert server.counts["/simple/uv/"] == 3
    assert time.monotonic() - began >= 1.0, "repeats come with growing pauses"
    assert str(server.port) in done.stderr, "the pause is said"


def test_an_index_that_stays_broken_is_an_error_after_a_few_tries(
    tmp_path: Path, repo: Path, server: IndexServer
) -> None:
    server.pages = Faults(status=500)
    error, _ = told(run_kernel(repo, "boot", env=fresh_user(tmp_path, UV_DEFAULT_INDEX=server.url)), 1)
    assert "500" in error and "UV_DEFAULT_INDEX" in error and server.url in error
    assert 3 <= server.counts["/simple/uv/"] <= 6


@pytest.mark.parametrize("what", ["pages", "files"])
def test_a_connection_that_is_cut_is_tried_again(
    tmp_path: Path, repo: Path, server: IndexServer, what: str
) -> None:
    setattr(server, what, Faults(times=2, cut_after=20))
    run_kernel(repo, "boot", env=fresh_user(tmp_path, UV_DEFAULT_INDEX=server.url), check=True)
    assert max(server.counts.values()) == 3


def test_a_download_that_never_completes_leaves_nothing_behind(
    tmp_path: Path, repo: Path, server: IndexServer
) -> None:
    server.files = Faults(cut_after=1_000_000)
    error, _ = told(run_kernel(repo, "boot", env=fresh_user(tmp_path, UV_DEFAULT_INDEX=server.url)), 1)
    assert "cut" in error and "1000000" in error
    assert cached(tmp_path) == []


def test_a_slow_server_is_waited_for(tmp_path: Path, repo: Path, server: IndexServer) -> None:
    server.pages = Faults(delay=1.0)
    server.files = Faults(pause=0.005)
    run_kernel(repo, "boot", env=fresh_user(tmp_path, UV_DEFAULT_INDEX=server.url), check=True)
    assert max(server.counts.values()) == 1


@pytest.mark.parametrize("what", ["pages", "files"])
def test_a_body_without_end_is_given_up(tmp_path: Path, repo: Path, server: IndexServer, what: str) -> None:
    setattr(server, what, Faults(endless=True))
    error, _ = told(run_kernel(repo, "boot", env=fresh_user(tmp_path, UV_DEFAULT_INDEX=server.url)), 1)
    limit = proto_kernel.MAX_PAGE if what == "pages" else proto_kernel.MAX_FILE
    assert f"larger than {limit // 2**20} MiB" in error
    assert max(server.counts.values()) == 1, "what is too large once is not asked for again"
    assert cached(tmp_path) == []


def fake_uv(folder: Path, script: str) -> Path:
    """Build a wheel that would put `script` where the real one has its executable."""
    version = proto_kernel.UV_VERSION
    return build_wheel(folder, "uv", version, modules={f"uv-{version}.data/scripts/uv": script})


def test_a_file_with_another_hash_is_refused_named_and_never_unpacked(
    tmp_path: Path, repo: Path, server: IndexServer
) -> None:
    trap = tmp_path / "trap"
    script = f"#!/bin/sh\ntouch {trap}\n"
    name = uv_wheel().name
    fake = fake_uv(tmp_path / "fake", script)
    server.files = Faults(content=fake.read_bytes())
    done = run_kernel(repo, "boot", env=fresh_user(tmp_path, UV_DEFAULT_INDEX=server.url))
    error, _ = told(done, 1)
    assert name in error and sha256(fake) in error and sha256(uv_wheel()) in error
    assert not trap.exists()
    assert cached(tmp_path) == []
    assert not (repo / ".venv").exists()


def test_an_index_that_vouches_for_another_file_is_not_believed(tmp_path: Path, repo: Path) -> None:
    fake = fake_uv(tmp_path / "fake", "#!/bin/sh\n")
    fake.rename(fake.with_name(uv_wheel().name))
    with IndexServer(tmp_path / "fake") as server:
        error, _ = told(run_kernel(repo, "boot", env=fresh_user(tmp_path, UV_DEFAULT_INDEX=server.url)), 1)
    assert sha256(uv_wheel()) in error
    assert cached(tmp_path) == []


def test_an_index_without_uv_is_named_with_what_it_lacks(tmp_path: Path, repo: Path) -> None:
    (tmp_path / "empty").mkdir()
    with IndexServer(tmp_path / "empty") as server:
        error, _ = told(run_kernel(repo, "boot", env=fresh_user(tmp_path, UV_DEFAULT_INDEX=server.url)), 1)
        assert "404" in error and server.url in error
        assert server.counts == {"/simple/uv/": 1}


def test_an_index_with_other_versions_only_is_named_with_the_file_it_lacks(
    tmp_path: Path, repo: Path
) -> None:
    build_wheel(tmp_path / "old", "uv", "0.0.1")
    with IndexServer(tmp_path / "old") as server:
        error, _ = told(run_kernel(repo, "boot", env=fresh_user(tmp_path, UV_DEFAULT_INDEX=server.url)), 1)
    assert uv_wheel().name in error


@pytest.mark.parametrize("garbage", [b"", b"\xff\x00\xfe", b'{"files": 7}', b"[1, 2]", b"{", b"<a href=>"])
def test_a_page_that_is_no_page_is_an_error(
    tmp_path: Path, repo: Path, server: IndexServer, garbage: bytes
) -> None:
    server.pages = Faults(content=garbage)
    error, _ = told(run_kernel(repo, "boot", env=fresh_user(tmp_path, UV_DEFAULT_INDEX=server.url)), 1)
    assert "UV_DEFAULT_INDEX" in error


@pytest.mark.parametrize("address", ["http://127.0.0.1:9/simple/", "https://index.invalid/simple/"])
def test_an_index_that_cannot_be_reached_is_named(tmp_path: Path, repo: Path, address: str) -> None:
    error, hint = told(run_kernel(repo, "boot", env=fresh_user(tmp_path, UV_DEFAULT_INDEX=address)), 1)
    assert "UV_DEFAULT_INDEX" in error and address in error
    assert "UV_DEFAULT_INDEX" in hint


@pytest.mark.parametrize(
    "address", ["nonsense", "http://", "ftp://127.0.0.1/", "http://[::1/", "http://h:x/"]
)
def test_an_address_that_is_none_is_an_error(tmp_path: Path, repo: Path, address: str) -> None:
    error, _ = told(run_kernel(repo, "boot", env=fresh_user(tmp_path, UV_DEFAULT_INDEX=address)), 1)
    assert "UV_DEFAULT_INDEX" in error


def test_offline_names_what_is_missing_and_asks_nobody(
    tmp_path: Path, repo: Path, server: IndexServer
) -> None:
    env = fresh_user(tmp_path, UV_DEFAULT_INDEX=server.url)
    error, hint = told(run_kernel(repo, "--offline", "boot", env=env), 1)
    assert re.search(rf"\buv {re.escape(proto_kernel.UV_VERSION)}\b", error)
    assert "--offline" in hint
    assert server.requests == []


def test_a_cache_that_cannot_be_written_is_named(tmp_path: Path, repo: Path, server: IndexServer) -> None:
    (tmp_path / "file").write_text("in the way")
    env = fresh_user(tmp_path, UV_DEFAULT_INDEX=server.url, GROUNDUP_HOME=str(tmp_path / "file"))
    error, _ = told(run_kernel(repo, "boot", env=env), 1)
    assert os.fspath(tmp_path / "file") in error

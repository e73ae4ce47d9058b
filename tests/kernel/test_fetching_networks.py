"""Fetching through proxies and from servers with private certificates."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme

from tests.kernel.fetching import cached, fresh_user, real_wheels
from tests.support.errors import told
from tests.support.index import IndexServer
from tests.support.process import describe, run_kernel
from tests.support.proxy import ForwardProxy
from tests.support.repositories import bare_repository
from tests.support.wheels import uv_wheel

BEHIND = "index.invalid"  # a name that nobody but a proxy can resolve


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    return bare_repository(tmp_path / "repo")


@pytest.fixture
def server() -> Iterator[IndexServer]:
    with IndexServer(real_wheels()) as server:
        yield server


@pytest.fixture
def proxy(server: IndexServer) -> Iterator[ForwardProxy]:
    """A proxy behind which `server` is known as `index.invalid`."""
    with ForwardProxy(routes={BEHIND: server.port}) as proxy:
        yield proxy


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def bundle(tmp_path: Path, authority: trustme.CA) -> str:
    """A file with the private authority's certificate."""
    authority.cert_pem.write_to_path(str(tmp_path / "authority.pem"))
    return str(tmp_path / "authority.pem")


@pytest.fixture
def secured(authority: trustme.CA) -> Iterator[IndexServer]:
    """An index with a certificate of the private authority."""
    with IndexServer(real_wheels(), authority=authority, host="localhost") as server:
        yield server


# ── proxies ──────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("variable", ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"])
def test_an_index_is_reached_through_a_proxy(
    tmp_path: Path, repo: Path, proxy: ForwardProxy, variable: str
) -> None:
    index = f"http://{BEHIND}/simple/"
    run_kernel(
        repo, "boot", env=fresh_user(tmp_path, UV_DEFAULT_INDEX=index, **{variable: proxy.url}), check=True
    )
    assert proxy.passed == [f"GET {index}uv/", f"GET http://{BEHIND}/files/{uv_wheel().name}"]


def test_a_proxy_is_given_its_credentials_and_they_are_shown_nowhere(
    tmp_path: Path, repo: Path, server: IndexServer
) -> None:
    with ForwardProxy(routes={BEHIND: server.port}, user="me", password="zq8zq9") as proxy:
        env = fresh_user(tmp_path, UV_DEFAULT_INDEX=f"http://{BEHIND}/simple/", HTTP_PROXY=proxy.url)
        done = run_kernel(repo, "-vv", "boot", env=env, check=True)
        assert len(proxy.passed) == 2
    assert "zq8" not in done.stderr


def test_a_proxy_that_refuses_is_an_error_without_credentials(
    tmp_path: Path, repo: Path, server: IndexServer
) -> None:
    with ForwardProxy(routes={BEHIND: server.port}, user="me", password="right") as proxy:
        address = proxy.url.replace("right", "zq8zq9")
        env = fresh_user(tmp_path, UV_DEFAULT_INDEX=f"http://{BEHIND}/simple/", HTTP_PROXY=address)
        done = run_kernel(repo, "boot", env=env)
        assert proxy.refused >= 1
    error, _ = told(done, 1)
    assert "407" in error
    assert "zq8" not in done.stderr


def test_no_proxy_goes_past_the_proxy(
    tmp_path: Path, repo: Path, server: IndexServer, proxy: ForwardProxy
) -> None:
    env = fresh_user(
        tmp_path, UV_DEFAULT_INDEX=server.url, HTTP_PROXY=proxy.url, NO_PROXY="127.0.0.1,localhost"
    )
    run_kernel(repo, "boot", env=env, check=True)
    assert proxy.passed == []


def test_a_proxy_that_cannot_be_reached_is_an_error(tmp_path: Path, repo: Path) -> None:
    env = fresh_user(
        tmp_path, UV_DEFAULT_INDEX=f"http://{BEHIND}/simple/", HTTP_PROXY="http://me:zq8zq9@127.0.0.1:9"
    )
    done = run_kernel(repo, "-vv", "boot", env=env)
    assert done.returncode == 1 and "UV_DEFAULT_INDEX" in done.stderr, describe(done)
    assert "zq8" not in done.stderr


def test_tls_goes_through_a_tunnel_of_the_proxy(
    tmp_path: Path, repo: Path, authority: trustme.CA, bundle: str
) -> None:
    with (
        IndexServer(real_wheels(), authority=authority, host=BEHIND) as server,
        ForwardProxy(routes={BEHIND: server.port}, user="me", password="right") as proxy,
    ):
        env = fresh_user(tmp_path, UV_DEFAULT_INDEX=server.url, HTTPS_PROXY=proxy.url, SSL_CERT_FILE=bundle)
        run_kernel(repo, "boot", env=env, check=True)
        assert set(proxy.passed) == {f"CONNECT {BEHIND}:{server.port}"}
        assert server.downloads("uv") == 1


# ── certificates ─────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("variable", ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "PIP_CERT"])
def test_a_private_authority_is_trusted_when_a_variable_names_it(
    tmp_path: Path, repo: Path, secured: IndexServer, bundle: str, variable: str
) -> None:
    env = fresh_user(tmp_path, UV_DEFAULT_INDEX=secured.url, **{variable: bundle})
    run_kernel(repo, "boot", env=env, check=True)
    assert secured.downloads("uv") == 1


def test_a_private_authority_in_pips_configuration_is_trusted(
    tmp_path: Path, repo: Path, secured: IndexServer, bundle: str
) -> None:
    conf = tmp_path / "pip.conf"
    conf.write_text(f"[global]\nindex-url = {secured.url}\ncert = {bundle}\n")
    run_kernel(repo, "boot", env=fresh_user(tmp_path, PIP_CONFIG_FILE=str(conf)), check=True)


def test_an_authority_that_nobody_named_is_not_trusted(
    tmp_path: Path, repo: Path, secured: IndexServer
) -> None:
    error, hint = told(run_kernel(repo, "boot", env=fresh_user(tmp_path, UV_DEFAULT_INDEX=secured.url)), 1)
    assert "certificate" in error.lower()
    assert "SSL_CERT_FILE" in hint
    assert cached(tmp_path) == []


def test_a_certificate_for_another_host_is_not_trusted(
    tmp_path: Path, repo: Path, authority: trustme.CA, bundle: str
) -> None:
    with IndexServer(real_wheels(), authority=authority, host="elsewhere.invalid") as server:
        address = server.url.replace("elsewhere.invalid", "localhost")
        env = fresh_user(tmp_path, UV_DEFAULT_INDEX=address, SSL_CERT_FILE=bundle)
        error, _ = told(run_kernel(repo, "boot", env=env), 1)
        assert server.requests == []
    assert "certificate" in error.lower()


@pytest.mark.parametrize("content", [None, "", "no certificate"], ids=["missing", "empty", "nonsense"])
def test_a_file_of_authorities_that_is_none_is_named_with_its_variable(
    tmp_path: Path, repo: Path, secured: IndexServer, content: str | None
) -> None:
    bundle = tmp_path / "bundle.pem"
    if content is not None:
        bundle.write_text(content)
    env = fresh_user(tmp_path, UV_DEFAULT_INDEX=secured.url, SSL_CERT_FILE=str(bundle))
    error, hint = told(run_kernel(repo, "boot", env=env), 1)
    assert str(bundle) in error + hint
    assert "SSL_CERT_FILE" in error + hint

"""Indexes are the ones that uv is configured with; only the ends of wheels are fetched, and only once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from groundup.errors import GroundupError, UserError
from groundup.projects import generate_requirements
from groundup.projects.inference import sources, transfer
from groundup.projects.inference.index import Indexes, configured_indexes
from groundup.projects.inference.transfer import RemoteFile, TransferError
from tests.projects.inference.conftest import Infer
from tests.support.index import Faults, IndexServer
from tests.support.wheels import build_wheel

BIG = 3 * 2**20  # bytes of padding


@pytest.fixture(scope="session")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a wheel that is much larger than its table of contents; that is large too."""
    folder = tmp_path_factory.mktemp("large")
    noise = "".join(chr(33 + (n * n + n // 7) % 90) for n in range(BIG))
    modules = {"large/__init__.py": noise} | {f"large/part{n:05}.py": "" for n in range(2000)}
    build_wheel(folder, "large", modules=modules)
    return folder


def fetched(index: IndexServer) -> list[str | None]:
    """Return the ranges of files that were asked for."""
    return [request.range for request in index.requests if request.path.startswith("/files/")]


@pytest.mark.parametrize("ranges", ["all", "front"])
def test_only_the_table_of_contents_of_a_wheel_is_fetched(
    home: Path, large: Path, ranges: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with IndexServer(large, ranges=ranges) as index:
        monkeypatch.setenv("UV_DEFAULT_INDEX", index.url)
        monkeypatch.setattr(transfer, "LARGEST_FILE", BIG // 4)
        assert generate_requirements(b"import large") == ["large"]
    assert all(fetched(index))


def test_a_server_without_ranges_gives_the_whole_file_once(
    home: Path, large: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with IndexServer(large, ranges="none") as index:
        monkeypatch.setenv("UV_DEFAULT_INDEX", index.url)
        assert generate_requirements(b"import large") == ["large"]
        assert generate_requirements(b"import large, large.part00001") == ["large"]
    assert len(fetched(index)) == 1


def test_a_whole_file_is_fetched_up_to_a_limit(
    home: Path, large: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transfer, "LARGEST_FILE", 2**20)
    with IndexServer(large, ranges="none") as index:
        monkeypatch.setenv("UV_DEFAULT_INDEX", index.url)
        with pytest.raises(TransferError, match="larger than 1 MiB"):
            generate_requirements(b"import large")


@pytest.mark.parametrize("form", ["html", "json"])
@pytest.mark.parametrize("hashes", [True, False])
def test_both_kinds_of_pages(
    home: Path, shelf: Path, form: str, hashes: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    with IndexServer(shelf, ranges="all", format=form, hashes=hashes) as index:
        monkeypatch.setenv("UV_DEFAULT_INDEX", index.url)
        assert generate_requirements(b"import yaml, plain") == ["plain", "PyYAML"]
        asked = len(fetched(index))
        assert generate_requirements(b"import yaml, plain, six") == ["plain", "PyYAML", "six"]
        assert len(fetched(index)) == asked + 1


@pytest.fixture
def private(shelf: Path) -> Iterator[IndexServer]:
    """An index behind basic auth."""
    with IndexServer(shelf, ranges="all", user="me", password="s3cr:t/@") as server:
        yield server


def test_credentials_of_the_address_open_pages_and_files(
    home: Path, private: IndexServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UV_DEFAULT_INDEX", private.url_with_credentials)
    assert generate_requirements(b"import yaml") == ["PyYAML"]


def test_credentials_of_a_named_index(
    home: Path, private: IndexServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UV_INDEX", f"own-one={private.url}")
    monkeypatch.setenv("UV_INDEX_OWN_ONE_USERNAME", private.user)
    monkeypatch.setenv("UV_INDEX_OWN_ONE_PASSWORD", private.password)
    assert generate_requirements(b"import yaml") == ["PyYAML"]
    assert private.requests


def test_credentials_of_netrc(home: Path, private: IndexServer, monkeypatch: pytest.MonkeyPatch) -> None:
    home.mkdir(exist_ok=True)
    (home / ".netrc").write_text(f"machine 127.0.0.1 login {private.user} password {private.password}\n")
    (home / ".netrc").chmod(0o600)
    monkeypatch.setenv("UV_DEFAULT_INDEX", private.url)
    assert generate_requirements(b"import yaml") == ["PyYAML"]


def test_credentials_never_go_to_another_host(
    home: Path, private: IndexServer, shelf: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with IndexServer(shelf, ranges="all") as other:
        private.files_at = other.base
        monkeypatch.setenv("UV_DEFAULT_INDEX", private.url_with_credentials)
        assert generate_requirements(b"import yaml") == ["PyYAML"]
        assert {request.authorization for request in other.requests} == {None}


def test_a_refusal_is_told_without_the_secret(
    home: Path, private: IndexServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UV_DEFAULT_INDEX", private.url.replace("://", "://me:hushhush@"))
    with pytest.raises(GroundupError, match="answers 401") as refused:
        generate_requirements(b"import yaml")
    assert "hushhush" not in str(refused.value)
    assert "credentials" in refused.value.hint


def test_what_may_pass_is_tried_again(inferred: Infer, index: IndexServer) -> None:
    index.pages = Faults(times=1, status=503)
    assert inferred("import plain")["plain"].requirement == "plain"


def test_no_index_answers(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UV_DEFAULT_INDEX", "http://127.0.0.1:9/simple/")
    with pytest.raises(TransferError, match=r"127\.0\.0\.1:9") as failed:
        generate_requirements(b"import yaml")
    assert failed.value.hint


@pytest.mark.parametrize("content", [b"no wheel", b"PK\x05\x06" + bytes(10)])
def test_what_is_no_wheel_is_told(inferred: Infer, index: IndexServer, content: bytes) -> None:
    index.ranges = "none"
    index.files = Faults(content=content)
    with pytest.raises(TransferError, match="is not a wheel"):
        inferred("import plain")


def test_what_is_no_source_archive_is_told(inferred: Infer) -> None:
    with pytest.raises(TransferError, match=r"pyalsaaudio.* is not a source archive"):
        inferred("import alsaaudio")


def test_a_source_archive_is_unpacked_up_to_a_limit(inferred: Infer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "LARGEST_UNPACKED", 1024)
    with pytest.raises(TransferError, match="unpacks to more than"):
        inferred("import ldap")


def test_nothing_is_kept_of_what_failed(inferred: Infer, index: IndexServer) -> None:
    index.ranges, index.files = "none", Faults(times=1, content=b"no wheel")
    with pytest.raises(TransferError):
        inferred("import plain")
    assert inferred("import plain")["plain"].version == "1.0"


@pytest.mark.parametrize(
    "variables",
    [{"UV_DEFAULT_INDEX": "{0}"}, {"UV_INDEX_URL": "{0}"}, {"PIP_INDEX_URL": "{0}"}, {"UV_INDEX": "{0} {1}"}],
)
def test_addresses_of_variables(
    home: Path, variables: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("UV_DEFAULT_INDEX")
    first, second = "http://127.0.0.1:1/simple", "http://127.0.0.1:2/simple"
    for name, value in variables.items():
        monkeypatch.setenv(name, value.format(first, second))
    assert configured_indexes().addresses[0] == first


def test_addresses_of_uvs_file_and_of_the_scripts_own(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("UV_DEFAULT_INDEX")
    (home / ".config/uv").mkdir(parents=True)
    extra = (
        '[[index]]\nurl = "http://127.0.0.1:2/a"\n[[index]]\nurl = "http://127.0.0.1:3/b"\ndefault = true\n'
    )
    (home / ".config/uv/uv.toml").write_text(extra)
    own = {"index": [{"url": "http://127.0.0.1:4/c"}, {"url": "http://127.0.0.1:5/d", "explicit": True}]}
    ports = [address.split(":")[2][0] for address in configured_indexes(own).addresses]
    assert ports == ["4", "2", "3"]
    (home / ".config/uv/uv.toml").write_text("index = [")
    with pytest.raises(UserError, match=r"uv\.toml: cannot be read"):
        configured_indexes()


@pytest.mark.parametrize("setting", ["extra-index-url = 5", "index = 5", "index = {url = 'x'}"])
def test_settings_that_are_wrong_name_no_index(inferred: Infer, setting: str) -> None:
    block = f"# /// script\n# [tool.uv]\n# {setting}\n# ///\nimport plain\n"
    assert inferred(block)["plain"].requirement == "plain"


def test_the_first_index_that_has_a_distribution_is_the_one(
    home: Path, index: IndexServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    build_wheel(tmp_path / "own", "plain", "9.0", modules={"other.py": ""})
    with IndexServer(tmp_path / "own") as own:
        monkeypatch.setenv("UV_INDEX", own.url)
        with pytest.raises(UserError, match=r"plain 9\.0 does not contain it"):
            generate_requirements(b"import plain")
        assert [file.filename for file in Indexes((own.url, index.url)).files("six")] == [
            "six-1.0-py3-none-any.whl"
        ]


def test_any_part_of_a_remote_file(index: IndexServer, shelf: Path, home: Path, large: Path) -> None:
    name = "large-1.0-py3-none-any.whl"
    content = (large / name).read_bytes()
    with IndexServer(large, ranges="all") as server:
        remote = RemoteFile(f"{server.base}/files/{name}")
        for start, count in [(0, 10), (len(content) - 5, 99), (len(content) - 100_000, 100_000), (5, -1)]:
            remote.seek(start)
            assert remote.read(count) == (content[start:] if count < 0 else content[start : start + count])
        assert remote.read() == b""

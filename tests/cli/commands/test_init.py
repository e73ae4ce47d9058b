"""`groundup init`: a folder becomes a repository that boots, and nothing in it is lost."""

from __future__ import annotations

import json
import os
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
import trustme

from groundup import proto_kernel
from groundup.config.gitignore import IGNORED
from groundup.config.kernel_file import PACKAGED
from groundup.config.pins import wanted_files
from tests.support.neo import Neo
from tests.support.process import run_kernel
from tests.support.proxy import ForwardProxy
from tests.support.repositories import write, write_project
from tests.support.server import LoopbackServer, QuietHandler

NAMES = ["groundup.toml", "proto_kernel.pins", "proto_kernel.py"]


@dataclass
class ListingIndex(LoopbackServer):
    """An index that lists the kernel's own files with their true hashes, and gives their metadata alone."""

    files_at: str
    listed: Mapping[str, tuple[str, str, str]] = field(default_factory=wanted_files)
    authority: trustme.CA | None = None
    host: str = "127.0.0.1"

    handler = property(lambda self: type("BoundListingHandler", (_ListingHandler,), {"index": self}))


class _ListingHandler(QuietHandler, BaseHTTPRequestHandler):
    index: ListingIndex

    def do_GET(self) -> None:
        if self.path.endswith(".metadata"):
            name, version = self.path.rsplit("/", 1)[-1].split("-")[:2]
            self._send(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n", "text/plain")
        else:
            page = self._page(self.path.strip("/").rsplit("/", 1)[-1])
            self._send(json.dumps(page), "application/vnd.pypi.simple.v1+json")

    def _page(self, name: str) -> dict[str, object]:
        files = [
            {
                "filename": filename(*what),
                "url": f"{self.index.files_at}/files/{filename(*what)}",
                "hashes": {"sha256": sha256},
                "core-metadata": True,
            }
            for sha256, what in self.index.listed.items()
            if what[0] == name
        ]
        return {"meta": {"api-version": "1.1"}, "name": name, "files": files}

    def _send(self, text: str, content_type: str) -> None:
        self.send_response(200)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def filename(name: str, version: str, platform: str) -> str:
    """Return the name of a wheel; what stands for the platform is up to an index."""
    system, _, machine = platform.partition("-")
    number = [*"abcdefghijklmnopqrstuvwxyz"].index(system[0])
    return f"{name}-{version}-{number}-py3-none-any.whl" if machine else f"{name}-{version}-py3-none-any.whl"


@contextmanager
def far_index(listed: Mapping[str, tuple[str, str, str]] | None = None) -> Iterator[dict[str, str]]:
    """Give the variables of a machine whose index is on another one, reached through a proxy."""
    address = "http://user:secret@index.example"
    with (
        ListingIndex(address, listed or wanted_files()) as index,
        ForwardProxy(routes={"index.example": index.port}) as proxy,
    ):
        yield {"UV_DEFAULT_INDEX": f"{address}/simple/", "HTTP_PROXY": proxy.url, "NO_PROXY": ""}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "client").mkdir()
    return tmp_path / "client"


def test_it_drops_kernel_pins_and_configuration(neo: Neo, folder: Path) -> None:
    with far_index() as variables:
        done = neo.run(neo.script("init", str(folder)), cwd=folder, check=True, variables=variables)
    assert names(folder) == [".gitignore", *NAMES]
    assert done.stdout.splitlines()[:3] == [
        f"wrote {folder / name}" for name in (NAMES[2], NAMES[1], NAMES[0])
    ]
    assert (folder / "proto_kernel.py").read_bytes() == PACKAGED.read_bytes()
    assert os.access(folder / "proto_kernel.py", os.X_OK)
    assert tomllib.loads((folder / "groundup.toml").read_text()) == {}
    assert set(IGNORED) <= set((folder / ".gitignore").read_text().splitlines())


def test_what_it_drops_boots(neo: Neo, folder: Path) -> None:
    write_project(folder, "demo")
    neo.run(neo.module("init", str(folder)), check=True)
    done = run_kernel(folder, "run", "--", "python", "-c", "import demo; print(demo.VERSION)", env=neo.env)
    assert (done.returncode, done.stdout) == (0, "0.1.0\n")


def test_the_pins_name_each_file_without_credentials(neo: Neo, folder: Path) -> None:
    with far_index() as variables:
        neo.run(neo.module("init", str(folder)), check=True, variables=variables)
    text = (folder / "proto_kernel.pins").read_text()
    pins = proto_kernel.read_pins(str(folder / "proto_kernel.pins"))
    assert {(*what, sha256) for what, (sha256, _) in pins.items()} == {
        (*what, sha256) for sha256, what in wanted_files().items()
    }
    assert all(url.startswith("http://index.example/files/") for _, url in pins.values())
    assert "secret" not in text


def test_without_an_argument_it_takes_the_current_folder(neo: Neo, folder: Path) -> None:
    with far_index() as variables:
        neo.run(neo.script("init"), cwd=folder, check=True, variables=variables)
    assert (folder / "proto_kernel.py").is_file()


@pytest.mark.parametrize("name", NAMES)
def test_it_overwrites_nothing_and_then_writes_nothing(neo: Neo, folder: Path, name: str) -> None:
    write(folder, name, "mine")
    done = neo.run(neo.module("init", str(folder)))
    assert done.returncode == 2
    assert done.stderr == f"error: {folder} has {name} already\nhint: --force replaces them\n"
    assert names(folder) == [name]
    assert (folder / name).read_text() == "mine"


def test_force_replaces_what_is_there(neo: Neo, folder: Path) -> None:
    for name in NAMES:
        write(folder, name, "mine")
    with far_index() as variables:
        neo.run(neo.module("init", "--force", str(folder)), check=True, variables=variables)
    assert not any((folder / name).read_text() == "mine" for name in NAMES)
    assert os.access(folder / "proto_kernel.py", os.X_OK)


def test_a_configuration_in_the_project_file_is_enough(neo: Neo, folder: Path) -> None:
    write_project(folder, "demo", tool={"groundup": {"target": "ready"}})
    with far_index() as variables:
        neo.run(neo.module("init", str(folder)), check=True, variables=variables)
    assert not (folder / "groundup.toml").exists()
    config = json.loads(run_kernel(folder, "config", "--json", env=neo.env, check=True).stdout)
    assert [project["path"] for project in config["projects"]] == [str(folder)]


def test_gitignore_keeps_its_lines(neo: Neo, folder: Path) -> None:
    write(folder, ".gitignore", "*.pyc\n.venv/\n")
    with far_index() as variables:
        neo.run(neo.module("init", str(folder)), check=True, variables=variables)
    lines = (folder / ".gitignore").read_text().splitlines()
    assert lines[:2] == ["*.pyc", ".venv/"]
    assert all(lines.count(line) == 1 for line in IGNORED)


def test_addresses_of_this_machine_alone_are_not_written(neo: Neo, folder: Path) -> None:
    with ListingIndex("http://localhost:1") as index:
        address = f"{index.base}/simple/"
        done = neo.run(
            neo.module("init", str(folder)),
            check=True,
            variables={"UV_DEFAULT_INDEX": address, "NO_PROXY": "*"},
        )
    assert "warning: proto_kernel.pins is not written" in done.stderr
    assert "no other machine can use: http://localhost" in done.stderr
    assert names(folder) == [".gitignore", "groundup.toml", "proto_kernel.py"]


def test_a_folder_of_files_as_index_is_not_written(neo: Neo, folder: Path, tmp_path: Path) -> None:
    index = tmp_path / "index"
    for sha256, what in wanted_files().items():
        write(index, f"{what[0]}/index.html", "")
        page = (index / what[0] / "index.html").read_text()
        link = f'<a href="{filename(*what)}#sha256={sha256}">{filename(*what)}</a>\n'
        (index / what[0] / "index.html").write_text(page + link)
    done = neo.run(
        neo.module("init", str(folder)), check=True, variables={"UV_DEFAULT_INDEX": index.as_uri()}
    )
    assert "warning: proto_kernel.pins is not written" in done.stderr
    assert not (folder / "proto_kernel.pins").exists()


def test_an_index_without_the_kernels_files_gives_no_pins(neo: Neo, folder: Path) -> None:
    other = {f"{number:064}": what for number, what in enumerate(wanted_files().values())}
    with far_index(other) as variables:
        done = neo.run(neo.module("init", str(folder)), check=True, variables=variables)
    assert "has no file of uv" in done.stderr
    assert "secret" not in done.stderr
    assert not (folder / "proto_kernel.pins").exists()


def test_a_missing_folder_is_an_error(neo: Neo, folder: Path) -> None:
    done = neo.run(neo.module("init", str(folder / "deeper")))
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"error: there is no folder {folder / 'deeper'}\nhint: make it first\n"


def test_a_broken_project_file_is_an_error_that_names_it(neo: Neo, folder: Path) -> None:
    write(folder, "pyproject.toml", "[project\n")
    done = neo.run(neo.module("init", str(folder)))
    assert done.returncode == 2
    assert f"error: {folder / 'pyproject.toml'}: not valid TOML" in done.stderr
    assert names(folder) == ["pyproject.toml"]

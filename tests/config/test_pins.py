"""The pins file: the kernel's own files, with addresses that every machine can use."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
import tomli_w
from hypothesis import given
from hypothesis import strategies as st

from groundup import proto_kernel
from groundup.config.pins import (
    UnusableAddressError,
    pins_from_lock,
    pins_text,
    portable,
    wanted_files,
)
from groundup.errors import GroundupError


def lock(hashes: Iterable[str], address: str = "https://files.example/{}.whl") -> str:
    wheels = [{"url": address.format(sha256[:8]), "hashes": {"sha256": sha256}} for sha256 in hashes]
    return tomli_w.dumps({"packages": [{"name": "uv", "wheels": wheels}, {"name": "empty"}]})


def test_the_kernel_wants_uv_for_every_platform_and_tomli() -> None:
    wanted = list(wanted_files().values())
    assert ("tomli", proto_kernel.TOMLI_VERSION, "any") in wanted
    platforms = {platform for name, _, platform in wanted if name == "uv"}
    assert {"linux-x86_64", "macos-arm64", "windows-x86_64"} <= platforms
    assert len(platforms) == len(wanted) - 1


def test_the_files_that_the_kernel_pins_are_taken_and_no_others() -> None:
    pins = pins_from_lock(lock([*wanted_files(), "0" * 64]))
    assert {pin.sha256 for pin in pins} == set(wanted_files())
    assert {(pin.name, pin.version, pin.platform) for pin in pins} == set(wanted_files().values())


def test_an_index_with_some_platforms_gives_those() -> None:
    sha256 = next(iter(wanted_files()))
    (pin,) = pins_from_lock(lock([sha256]))
    assert pin.url == f"https://files.example/{sha256[:8]}.whl"


def test_the_kernel_reads_what_is_written(tmp_path: Path) -> None:
    pins = pins_from_lock(lock(wanted_files()))
    path = tmp_path / "proto_kernel.pins"
    path.write_text(pins_text(pins))
    assert proto_kernel.read_pins(str(path)) == {
        (pin.name, pin.version, pin.platform): (pin.sha256, pin.url) for pin in pins
    }


@pytest.mark.parametrize("hashes", [[], ["0" * 64]])
def test_an_index_without_any_of_them_is_an_error(hashes: list[str]) -> None:
    with pytest.raises(GroundupError, match="has no file of uv") as caught:
        pins_from_lock(lock(hashes))
    assert caught.value.hint


@pytest.mark.parametrize(
    "address",
    [
        "file:///srv/{}.whl",
        "http://localhost:8080/{}.whl",
        "http://index.localhost/{}.whl",
        "http://127.0.0.1/{}.whl",
        "http://127.8.8.8:3141/{}.whl",
        "http://user:secret@127.0.0.1/{}.whl",
        "http://[::1]:3141/{}.whl",
        "http://0.0.0.0:3141/{}.whl",
    ],
)
def test_local_addresses_are_refused_without_their_credentials(address: str) -> None:
    with pytest.raises(UnusableAddressError, match="no other machine can use") as caught:
        pins_from_lock(lock(wanted_files(), address))
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("wheel", [{"path": "wheels/uv.whl"}, {}, {"url": ""}])
def test_a_file_without_address_is_refused(wheel: dict[str, Any]) -> None:
    with pytest.raises(UnusableAddressError):
        portable(wheel)


plain = st.text("abcdefghijklmnopqrstuvwxyz0123456789-_.~%", min_size=1)


@given(user=plain, password=plain, port=st.sampled_from(["", ":8443"]), token=plain)
def test_no_part_of_the_credentials_is_kept(user: str, password: str, port: str, token: str) -> None:
    url = f"https://{user}:{password}@index.example{port}/files/uv.whl?token={token}#sha256={token}"
    assert portable({"url": url}) == f"https://index.example{port}/files/uv.whl"

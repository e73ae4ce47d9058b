"""Digests of secrets tell that a secret changed, and nobody what it is."""

from __future__ import annotations

import hashlib
import stat
import threading
from pathlib import Path

from pydantic import SecretStr

from groundup.dag.uptodate.secrets import KEY_SIZE, Secrets
from tests.dag.uptodate.desk import Desk, read


def test_the_same_secret_has_the_same_digest_in_every_process(tmp_path: Path) -> None:
    path = tmp_path / "folder/key"
    first = Secrets(path)
    assert first.digest("a") == Secrets(path).digest("a") == first.digest("a")
    assert first.digest("a") != first.digest("b")


def test_elsewhere_it_has_another_digest(tmp_path: Path) -> None:
    here, there = Secrets(tmp_path / "here"), Secrets(tmp_path / "there")
    assert here.digest("a") != there.digest("a")
    assert here.digest("a") != hashlib.blake2b(b"a", digest_size=16).hexdigest()


def test_only_its_owner_may_read_the_key(tmp_path: Path) -> None:
    Secrets(tmp_path / "key").digest("a")
    assert {path.name for path in tmp_path.iterdir()} == {"key", "locks"}
    assert stat.S_IMODE((tmp_path / "key").stat().st_mode) == 0o600
    assert len((tmp_path / "key").read_bytes()) == KEY_SIZE


def test_processes_that_begin_at_once_have_one_key(tmp_path: Path) -> None:
    digests: list[str] = []
    threads = [
        threading.Thread(target=lambda: digests.append(Secrets(tmp_path / "key").digest("a")))
        for _ in range(32)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(digests) == {Secrets(tmp_path / "key").digest("a")}


def test_a_damaged_key_is_made_anew(tmp_path: Path) -> None:
    (tmp_path / "key").write_bytes(b"short")
    assert Secrets(tmp_path / "key").digest("a") == Secrets(tmp_path / "key").digest("a")


def test_where_no_key_can_be_kept_it_lasts_as_long_as_the_process(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    secrets = Secrets(tmp_path / "file/key")
    assert secrets.digest("a") == secrets.digest("a")
    assert secrets.digest("a") != Secrets(tmp_path / "file/key").digest("a")


def test_people_are_told_no_digest_of_a_secret(desk: Desk) -> None:
    desk.evaluate(read, 1, params={"token": SecretStr("one")})
    assert desk.judge(read, params={"token": SecretStr("one")}).up_to_date
    (change,) = desk.judge(read, params={"token": SecretStr("two")}).reasons
    assert change.text == "parameter token changed: secret → secret (another)"
    desk.again()
    assert desk.judge(read, params={"token": SecretStr("one")}).up_to_date

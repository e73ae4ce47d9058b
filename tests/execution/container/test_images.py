"""Images by name: there, fetched from a registry that may want a password, or an error; then pinned."""

from __future__ import annotations

import io
import json
import os
import tarfile
from base64 import b64encode
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from groundup.execution.container.engine import Engine
from groundup.execution.container.errors import ImageMissing
from groundup.execution.container.images import find_image, split_name
from tests.support.registry import Registry


@pytest.mark.parametrize(
    ("name", "repository", "tag"),
    [
        ("python", "python", "latest"),
        ("python:3.12-slim", "python", "3.12-slim"),
        ("registry.example:5000/team/py", "registry.example:5000/team/py", "latest"),
        ("registry.example:5000/team/py:1", "registry.example:5000/team/py", "1"),
        ("python@sha256:abc", "python", "sha256:abc"),
    ],
)
def test_names_are_taken_apart(name: str, repository: str, tag: str) -> None:
    assert split_name(name) == (repository, tag)


def small_image(content: bytes) -> bytes:
    """Return the file system of a tiny image."""
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as files:
        entry = tarfile.TarInfo("content")
        entry.size = len(content)
        files.addfile(entry, io.BytesIO(content))
    return archive.getvalue()


@contextmanager
def image_in(registry: Registry, engine: Engine, content: bytes = b"one") -> Iterator[str]:
    """Push an image into a registry, so that the engine does not have it itself; give its name."""
    name = f"{registry.name}/team/small"
    push(registry, engine, content)
    try:
        yield f"{name}:moving"
    finally:
        remove(engine, f"{name}:moving")


def push(registry: Registry, engine: Engine, content: bytes) -> None:
    name = f"{registry.name}/team/small"
    engine.api.import_image_from_data(small_image(content), repository=name, tag="moving")
    auth = {"username": registry.user or "nobody", "password": registry.password}
    said = list(engine.api.push(name, tag="moving", auth_config=auth, stream=True, decode=True))
    assert not [line for line in said if "error" in line]
    remove(engine, f"{name}:moving")


def remove(engine: Engine, name: str) -> None:
    """Remove an image with all of its names."""
    for found in engine.api.images(name):
        engine.api.remove_image(found["Id"], force=True)


@pytest.fixture
def registry() -> Iterator[Registry]:
    """A registry for everybody."""
    with Registry() as server:
        yield server


def test_an_image_that_is_missing_is_fetched_and_pinned_by_its_digest(
    registry: Registry, docker: Engine
) -> None:
    with image_in(registry, docker) as name:
        image = find_image(docker, name)
        assert image.pinned.startswith(f"{registry.name}/team/small@sha256:")
        assert image.pinned.partition("@")[2] in registry.manifests
        assert docker.api.inspect_image(image.pinned)["Id"] == image.id
        asked = len(registry.requests)
        assert find_image(docker, name) == image
        assert find_image(docker, image.pinned).id == image.id
        assert len(registry.requests) == asked


def test_a_pinned_name_is_fetched_as_it_is(registry: Registry, docker: Engine) -> None:
    with image_in(registry, docker) as name:
        pinned = find_image(docker, name).pinned
        remove(docker, name)
        push(registry, docker, b"two")
        assert find_image(docker, pinned).pinned == pinned


def test_pull_never_and_always(registry: Registry, docker: Engine) -> None:
    with image_in(registry, docker) as name:
        with pytest.raises(ImageMissing, match="pull='never' forbids"):
            find_image(docker, name, pull="never")
        first = find_image(docker, name)
        manifests = dict(registry.manifests)
        push(registry, docker, b"two")
        second = find_image(docker, name, pull="always")
        assert second.id != first.id
        assert second.pinned != first.pinned
        registry.manifests.update({"moving": manifests["moving"]})
        assert find_image(docker, name).id == second.id


def test_an_image_that_no_registry_has(registry: Registry, docker: Engine) -> None:
    with pytest.raises(
        ImageMissing, match=f"no image {registry.name}/absent at the engine, and it cannot be"
    ):
        find_image(docker, f"{registry.name}/absent")


def test_a_registry_that_is_not_there(docker: Engine) -> None:
    with Registry() as gone:
        name = gone.name
    with pytest.raises(ImageMissing, match="connection refused") as missing:
        find_image(docker, f"{name}/python:3.12")
    assert "load" in missing.value.hint


def test_a_registry_that_wants_a_password(
    docker: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Registry(user="me", password="sesame") as registry, image_in(registry, docker) as name:
        with pytest.raises(ImageMissing, match="cannot be fetched") as missing:
            find_image(docker, name)
        assert "docker login" in missing.value.hint
        login = {"auths": {registry.name: {"auth": b64encode(b"me:sesame").decode()}}}
        (tmp_path / "config.json").write_text(json.dumps(login))
        monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
        with closing(Engine(docker.url)) as engine:
            assert find_image(engine, name).pinned.startswith(f"{registry.name}/team/small@sha256:")


def test_an_image_that_was_made_here_is_pinned_by_its_id(engine: Engine) -> None:
    image = find_image(engine, "python:3.12-slim", pull="never")
    assert image.pinned == image.id
    assert image.id.startswith("sha256:")
    assert image.path.startswith("/usr/local/bin")


def test_an_image_of_another_platform(docker: Engine) -> None:
    other = "linux/arm64" if os.uname().machine == "x86_64" else "linux/amd64"
    with pytest.raises(ImageMissing, match=f"not for {other}"):
        find_image(docker, "python:3.12-slim", pull="never", platform=other)

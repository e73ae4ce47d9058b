"""Images: found by name, fetched where that is wanted, and from then on known by what they contain."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from groundup.execution.container.engine import Engine, speaking
from groundup.execution.container.errors import ImageMissing

_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True)
class Image:
    """An image that is there.

    :param name: as it was asked for.
    :param pinned: its digest in the repository that it came from, else its id: what moves no more.
    :param id: what the engine calls it.
    :param path: where its programs are looked for.
    """

    name: str
    pinned: str
    id: str
    path: str = _PATH


def find_image(engine: Engine, name: str, *, pull: str = "missing", platform: str | None = None) -> Image:
    """Return an image, which is fetched where `pull` says so.

    :param pull: "missing", "never" or "always".
    :raises ImageMissing: it is not there, and cannot be fetched or must not be.
    """
    found = None if pull == "always" else _inspect(engine, name)
    if found is None and pull == "never":
        raise ImageMissing(
            f"there is no image {name} at the engine, and pull='never' forbids to fetch it",
            hint=f"load it (`{engine.name} load`), or name one that is there",
        )
    if found is None:
        _pull(engine, name, platform)
        found = _inspect(engine, name)
    if found is None:
        raise ImageMissing(f"the image {name} is not there after it was fetched", hint="check its name")
    _check_platform(found, name, platform)
    return Image(name, _pinned(found, name), found["Id"], _path(found))


def _inspect(engine: Engine, name: str) -> dict[str, Any] | None:
    import docker.errors

    with speaking(f"look for image {name}"):
        try:
            found: dict[str, Any] = engine.api.inspect_image(name)
        except docker.errors.NotFound:
            return None
        return found


def _pull(engine: Engine, name: str, platform: str | None) -> None:
    import docker.errors
    import requests.exceptions

    from groundup import proto_kernel

    repository, tag = split_name(name)
    try:
        for line in engine.api.pull(repository, tag=tag, platform=platform, stream=True, decode=True):
            if "error" in line:
                raise docker.errors.DockerException(line["error"])
    except (docker.errors.DockerException, requests.exceptions.RequestException) as error:
        words = proto_kernel.mask(str(getattr(error, "explanation", None) or error))
        raise ImageMissing(
            f"there is no image {name} at the engine, and it cannot be fetched: {words}",
            hint=f"check the name; log in to its registry (`{engine.name} login`); without a network, "
            f"load it (`{engine.name} load`) or name one that is there: image='…'",
        ) from error


def split_name(name: str) -> tuple[str, str]:
    """Return repository and tag, or digest, of an image's name."""
    repository, at, digest = name.partition("@")
    if at:
        return repository, digest
    head, colon, tag = name.rpartition(":")
    return (head, tag) if colon and "/" not in tag else (name, "latest")


def _pinned(found: dict[str, Any], name: str) -> str:
    """Return the digest in the repository that was named, else the id."""
    repository = split_name(name)[0]
    endings = {repository, repository.removeprefix("docker.io/").removeprefix("library/")}
    for digest in found.get("RepoDigests") or ():
        origin = digest.partition("@")[0]
        if origin in endings or origin.removeprefix("docker.io/").removeprefix("library/") in endings:
            return str(digest)
    return str(found["Id"])


def _path(found: dict[str, Any]) -> str:
    """Return the search path of an image."""
    variables = (found.get("Config") or {}).get("Env") or ()
    return next((each.partition("=")[2] for each in variables if each.startswith("PATH=")), _PATH)


def _check_platform(found: dict[str, Any], name: str, platform: str | None) -> None:
    if platform is None:
        return
    has = f"{found.get('Os', 'linux')}/{found.get('Architecture', '')}"
    if platform.split("/")[:2] != has.split("/"):
        raise ImageMissing(
            f"the image {name} is for {has}, not for {platform}",
            hint="pull='always' fetches the one for another platform",
        )

"""Facts about an image: its own Python is asked, once, in a container like any other."""

from __future__ import annotations

import os
import re
from contextlib import closing
from pathlib import Path

from groundup.execution.container.config import ContainerConfig
from groundup.execution.container.engine import Engine
from groundup.execution.container.errors import ContainerError, ImageMissing
from groundup.execution.container.images import Image
from groundup.execution.container.platforms import Facts
from groundup.execution.container.recipe import Recipe
from groundup.execution.container.session import Session
from groundup.execution.run import Run
from groundup.projects.home import cache_folder

_TIMEOUT = 120  # seconds: an image of another processor is emulated
_NOT_THERE = re.compile(r"executable file .*not found|no such file or directory", re.IGNORECASE)
_HINT = "choose an image that has it: python_tag='3.12-slim', or image='…'"


def facts_of(engine: Engine, config: ContainerConfig, image: Image, user: str) -> Facts:
    """Return what the Python of an image is; kept by the image's id.

    :raises ImageMissing: it has no `python3` that works.
    """
    file = cache_folder() / "containers" / "images" / f"{image.id.rpartition(':')[2]}.json"
    try:
        return Facts.read(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        facts = _ask(engine, config, image, user)
    _keep(file, facts.text())
    return facts


def _ask(engine: Engine, config: ContainerConfig, image: Image, user: str) -> Facts:
    program = (Path(__file__).parent / "probe.py").read_text(encoding="utf-8")
    session = Session(engine, config, Recipe(image.id, user), has_shell=False)
    with closing(session):
        session.start()
        try:
            ended = session.run(["python3", "-I", "-S", "-c", program], {}, Run(timeout=_TIMEOUT))
        except ContainerError as error:
            if not _NOT_THERE.search(str(error)):
                raise
            raise ImageMissing(f"the image {image.name} has no python3 on its PATH", hint=_HINT) from error
    try:
        return Facts.read(ended.stdout.text())
    except ValueError as error:
        words = ended.stderr.text().strip() or f"it exited with {ended.exit_code}"
        raise ImageMissing(f"the python3 of image {image.name} does not work: {words}", hint=_HINT) from error


def _keep(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    aside = file.with_name(f".{file.name}.{os.urandom(8).hex()}")
    aside.write_text(text, encoding="utf-8")
    aside.rename(file)

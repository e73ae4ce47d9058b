"""The pages about containers: settings are those of the model, examples run."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from groundup.execution.container import ContainerConfig
from groundup.execution.container.engine import Engine
from tests.docs.pages import CHECKOUT, blocks
from tests.support.containers import TAG, share_facts
from tests.support.users import User

REFERENCE = CHECKOUT / "docs/reference/container.md"
HOW_TO = CHECKOUT / "docs/how-to/run-in-a-container.md"
SIZES = {"MiB": 2**20, "GiB": 2**30}


def settings() -> dict[str, str]:
    """Return the settings that the reference lists, with their defaults."""
    _, _, section = REFERENCE.read_text(encoding="utf-8").partition("## Settings")
    rows = re.findall(r"^\| `(\w+)` \| (.*?) \|", section.partition("\n## ")[0], re.MULTILINE)
    return dict(rows)


def test_the_settings_are_those_of_the_model() -> None:
    assert list(settings()) == list(ContainerConfig.model_fields)


def test_the_defaults_are_those_of_the_model() -> None:
    defaults = ContainerConfig()
    for name, told in settings().items():
        real = getattr(defaults, name)
        number, _, unit = told.partition(" ")
        if unit in SIZES:
            assert real == int(number) * SIZES[unit], name
        elif told.startswith("`"):
            assert repr(real) == told.strip("`").replace('"', "'"), name
        else:
            assert real is None, name


EXAMPLES = [block for block in blocks(HOW_TO.read_text(encoding="utf-8")) if block.language == "python"]
PRINTED = {
    "humanize": r"1,234,567\n container:docker (python@)?sha256:\w+\n",
    "output.txt": r"3\n",
    "warm=2": r"0\n1\n4\n9\n16\n",
    "air_gapped": "",
    "reap_containers": r"\[.*\]\n",
}


@pytest.mark.parametrize("words", PRINTED)
def test_the_examples_run(words: str, user: User, docker: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    assert f'"{TAG}"' in HOW_TO.read_text(encoding="utf-8")
    share_facts(user)
    (example,) = [block.text for block in EXAMPLES if words in block.text]
    env = {**user.env, "DOCKER_HOST": docker.url}
    if words == "humanize":  # what it requires is on a real index
        example = example.replace("humanize.intcomma(1234567)", '"1,234,567"').replace("humanize", "alpha")
    done = subprocess.run(
        [sys.executable, "-c", example], env=env, cwd=user.home, capture_output=True, text=True, check=False
    )
    assert done.stderr == ""
    assert re.fullmatch(PRINTED[words], done.stdout)
    assert len(EXAMPLES) == len(PRINTED)

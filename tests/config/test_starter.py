"""What a repository gets when it takes groundup in."""

from __future__ import annotations

import re
import tomllib

from groundup import proto_kernel
from groundup.config.starter import starter_config


def uncommented(text: str) -> str:
    """Return the text with every line that holds a key or a table header uncommented."""
    return re.sub(r"(?m)^# (\[\w+\]|\w+ = )", r"\1", text)


def test_everything_is_commented_out() -> None:
    assert tomllib.loads(starter_config("1.2.3")) == {}


def test_it_shows_every_key_with_a_value_of_its_type() -> None:
    shown = tomllib.loads(uncommented(starter_config("1.2.3")))
    assert set(shown) == set(proto_kernel.SCHEMA) - {"root"}
    assert set(shown["uv"]) == set(proto_kernel.UV_SCHEMA)
    for key, value in shown.items():
        assert proto_kernel.fits(value, proto_kernel.SCHEMA[key]), key


def test_it_names_the_kernels_uv() -> None:
    assert '# version = "1.2.3"' in starter_config("1.2.3")

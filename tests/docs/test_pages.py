"""Every example of the documentation does what its page says."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.docs.pages import CHECKOUT, Block, blocks, commands, name_of, pages
from tests.docs.reader import World, follow
from tests.docs.shell import Shell

ALL = [pytest.param(page, id=name_of(page)) for page in pages()]
EXAMPLES = CHECKOUT / "docs/examples"


def has_commands(page: Path) -> bool:
    return any(b.language == "console" and not b.not_run for b in blocks(page.read_text(encoding="utf-8")))


@pytest.mark.parametrize("page", [param for param in ALL if has_commands(Path(str(param.values[0])))])
def test_a_page_runs_from_top_to_bottom(
    page: Path, world: World, open_shell: Callable[[Path], Shell]
) -> None:
    start = world.home
    if page.is_relative_to(EXAMPLES):
        start = world.home / "groundup" / page.parent.relative_to(CHECKOUT)
    with open_shell(start) as shell:
        assert follow(page.read_text(encoding="utf-8"), world, shell) > 0


def fault(block: Block) -> str:
    """Return what is wrong with the text of a block of TOML or Python; "" where nothing is."""
    try:
        if block.language == "toml":
            tomllib.loads(block.text)
        elif block.language == "python":
            compile(block.text, "", "exec")
    except (tomllib.TOMLDecodeError, SyntaxError) as error:
        return f"block at line {block.line}: {error}"
    return ""


@pytest.mark.parametrize("page", ALL)
def test_toml_and_python_can_be_read(page: Path) -> None:
    assert [found for block in blocks(page.read_text(encoding="utf-8")) if (found := fault(block))] == []


def test_what_is_not_run_is_rare_and_says_why() -> None:
    left_out = [
        (name_of(page), command.text)
        for page in pages()
        for block in blocks(page.read_text(encoding="utf-8"))
        if block.language == "console" and block.not_run
        for command in commands(block)
    ]
    assert len(left_out) <= 6, left_out

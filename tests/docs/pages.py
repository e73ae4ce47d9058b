"""Pages of the documentation: their blocks of code, their commands, their links."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
FENCE = re.compile(r"(?P<fence>```+)(?P<language>[\w-]*)\s*")
DIRECTIVE = re.compile(r"<!-- (?P<word>file|not run): (?P<value>.+) -->")
PROMPT, CONTINUED = "$ ", "> "


@dataclass(frozen=True)
class Block:
    """One fenced block. `line`: of its opening fence. `file`: what it is the content of.

    `not_run`: why its commands are not run here.
    """

    language: str
    text: str
    line: int
    file: str = ""
    not_run: str = ""


@dataclass(frozen=True)
class Command:
    """One command of a console block and the output that the page shows for it."""

    text: str
    expected: list[str]
    line: int


def pages() -> list[Path]:
    """Return every page: the README and all of docs."""
    return [CHECKOUT / "README.md", *sorted((CHECKOUT / "docs").rglob("*.md"))]


def name_of(page: Path) -> str:
    """Return the page's path inside the checkout."""
    return page.relative_to(CHECKOUT).as_posix()


def blocks(text: str) -> Iterator[Block]:
    """Yield the fenced blocks of a page.

    :raises ValueError: a block is not closed.
    """
    lines = iter(enumerate(text.splitlines(), 1))
    directive: dict[str, str] = {}
    for number, line in lines:
        opened = FENCE.fullmatch(line)
        if opened is None:
            found = DIRECTIVE.fullmatch(line)
            directive = {found["word"].replace(" ", "_"): found["value"]} if found else {}
            continue
        content = []
        for _, inner in lines:
            if inner == opened["fence"]:
                break
            content.append(inner)
        else:
            raise ValueError(f"line {number}: the block is not closed")
        yield Block(opened["language"], "".join(f"{each}\n" for each in content), number, **directive)
        directive = {}


def commands(block: Block) -> list[Command]:
    """Return the commands of a console block, in order.

    :raises ValueError: it does not begin with a command.
    """
    found: list[Command] = []
    for number, line in enumerate(block.text.splitlines(), block.line + 1):
        if line.startswith(PROMPT):
            found.append(Command(line.removeprefix(PROMPT), [], number))
        elif not found:
            raise ValueError(f"line {number}: a console block begins with '$ '")
        elif line.startswith(CONTINUED) and not found[-1].expected:
            last = found[-1]
            found[-1] = Command(f"{last.text}\n{line.removeprefix(CONTINUED)}", [], last.line)
        else:
            found[-1].expected.append(line)
    return found


def without_blocks(text: str) -> str:
    """Return a page's text without its fenced blocks."""
    return re.sub(r"(?ms)^(```+).*?^\1$", "", text)


def links(text: str) -> list[str]:
    """Return the targets of a page's links, in its text or in its tables."""
    return re.findall(r"\]\(([^()\s]+)\)", re.sub(r"`[^`\n]*`", "", without_blocks(text)))


def headings(text: str) -> set[str]:
    """Return the anchors that a page's headings make."""
    titles = re.findall(r"(?m)^#+ (.+)$", without_blocks(text))
    return {re.sub(r"[^\w\- ]", "", title.lower()).strip().replace(" ", "-") for title in titles}

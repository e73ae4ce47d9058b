"""A reader who follows a page on a fresh machine, from its first block to its last."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from groundup import proto_kernel
from tests.docs.matching import matches
from tests.docs.pages import Block, Command, blocks, commands
from tests.docs.shell import Shell

HOME = "/home/you"  # what pages call the reader's home folder
INDEX = "packages.example.com"  # what pages call a private index
PLATFORM = "linux-x86_64"  # the platform of the pages
ASKS_FOR_CODE = "echo $?"


@dataclass(frozen=True)
class World:
    """Where the names that pages use lead to: the home folder; host and port of the private index."""

    home: Path
    index: str
    platform: str = proto_kernel.platform_key()

    def to_real(self, text: str) -> str:
        """Return a page's text with this machine's names."""
        host = self.index.partition(":")[0]
        text = re.sub(rf"https://(?=(?:[^\s/@]+@)?{re.escape(INDEX)})", "http://", text)
        text = re.sub(rf"(//(?:[^\s/@]+@)?){re.escape(INDEX)}", rf"\g<1>{self.index}", text)
        return text.replace(INDEX, host).replace(HOME, str(self.home)).replace(PLATFORM, self.platform)

    def to_page(self, text: str) -> str:
        """Return a program's text with the names that pages use."""
        text = re.sub(rf"http://((?:[^\s/@]+@)?){re.escape(self.index)}", rf"https://\g<1>{INDEX}", text)
        return text.replace(self.index, INDEX).replace(str(self.home), HOME).replace(self.platform, PLATFORM)


def follow(text: str, world: World, shell: Shell) -> int:
    """Write the files of a page and run its commands, top to bottom; return how many commands ran.

    :raises AssertionError: a command printed something else, or failed where the page does not say so.
    """
    ran = 0
    for block in blocks(text):
        if block.file:
            write(shell.cwd / block.file, world.to_real(block.text))
        elif block.language == "console" and not block.not_run:
            ran += _follow_commands(block, world, shell)
    return ran


def write(file: Path, text: str) -> None:
    """Write a file that the page shows; the mode of one that is there stays."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")


def _follow_commands(block: Block, world: World, shell: Shell) -> int:
    session = commands(block)
    for command, following in zip(session, [*session[1:], None], strict=True):
        answer = shell.run(world.to_real(command.text))
        actual = [world.to_page(line) for line in answer.lines]
        if not matches(command.expected, actual):
            raise AssertionError(_difference(command, actual))
        if answer.code and (following is None or following.text != ASKS_FOR_CODE):
            raise AssertionError(
                f"line {command.line}: `{command.text}` exits with {answer.code}; the page must show it "
                f"by `$ {ASKS_FOR_CODE}`\n" + "\n".join(actual)
            )
    return len(session)


def _difference(command: Command, actual: list[str]) -> str:
    return "\n".join(
        [
            f"line {command.line}: $ {command.text}",
            "--- on the page",
            *command.expected,
            "--- printed",
            *actual,
        ]
    )

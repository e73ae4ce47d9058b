"""The reference of the kernel names everything that is there, and nothing that is not."""

from __future__ import annotations

import ast
import inspect
import re
from pathlib import Path

import pytest

from groundup import proto_kernel as kernel
from tests.docs.pages import CHECKOUT, without_blocks
from tests.docs.tables import codes, names, table
from tests.support.folding import unfold

PAGE = (CHECKOUT / "docs/reference/kernel.md").read_text(encoding="utf-8")
KINDS = {
    "text": kernel.TEXT,
    "table": kernel.TABLE,
    "table of lists": kernel.TABLE,
    "list of text": kernel.TEXTS,
    "list of tables": kernel.PROJECTS,
}
VARIABLE = re.compile(r"[A-Z][A-Z0-9]*(_[A-Z0-9]+)*")
# Texts in capitals that are no variables: flags, a prefix, a setting of Python's build, OpenSSL's word.
NO_VARIABLES = {"CERTIFICATE_VERIFY_FAILED", "MANY", "PYTHON", "WHEEL_PKG_DIR"}
NO_VARIABLES |= {"O_BINARY", "O_NOFOLLOW", "O_NONBLOCK"}
SIGNALS = re.compile("SIG[A-Z]+")
# Variables in their usual meaning, which a reader need not be told.
STANDARD = {"ENV", "HOME", "PATH", "PYTHONPATH", "ZDOTDIR"}
PROXIES = {"HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "NO_PROXY"}  # read by the standard library


def variables_of_kernel() -> set[str]:
    tree = ast.parse(unfold(Path(kernel.__file__).read_text(encoding="utf-8")))
    texts = {n.value for n in ast.walk(tree) if isinstance(n, ast.Constant) and isinstance(n.value, str)}
    found = {text for text in texts if VARIABLE.fullmatch(text) and not SIGNALS.fullmatch(text)}
    return found - NO_VARIABLES


def test_every_key_stands_there_with_its_type() -> None:
    assert {names([row])[0]: KINDS[row[1]] for row in table(PAGE, "key")} == kernel.SCHEMA


@pytest.mark.parametrize(("key", "schema"), [("projects", "PROJECT_SCHEMA"), ("uv", "UV_SCHEMA")])
def test_every_key_of_a_table_stands_there(key: str, schema: str) -> None:
    (row,) = (row for row in table(PAGE, "key") if names([row]) == [key])
    assert set(getattr(kernel, schema)) <= set(codes(row[3]))


def test_every_command_stands_there_and_in_the_help() -> None:
    assert set(names(table(PAGE, "command"))) - {"commands"} == set(kernel.KERNEL_COMMANDS)
    assert all(re.search(rf"(?m)^  {name}\b", kernel.HELP) for name in kernel.KERNEL_COMMANDS)


def test_every_option_stands_there_and_in_the_help() -> None:
    options = set(names(table(PAGE, "option")))
    assert options == set(re.findall(r"(?<!\S)--?[a-z]+", kernel.HELP.partition("options:")[2]))
    for option in options:
        kernel.parse_input([option, "name"], {})


def test_every_variable_stands_there() -> None:
    capitals = {code for code in codes(without_blocks(PAGE)) if VARIABLE.fullmatch(code)}
    described = capitals - NO_VARIABLES - {"COMMAND"}
    assert variables_of_kernel() - STANDARD == described - STANDARD - PROXIES
    assert described >= PROXIES


def test_the_variables_that_are_removed_are_told() -> None:
    rows = [row for row in table(PAGE, "variable") if "removed before client code starts" in row[1]]
    assert names(rows) == list(kernel.INPUT_VARIABLES)


def test_every_platform_stands_there() -> None:
    pinned = {line.split()[0] for line in kernel.UV_WHEELS.strip().splitlines()}
    paragraph = PAGE.partition("Platforms are")[2].partition("\n\n")[0]
    assert set(codes(paragraph)) == pinned | {"any"}


def test_functions_stand_there_as_they_are_called() -> None:
    for signature in (codes(row[0])[0] for row in table(PAGE, "function")):
        name, _, arguments = signature.rstrip(")").partition("(")
        described = [part.strip().partition("=")[0] for part in arguments.split(",")]
        real = inspect.signature(getattr(kernel, name)).parameters
        assert [p for p in described if p.isidentifier()] == [p for p in real if p != "place"]


def test_the_leaps_stand_in_their_order() -> None:
    assert [row[0] for row in table(PAGE, "leap")] == ["input", "primer", "client", "env", "derived"]

"""Imports are read in every place that Python knows, and never run."""

from __future__ import annotations

import sys
from keyword import iskeyword
from textwrap import dedent, indent

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundup.errors import UserError
from groundup.projects.inference.imports import Import, Need, read_imports
from groundup.projects.script import Script

OWN = (sys.version_info[0], sys.version_info[1])


def read(code: str | bytes, version: tuple[int, int] = OWN) -> list[Need]:
    return read_imports(Script(dedent(code).encode() if isinstance(code, str) else code), version)


def modules(code: str | bytes, version: tuple[int, int] = OWN) -> list[str]:
    """Return what is imported in any case, first alternatives only."""
    needs = [need for need in read(code, version) if not need.optional]
    return [one.module for need in needs for one in need.alternatives[0]]


def test_forms_of_imports() -> None:
    assert read("import a, b.c as d\nfrom e.f import g, h as i\nfrom j import *\n") == [
        Need(((Import("a", 1),),)),
        Need(((Import("b.c", 1),),)),
        Need(((Import("e.f", 2, ("g", "h")),),)),
        Need(((Import("j", 3, ("*",)),),)),
    ]


def test_relative_imports_are_of_the_scripts_own() -> None:
    assert read("from . import a\nfrom .b import c\nfrom .. import d\n") == []


@pytest.mark.parametrize(
    "code",
    [
        "def f():\n    import x",
        "async def f():\n    import x",
        "class C:\n    def f(self):\n        import x",
        "if input():\n    import x",
        "if input():\n    pass\nelif input():\n    import x",
        "if input():\n    pass\nelse:\n    import x",
        "for _ in []:\n    import x",
        "while input():\n    pass\nelse:\n    import x",
        "with open('f'):\n    import x",
        "match input():\n    case 'a':\n        import x",
        "try:\n    import x\nfinally:\n    pass",
        "try:\n    pass\nexcept ValueError:\n    import x",
        "try:\n    pass\nexcept OSError:\n    pass\nelse:\n    import x",
        "try:\n    pass\nfinally:\n    import x",
        "try:\n    pass\nexcept* OSError:\n    import x",
        "import importlib\nimportlib.import_module('x')",
        "import importlib\nimportlib.import_module(package='p', name='x')",
        "from importlib import import_module\nf = lambda: [import_module('x')]",
        "if __import__('x').y: pass",
        "def f(a=__import__('x')): pass",
        "match __import__('x'):\n    case 1: pass",
        "match 1:\n    case 1 if __import__('x'): pass",
    ],
)
def test_imports_are_found_anywhere(code: str) -> None:
    assert "x" in modules(code)


def test_what_is_imported_by_a_name_that_only_a_run_knows_is_not_guessed() -> None:
    code = (
        "import_module(name)\n__import__('a' + 'b')\nimport_module('.x', 'p')\nimport_module('no module')\n"
        "reimport_module('x')\nimport_module()\nimport_module(*['x'])\n"
    )
    assert read(code) == []


@pytest.mark.parametrize("handler", ["ImportError", "ModuleNotFoundError", "(KeyError, ImportError)"])
def test_a_fallback_is_an_alternative(handler: str) -> None:
    code = f"try:\n    import a\nexcept {handler}:\n    import b as a\n"
    assert read(code) == [Need(((Import("a", 2),), (Import("b", 4),)))]


def test_fallbacks_of_fallbacks() -> None:
    code = "try:\n import a\nexcept ImportError:\n try:\n  import b\n except ImportError:\n  import c\n"
    assert read(code) == [Need(((Import("a", 2),), (Import("b", 5),), (Import("c", 7),)))]


@pytest.mark.parametrize(
    "handled",
    [
        "except ImportError:\n    a = None",
        "except ImportError:\n    pass",
        "except:\n    a = None",
        "except Exception:\n    a = None",
    ],
)
def test_an_import_that_the_script_goes_on_without_is_optional(handled: str) -> None:
    assert read(f"try:\n    import a\n{handled}\n") == [Need(((Import("a", 2),),), optional=True)]


def test_suppressed_imports_are_optional() -> None:
    code = "from contextlib import suppress\nwith suppress(ImportError):\n    import a\n"
    assert [need.optional for need in read(code)] == [False, True]


@pytest.mark.parametrize(
    "handled",
    [
        "except ImportError:\n    raise SystemExit('install a')",
        "except ImportError:\n    print('install a')\n    sys.exit(1)",
        "except ImportError as error:\n    print('install a', error)",
        "except ValueError:\n    a = None",
    ],
)
def test_a_handler_that_prepares_nothing_makes_nothing_optional(handled: str) -> None:
    assert modules(f"try:\n    import a\n{handled}\n") == ["a"]


def test_a_handler_for_every_error_around_more_than_imports_makes_nothing_optional() -> None:
    assert modules("try:\n    import a\n    a.run()\nexcept Exception:\n    x = 1\n") == ["a"]


@pytest.mark.parametrize(
    ("condition", "version", "found"),
    [
        ("TYPE_CHECKING", OWN, ["no"]),
        ("typing.TYPE_CHECKING", OWN, ["no"]),
        ("not TYPE_CHECKING", OWN, ["yes"]),
        ("sys.version_info >= (3, 11)", (3, 11), ["yes"]),
        ("sys.version_info >= (3, 11)", (3, 10), ["no"]),
        ("sys.version_info < (3, 11)", (3, 11), ["no"]),
        ("sys.version_info[0] == 2", (3, 9), ["no"]),
        ("sys.version_info.major > 2", (3, 9), ["yes"]),
        ("sys.version_info[:2] == (3, 9)", (3, 9), ["yes"]),
        ("sys.version_info >= (3, 9, 4)", (3, 9), ["no", "yes"]),
        ("sys.version_info >= version", (3, 9), ["no", "yes"]),
        ("sys.platform == 'amiga'", OWN, ["no"]),
        ("sys.platform.startswith('amiga')", OWN, ["no"]),
        ("os.name == 'amiga' and input()", OWN, ["no"]),
        ("os.name != 'amiga' or input()", OWN, ["yes"]),
        ("False", OWN, ["no"]),
        ("input()", OWN, ["no", "yes"]),
    ],
)
def test_branches_that_are_known_not_to_run_are_left_out(
    condition: str, version: tuple[int, int], found: list[str]
) -> None:
    assert sorted(modules(f"if {condition}:\n    import yes\nelse:\n    import no\n", version)) == found


@pytest.mark.parametrize(
    "content",
    [
        b"\xef\xbb\xbfimport x\n",
        b"# -*- coding: latin-1 -*-\nimport x # \xe4\n",
        b"# comment\n# vim: set fileencoding=cp1252 :\nimport x # \x80\n",
        b"import x\r\nimport os\r\n",
        b"pass\rimport x\r",
        b"import x",
        b"'\\d'\nimport x\n",
    ],
)
def test_what_python_accepts_is_read(content: bytes) -> None:
    assert "x" in modules(content)


@pytest.mark.parametrize(
    ("content", "place"),
    [
        (b"import x\nimport\n", "<script>:2"),
        (b"x = (\n", "<script>:1"),
        (b"x = 1\0\n", "<script>:"),
        (b"# coding: nonsense\n", "<script>:"),
        (b"x = '\xff'\n", "<script>:"),
    ],
)
def test_what_is_no_python_is_told_with_its_line(content: bytes, place: str) -> None:
    with pytest.raises(UserError, match=place) as refused:
        read(content)
    assert refused.value.hint


def test_newer_grammar_than_that_of_this_python_says_so() -> None:
    with pytest.raises(UserError, match="<script>:2") as refused:
        read_imports(Script(b"import x\nnewer grammar\n"), (3, sys.version_info[1] + 1))
    assert f"read as Python 3.{sys.version_info[1]}" in str(refused.value.hint)


def test_long_chains_of_branches_are_read() -> None:
    code = "if a:\n    pass\n" + "".join(f"elif a == {n}:\n    import m{n}\n" for n in range(400))
    assert len(modules(code)) == 400


words = st.from_regex(r"[a-z]{1,6}", fullmatch=True).filter(lambda word: not iskeyword(word))
names = st.lists(words, min_size=1, max_size=3).map(".".join)
WRAPPERS = (
    "{0}",
    "if input():\n{1}",
    "def f():\n{1}",
    "class C:\n{1}",
    "for _ in ():\n{1}",
    "while input():\n{1}",
    "with open(f):\n{1}",
    "try:\n{1}\nfinally:\n    pass",
    "match input():\n    case 1:\n{2}",
    "if input():\n    pass\nelse:\n{1}",
    "try:\n    pass\nexcept ValueError:\n{1}",
)


def wrapped(code: str, wrapper: str) -> str:
    return wrapper.format(code, indent(code, "    "), indent(code, "        "))


@given(st.lists(names, min_size=1, max_size=4), st.lists(st.sampled_from(WRAPPERS), max_size=5))
def test_every_import_is_found_with_its_line_however_deep(wanted: list[str], wrappers: list[str]) -> None:
    code = "\n".join(f"import {name}" for name in wanted)
    for wrapper in wrappers:
        code = wrapped(code, wrapper)
    found = [one for need in read(code + "\n") for one in need.alternatives[0]]
    assert [one.module for one in found] == wanted
    lines = code.split("\n")
    assert all(lines[one.line - 1].strip() == f"import {one.module}" for one in found)


@given(st.lists(names, min_size=1, max_size=4, unique=True), st.sampled_from(WRAPPERS))
def test_alternatives_keep_their_order(wanted: list[str], wrapper: str) -> None:
    code = f"import {wanted[-1]}"
    for name in reversed(wanted[:-1]):
        code = f"try:\n    import {name}\nexcept ImportError:\n{indent(code, '    ')}"
    (need,) = read(wrapped(code, wrapper) + "\n")
    assert [one.module for alternative in need.alternatives for one in alternative] == wanted

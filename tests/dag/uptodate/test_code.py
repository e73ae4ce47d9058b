"""The digest of code: it changes with what a function does, and with nothing else."""

from __future__ import annotations

import functools
import subprocess
import sys
import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from groundup.dag import state
from groundup.dag.uptodate.code import VERSION, code_digest, value_text
from tests.support.process import clean_env, interpreters, run
from tests.support.requirements import require

SOURCE = Path(__file__).parents[3] / "src"
BASE = """
def f(a, b=1, *, c="x"):
    total = a + b
    if total > 10:
        return [total, None]
    class Inner:
        factor = 2
        def times(self, x): return x * self.factor
    def inner(y):
        return y in {1, 2, 3} and Inner().times(y)
    return inner(total), c
"""
SAME = {
    "comment": BASE.replace("    total =", "    # sum\n    total ="),
    "moved": "\n\n\n" + BASE,
    "lines between": BASE.replace("\n    ", "\n\n    "),
    "docstring": BASE.replace("    total =", '    """Adds."""\n    total =', 1),
    "other docstring": BASE.replace("    total =", '    """Adds up."""\n    total =', 1),
    "docstring within": BASE.replace("        return y", '        """Look."""\n        return y'),
    "annotation": BASE.replace("f(a,", "f(a: int,"),
    "brackets": BASE.replace("a + b", "(a + b)"),
    "spelling of a number": BASE.replace("10", "0xA"),
}
DIFFERENT = {
    "constant": BASE.replace("10", "11"),
    "type of a constant": BASE.replace("> 10", "> 10.0"),
    "constant of an inner function": BASE.replace("{1, 2, 3}", "{1, 2, 4}"),
    "constant of an inner class": BASE.replace("factor = 2", "factor = 3"),
    "method of an inner class": BASE.replace("x * self", "x + self"),
    "operator": BASE.replace("a + b", "a - b"),
    "default": BASE.replace("b=1", "b=2"),
    "default of a keyword": BASE.replace('c="x"', 'c="y"'),
    "name of a parameter": BASE.replace("f(a,", "f(z,").replace("a + b", "z + b"),
    "kind of a parameter": BASE.replace("*, c=", "c="),
    "name of a local variable": BASE.replace("total", "sum_"),
    "called name": BASE.replace("Inner().times", "Inner().squares"),
    "coroutine": BASE.replace("def f", "async def f"),
    "generator": BASE.replace("    return inner", "    yield inner"),
    "None for a value": BASE.replace("[total, None]", "[total, 0]"),
    "handled error": BASE.replace(
        "    return inner(total), c", "    try: return inner(total), c\n    except KeyError: pass"
    ),
}


def compiled(source: str, name: str = "f", file: str = "states.py") -> Callable[..., Any]:
    names: dict[str, Any] = {}
    exec(compile(source, file, "exec", dont_inherit=True), names)  # noqa: S102 - states as files have them
    function: Callable[..., Any] = names[name]
    return function


@pytest.mark.parametrize("source", SAME.values(), ids=SAME.keys())
def test_what_says_the_same_has_one_digest(source: str) -> None:
    assert source != BASE
    assert code_digest(compiled(source)) == code_digest(compiled(BASE))


@pytest.mark.parametrize("source", DIFFERENT.values(), ids=DIFFERENT.keys())
def test_what_does_something_else_has_another_digest(source: str) -> None:
    assert source != BASE
    assert code_digest(compiled(source)) != code_digest(compiled(BASE))


def test_one_more_star_is_something_else() -> None:
    one, other = compiled("def f(*rest): return rest"), compiled("def f(**rest): return rest")
    assert code_digest(one) != code_digest(other)


def test_all_differences_are_told_apart() -> None:
    assert len({code_digest(compiled(source)) for source in DIFFERENT.values()}) == len(DIFFERENT)


def test_the_file_does_not_matter() -> None:
    assert code_digest(compiled(BASE, file="here.py")) == code_digest(compiled(BASE, file="/there/x.py"))


def test_the_digest_is_led_by_the_minor_version_of_python() -> None:
    assert code_digest(compiled(BASE)).startswith(f"{sys.version_info[0]}.{sys.version_info[1]}-")
    assert code_digest(compiled(BASE)).startswith(VERSION)


def test_running_a_function_does_not_change_its_digest() -> None:
    function = compiled(BASE)
    before = code_digest(function)
    for number in range(5000):  # the interpreter rewrites what runs often
        function(number)
    assert function.__code__ is not compiled(BASE).__code__
    copy = compiled(BASE)
    code_digest.__globals__["_code"].cache_clear()
    assert code_digest(function) == before == code_digest(copy)


def test_more_constants_than_a_byte_counts() -> None:
    def listing(last: int, doc: str = "") -> Callable[..., Any]:
        lines = "\n".join(f"    x.append({number + 1000})" for number in range(300))
        return compiled(f"def f(x):\n{doc}{lines}\n    x.append({last})\n")

    assert code_digest(listing(1)) != code_digest(listing(2))
    assert code_digest(listing(1)) == code_digest(listing(1))


def test_what_a_function_closes_over_counts() -> None:
    def make(flags: Any) -> Callable[..., Any]:
        return lambda: flags

    def of(value: Any) -> str:
        return code_digest(make(value))

    values = [
        1,
        1.0,
        True,
        "1",
        b"1",
        None,
        [1],
        (1,),
        {1},
        {"a": 1},
        {"a": 2},
        Path("a"),
        Path("b"),
        int,
        str,
    ]
    assert len({of(value) for value in values}) == len(values)
    assert of(["-O2"]) == of(["-O2"]) != of(["-O3"])
    assert of({"b", "a", "c"}) == of({"c", "b", "a"})


def test_what_has_no_stable_text_counts_by_its_type() -> None:
    def make(thing: object) -> Callable[..., Any]:
        return lambda: thing

    class Thing:
        pass

    class Other:
        pass

    assert code_digest(make(Thing())) == code_digest(make(Thing())) != code_digest(make(Other()))


def test_functions_that_are_closed_over_count_by_their_code() -> None:
    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def wrapper(*args: Any) -> Any:
            return function(*args)

        return wrapper

    one, moved, other = (
        compiled(f"{above}def f(): return {value}") for above, value in [("", 1), ("\n\n", 1), ("", 2)]
    )
    assert code_digest(decorate(one)) == code_digest(decorate(moved)) != code_digest(decorate(other))
    cached = [code_digest(functools.lru_cache(function)) for function in (one, moved, other)]
    assert cached[0] == cached[1] != cached[2]


def test_a_function_that_closes_over_itself() -> None:
    def make(step: int) -> Callable[[int], int]:
        def down(number: int) -> int:
            return down(number - step) if number > 0 else number

        return down

    assert code_digest(make(1)) == code_digest(make(1)) != code_digest(make(2))


def test_a_variable_that_is_not_set_yet() -> None:
    def reader() -> Any:
        return later

    before = code_digest(reader)
    later = 1
    assert code_digest(reader) != before


def test_states_and_modules_that_are_closed_over_count_by_name() -> None:
    def make(thing: Any) -> Callable[..., Any]:
        return lambda: thing

    first, second = (state(compiled(f"{above}def f(): return 1"), name="one") for above in ("", "\n"))
    assert code_digest(make(first)) == code_digest(make(second))
    assert code_digest(make(textwrap)) != code_digest(make(functools))


def test_partials_count_with_their_arguments() -> None:
    function, other = compiled(BASE), compiled(DIFFERENT["operator"])

    def of(function: Callable[..., Any], *args: Any, **keywords: Any) -> str:
        return code_digest(functools.partial(function, *args, **keywords))

    assert of(function, 1, c=2) == of(function, 1, c=2) != of(function, 2, c=2)
    assert len({of(function), of(function, 1), of(function, b=1), of(function, c=1), of(other)}) == 5


def test_methods_count_by_their_function() -> None:
    class Tool:
        def __init__(self, path: str) -> None:
            self.path = path

        def run(self) -> int:
            return 1

        def stop(self) -> int:
            return 2

    assert code_digest(Tool("a").run) == code_digest(Tool("b").run) != code_digest(Tool("a").stop)


def test_an_object_that_can_be_called_counts_by_its_fields_and_code() -> None:
    @dataclass
    class Step:
        name: str

        def __call__(self) -> str:
            return self.name

    class Other:
        def __call__(self) -> str:
            return "x"

    assert code_digest(Step("a")) == code_digest(Step("a")) != code_digest(Step("b"))
    assert code_digest(Other()) != code_digest(Step("a"))


def test_builtin_functions_count_by_name() -> None:
    assert code_digest(len) == code_digest(len) != code_digest(max)


def test_texts_of_values_hold_no_addresses() -> None:
    text = value_text([object(), len, int, functools, lambda: 1, functools.partial(len)])
    assert "0x" not in text


SCRIPT = """
import sys
from groundup.dag.uptodate.code import code_digest
for source in eval(sys.stdin.read()):
    names = {}
    exec(compile(source, "states.py", "exec", dont_inherit=True), names)
    print(code_digest(names["f"]))
"""


@pytest.mark.parametrize("version", ["3.11", "3.12", "3.13"])
def test_every_python_tells_apart_what_differs_and_only_that(version: str, tmp_path: Path) -> None:
    python = interpreters().get(version)
    require(python is not None, f"Python {version}")
    sources = [BASE, *SAME.values(), *DIFFERENT.values()]
    outputs = {
        run(
            [str(python), "-c", SCRIPT],
            env=clean_env(tmp_path / "home", PYTHONPATH=str(SOURCE), PYTHONHASHSEED=seed),
            cwd=tmp_path,
            check=True,
            stdin=repr(sources),
        ).stdout
        for seed in ("1", "2")
    }
    assert len(outputs) == 1, "the order of a set depends on the process"
    digests = outputs.pop().split()
    assert set(digests[1 : len(SAME) + 1]) == {digests[0]}
    assert len(set(digests)) == 1 + len(DIFFERENT)


def test_digests_are_those_of_another_process(tmp_path: Path) -> None:
    sources = [BASE, *DIFFERENT.values()]
    other = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        input=repr(sources),
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
    )
    assert other.stdout.split() == [code_digest(compiled(source)) for source in sources]

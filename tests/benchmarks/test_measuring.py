"""Measuring: real processes, what they took, what they held, and what happens when one fails."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from tests.benchmarks.interpreter import describe, without_hooks
from tests.benchmarks.measuring import WARM_UPS, BenchmarkError, Command, in_turns, measure, peak_memory

BUSY = """
import time
while time.process_time() < 0.2: pass
"""
PYTHON = Path(sys.executable)


def python(code: str) -> Command:
    return Command((str(PYTHON), "-I", "-c", code), os.environ)


def test_processor_time_is_that_of_the_children_too() -> None:
    parent = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {BUSY!r}])"
    assert measure(python(parent)).cpu >= 0.2


def test_waiting_takes_time_but_no_processor() -> None:
    cost = measure(python("import time; time.sleep(0.5)"))
    assert cost.wall >= 0.5
    assert cost.cpu < cost.wall


def test_what_a_process_says_is_told_only_when_it_fails(capfd: pytest.CaptureFixture[str]) -> None:
    measure(python("print('fine')"))
    with pytest.raises(BenchmarkError, match=r"(?s)exited with 3: .*wrong"):
        measure(python("import sys; print('wrong', file=sys.stderr); sys.exit(3)"))
    assert capfd.readouterr() == ("", "")


def test_every_second_round_runs_in_reverse(tmp_path: Path) -> None:
    log: list[str] = []

    def noting(name: str) -> Command:
        return Command((str(PYTHON), "-I", "-S", "-c", "pass"), os.environ, lambda: log.append(name))

    costs = in_turns({name: noting(name) for name in "ab"}, 3)
    assert {name: len(found) for name, found in costs.items()} == {"a": 3, "b": 3}
    assert len(log) == 2 * (3 + WARM_UPS)
    assert "".join(log[2 * WARM_UPS :]) in {"abbaab", "baabba"}


def test_peak_memory_is_that_before_the_exec() -> None:
    grow = "import os; held = b'x' * 2**26; os.execv('/bin/true', ['true'])"
    small = "import os; os.execv('/bin/true', ['true'])"
    difference = peak_memory(python(grow)) - peak_memory(python(small))
    assert difference == pytest.approx(2**16, rel=0.05)


def test_peak_memory_is_not_that_of_the_measuring_process() -> None:
    assert peak_memory(Command(("/bin/true",), os.environ)) < peak_memory(python("pass")) / 2


def test_peak_memory_of_what_fails_is_an_error() -> None:
    with pytest.raises(BenchmarkError, match=r"(?s)exited with 1: .*wrong"):
        peak_memory(python("import sys; sys.exit('wrong')"))


def test_hooks_of_site_packages_are_found(tmp_path: Path) -> None:
    packages = tmp_path / "home" / ".local/lib" / f"python3.{sys.version_info[1]}" / "site-packages"
    packages.mkdir(parents=True)
    (packages / "paths.pth").write_text("/nowhere\n")
    (packages / "loud.pth").write_text("import os; os.environ\n")
    (packages / "usercustomize.py").write_text("")
    base = Path(sys._base_executable)  # type: ignore[attr-defined]
    hooks = describe(base, tmp_path / "home")[1]
    assert {"loud.pth", "usercustomize"} <= set(hooks)
    assert "paths.pth" not in hooks


def test_an_interpreter_without_hooks_is_found_or_made(tmp_path: Path) -> None:
    found = without_hooks(None, tmp_path)
    assert describe(found.path, tmp_path / "home") == (found.version, [])
    assert ".pth hooks" in found.origin

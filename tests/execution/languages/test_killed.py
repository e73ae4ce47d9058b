"""A kill in the middle of install or supply: nothing half done is ever used."""

import os
import random
import signal
import sys
import time
from pathlib import Path

import pytest

from groundup.execution.languages import run_step
from tests.support.background import Background, until
from tests.support.languages import write_language, write_step

RUN = """
import sys
from groundup.execution.languages import run_step
run_step(sys.argv[1], languages={"lang": sys.argv[2]})
"""
HALF = 'echo half > "${target}/half"; touch "{home}/begun"; while [ -e "{home}/wait" ]; do sleep 0.02; done; '
WHOLE = 'echo whole > "${target}/whole"'
READ = 'cat "${target}/half" "${target}/whole" > "$GROUNDUP_STEP_OUTPUTS/a.txt"'


def words(*arguments: Path) -> list[str]:
    return [sys.executable, "-c", RUN, *map(str, arguments)]


@pytest.mark.parametrize("phase", ["install", "supply"])
@pytest.mark.parametrize("whom", ["process", "group"])
def test_a_kill_in_the_middle(home: Path, phase: str, whom: str) -> None:
    target = {"install": "GROUNDUP_STEP_INSTALLED", "supply": "GROUNDUP_STEP_SUPPLIED"}[phase]
    script = (HALF + WHOLE).replace("{target}", f"{{{target}}}").replace("{home}", str(home))
    run = READ.replace("{target}", f"{{{target}}}")
    language = write_language(home / "lang", **{phase: script, "run": run})
    step = write_step(home / "step", outputs={"a": "string"})
    (home / "wait").touch()
    with Background(words(step, language), env=os.environ, cwd=home) as killed:
        until((home / "begun").exists, f"the beginning of {phase}")
        if whom == "process":
            killed.send(signal.SIGKILL)
        else:
            killed.send_to_group(signal.SIGKILL)
        until(killed.ended, "the end of the killed process")
        (home / "wait").unlink()
    shelf = home / "groundup/cache/languages" / phase
    assert [path for path in shelf.iterdir() if not path.name.startswith(".")] == []
    assert run_step(step, languages={"lang": language}).outputs == {"a": "half\nwhole\n"}
    assert not list(shelf.glob(".building/*"))


def test_a_kill_at_any_moment(home: Path) -> None:
    seed = time.time_ns()
    chance = random.Random(seed)  # noqa: S311 - the moment of a kill
    fill = 'for n in 1 2 3 4 5 6 7 8 9; do echo $n > "{}/$n"; sleep 0.01; done'
    read = 'cat "$GROUNDUP_STEP_INSTALLED"/* "$GROUNDUP_STEP_SUPPLIED"/*'
    language = write_language(
        home / "lang",
        install=fill.format("$GROUNDUP_STEP_INSTALLED"),
        supply=fill.format("$GROUNDUP_STEP_SUPPLIED"),
        run=read + ' | tr -d "\\n" > "$GROUNDUP_STEP_OUTPUTS/a.txt"',
    )
    step = write_step(home / "step", outputs={"a": "string"})
    started = time.monotonic()
    with Background(words(step, language), env=os.environ, cwd=home) as first:
        assert first.wait() == 0
    usual = time.monotonic() - started
    for n in range(8):
        write_step(home / "step", outputs={"a": "string"}, parameters={"n": n})
        (home / "lang/language.json").write_text(f'{{"description": "{n}"}}')
        with Background(words(step, language), env=os.environ, cwd=home) as killed:
            time.sleep(chance.uniform(0, usual))
            killed.kill()
            killed.wait()
        result = run_step(step, languages={"lang": language})
        assert result.outputs == {"a": "123456789" * 2}, f"seed {seed}"

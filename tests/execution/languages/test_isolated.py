"""The contract under isolation: an executable sees what it is given, and writes where it may."""

from pathlib import Path

import pytest

from groundup.execution.languages import StepFailed, run_step
from tests.execution.languages.test_examples import EXAMPLE, LANGUAGES, TEXT, node
from tests.support.bubblewrap import Bubblewrapped
from tests.support.index import IndexServer
from tests.support.languages import write_language, write_step
from tests.support.users import User

__all__ = ["node"]

WRITES = """
for name in LANGUAGE INSTALLED COMPONENT SUPPLIED PARAMETERS INPUTS OUTPUTS WORK; do
    eval "folder=\\${GROUNDUP_STEP_$name-}"
    [ -z "$folder" ] || ! touch "$folder/written" 2> /dev/null || echo "$name"
done
"""


@pytest.fixture
def runtime() -> Bubblewrapped:
    return Bubblewrapped()


def test_each_phase_writes_where_it_may_and_nowhere_else(home: Path, runtime: Bubblewrapped) -> None:
    language = write_language(
        home / "lang", install=WRITES, supply=WRITES, run=f'{WRITES}\nrm "$GROUNDUP_STEP_OUTPUTS/written"'
    )
    result = run_step(write_step(home / "step"), on=runtime, languages={"lang": language})
    assert [phase.log.read_text().split() for phase in result.phases] == [
        ["INSTALLED", "WORK"],
        ["SUPPLIED", "WORK"],
        ["OUTPUTS", "WORK"],
    ]


def test_the_network_is_there_for_install_and_supply_alone(home: Path, runtime: Bubblewrapped) -> None:
    (home / "served").mkdir()
    with IndexServer(home / "served") as server:
        address = server.base.partition("://")[2].partition("/")[0]
        host, _, port = address.partition(":")
        ask = (
            "import socket; socket.create_connection"
            f"(({host!r}, {port}), timeout=60).close(); print('connected')"
        )
        script = f'python3 -I -c "{ask}" || true'
        language = write_language(home / "lang", install=script, supply=script, run=script)
        result = run_step(write_step(home / "step"), on=runtime, languages={"lang": language})
    assert [phase.log.read_text().splitlines()[-1] == "connected" for phase in result.phases] == [
        True,
        True,
        False,
    ]


def test_nothing_of_the_caller_is_seen(
    home: Path, runtime: Bubblewrapped, monkeypatch: pytest.MonkeyPatch
) -> None:
    (home / "secret").write_text("secret")
    monkeypatch.setenv("SECRET", "secret")
    step = write_step(home / "step", outputs={"seen": "string"})
    look = f'{{ cat "{home}/secret" 2> /dev/null || true; env; }} | grep secret || true'
    look = f'({look}) > "$GROUNDUP_STEP_OUTPUTS/seen.txt"'
    language = write_language(home / "lang", run=look)
    assert run_step(step, on=runtime, languages={"lang": language}).outputs == {"seen": ""}
    assert "secret" in run_step(step, languages={"lang": language}).outputs["seen"]  # it is there on the host


def test_a_step_in_python_with_a_dependency(user: User, runtime: Bubblewrapped) -> None:
    folder = user.home / "step"
    step = write_step(
        folder,
        language="python3",
        parameters={"file": "main.py", "function": "main"},
        inputs={"n": {"type": "int", "value": 2}},
        outputs={"version": "string", "n": "int"},
    )
    (folder / "requirements.txt").write_text("beta\n")
    (folder / "main.py").write_text(
        "import alpha, subprocess\n"
        "def main(n): return {'version': subprocess.check_output(['beta'], text=True), 'n': n + 1}\n"
    )
    for _ in range(2):
        result = run_step(step, on=runtime)
        assert result.outputs == {"version": "beta with alpha 1.1\n", "n": 3}
        assert result.environment == "bubblewrap"
    assert [phase.is_cached for phase in result.phases] == [True, True, False]


def test_a_setup_py_runs_isolated_too(user: User, runtime: Bubblewrapped) -> None:
    from tests.execution.languages.test_python3 import BACKEND, OWN_BACKEND

    folder = user.home / "step"
    step = write_step(folder, language="python3", parameters={"file": "main.py", "function": "main"})
    spying = BACKEND + f"\nassert not __import__('os').path.exists({str(user.home / 'secret')!r}), 'seen'\n"
    for name, text in (("setup.py", ""), ("pyproject.toml", OWN_BACKEND), ("backend.py", spying)):
        (folder / name).write_text(text)
    (folder / "main.py").write_text("import alpha\ndef main(): pass\n")
    (user.home / "secret").touch()
    assert run_step(step, on=runtime).ok
    with pytest.raises(StepFailed, match="supply of python3 failed") as failed:
        run_step(step)
    assert "seen" in failed.value.log.read_text()


def test_the_example_languages(home: Path, node: None, runtime: Bubblewrapped) -> None:
    counted = run_step(
        EXAMPLE / "steps/count/step.yaml", on=runtime, languages=LANGUAGES, inputs={"text": TEXT}
    )
    assert counted.outputs["words"] == 10
    ranked = run_step(
        EXAMPLE / "steps/rank/step.toml", on=runtime, languages=LANGUAGES, inputs={"text": TEXT}
    )
    assert ranked.outputs["ranking"][0] == {"word": "the", "times": 3}

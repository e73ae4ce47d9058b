"""Steps in a language of shell scripts: what executables get, what is kept, how runs end."""

import json
import os
import pickle
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from filelock import FileLock

from groundup.errors import UserError
from groundup.execution.languages import StepError, StepFailed, StepResult, run_step
from groundup.execution.languages.folders import KEPT
from groundup.execution.languages.schemas import published
from tests.support.languages import write_language, write_step

COUNTED = 'echo "$GROUNDUP_STEP_PHASE" >> "{home}/phases"'


class Desk:
    """A language, a step in it, and how often each of its executables ran."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.component = home / "step"
        self.step = write_step(self.component)
        self.language = self.write_language()

    def write_language(self, settings: dict[str, Any] | None = None, /, **scripts: str) -> Path:
        counted = COUNTED.format(home=self.home)
        texts = {name: f"{counted}\n{scripts.get(name, '')}" for name in ("install", "supply", "run")}
        return write_language(self.home / "lang", settings, **texts)

    def write_step(self, **keys: Any) -> None:
        write_step(self.component, **keys)

    def run(self, **options: Any) -> StepResult:
        return run_step(self.step, languages={"lang": self.language}, **options)

    def ran(self) -> list[str]:
        """Return the phases whose executables ran since the last call."""
        path = self.home / "phases"
        phases = path.read_text().split() if path.exists() else []
        path.unlink(missing_ok=True)
        return phases


@pytest.fixture
def desk(home: Path) -> Desk:
    return Desk(home)


def test_the_phases_of_a_step(desk: Desk) -> None:
    desk.write_language(
        install='printf set > "$GROUNDUP_STEP_INSTALLED/up"',
        supply='cp "$GROUNDUP_STEP_INSTALLED/up" "$GROUNDUP_STEP_SUPPLIED/copy"',
        run="""
        cat "$GROUNDUP_STEP_INSTALLED/up" "$GROUNDUP_STEP_SUPPLIED/copy" > "$GROUNDUP_STEP_OUTPUTS/a.txt"
        cat "$GROUNDUP_STEP_INPUTS/n.txt" > "$GROUNDUP_STEP_OUTPUTS/n.txt"
        """,
    )
    desk.write_step(inputs={"n": "int"}, outputs={"a": "string", "n": "int"})
    begun: list[str] = []
    result = desk.run(inputs={"n": 9}, on_phase=begun.append)
    assert result.outputs == {"a": "setset", "n": 9}
    assert str(result) == 'a = "setset"\nn = 9'
    assert begun == [phase.phase for phase in result.phases] == ["install", "supply", "run"]
    assert (result.step, result.ok, result.error) == ("step", True, None)
    assert json.loads(result.artifact("n").read_text()) == 9
    assert all(phase.seconds > 0 and not phase.is_cached for phase in result.phases)


def test_nothing_that_a_step_leaves_is_too_deep_to_be_removed(desk: Desk) -> None:
    """Each executable works in a folder that goes with the run."""
    deep = "import os\nfor _ in range(1200): os.mkdir('in'); os.chdir('in')"
    desk.write_language(run=f'{sys.executable} -I -c "{deep}"')
    desk.write_step()
    result = desk.run()
    assert result.ok
    assert list((result.folder / "run").glob("work*")) == []


def test_what_an_executable_is_given(desk: Desk) -> None:
    save = 'cp "$GROUNDUP_STEP" "{home}/$GROUNDUP_STEP_PHASE.json"; env > "{home}/$GROUNDUP_STEP_PHASE.env"'
    save = save.format(home=desk.home)
    desk.write_language(install=save, supply=save, run=f'{save}; echo 2 > "$GROUNDUP_STEP_OUTPUTS/out.json"')
    desk.write_step(
        name="named",
        parameters={"file": "main.sh", "depth": 3, "deep": {"x": [1]}, "flag": True},
        inputs={"who": {"type": "string", "value": "you"}, "data": {"type": "point", "value": {"x": 1}}},
        outputs={"out": "json"},
        types={"point": {"schema": {"type": "object"}}},
        env={"LEVEL": "low", "OTHER": "step"},
    )
    desk.run(env={"LEVEL": "high"})
    given = {phase: json.loads((desk.home / f"{phase}.json").read_text()) for phase in desk.ran()}
    assert list(given) == ["install", "supply", "run"]
    for document in given.values():
        jsonschema.validate(document, json.loads(published("given")))
    assert given["install"]["parameters"] == {}
    assert given["supply"]["parameters"]["deep"] == {"x": [1]}
    assert given["supply"]["inputs"] == given["supply"]["outputs"] == {}
    assert given["run"]["name"] == "named"
    assert given["supply"]["name"] is None
    assert given["run"]["inputs"]["who"]["type"] == "string"
    assert given["run"]["inputs"]["data"]["text_file"] is None
    assert given["run"]["types"] == {"point": {"type": "object"}}
    assert given["run"]["folders"]["component"] == str(desk.component)
    environ = dict(
        line.split("=", 1) for line in (desk.home / "run.env").read_text().splitlines() if "=" in line
    )
    assert (environ["LEVEL"], environ["OTHER"]) == ("high", "step")
    assert "LEVEL=" not in (desk.home / "supply.env").read_text()
    for phase, own in (("install", 0), ("supply", 3), ("run", 5)):
        lines = (desk.home / f"{phase}.env").read_text().splitlines()
        names = {line.partition("=")[0] for line in lines if line.startswith("GROUNDUP_STEP")}
        always = {"", "_PHASE", "_LANGUAGE", "_WORK", "_INSTALLED"}
        more = ["_COMPONENT", "_SUPPLIED", "_PARAMETERS", "_INPUTS", "_OUTPUTS"][:own]
        assert names == {f"GROUNDUP_STEP{name}" for name in always | set(more)}


def test_inputs_and_parameters_are_files(desk: Desk) -> None:
    desk.write_language(run=f'cd "$GROUNDUP_STEP_INPUTS"; cp * "$GROUNDUP_STEP_PARAMETERS"/* "{desk.home}"')
    desk.write_step(
        parameters={"file": "main.sh", "depth": 3, "flag": True},
        inputs={
            "who": {"type": "string", "value": "two\nlines ä"},
            "share": {"type": "float", "value": 2},
            "data": {"type": "json", "value": [1, None]},
        },
    )
    desk.run()
    read = {path.name: path.read_text() for path in desk.home.iterdir() if path.suffix in (".json", ".txt")}
    assert read == {
        "who.json": '"two\\nlines ä"\n',
        "who.txt": "two\nlines ä",
        "share.json": "2.0\n",
        "share.txt": "2.0",
        "data.json": "[1, null]\n",
        "file.json": '"main.sh"\n',
        "file.txt": "main.sh",
        "depth.json": "3\n",
        "depth.txt": "3",
        "flag.json": "true\n",
    }


def test_install_and_supply_are_kept(desk: Desk) -> None:
    first = desk.run()
    assert desk.ran() == ["install", "supply", "run"]
    second = desk.run()
    assert desk.ran() == ["run"]
    assert [phase.is_cached for phase in second.phases] == [True, True, False]
    assert [phase.log.read_bytes() for phase in second.phases] == [
        phase.log.read_bytes() for phase in first.phases
    ]


def test_what_install_and_supply_are_kept_by(desk: Desk) -> None:
    desk.write_language({"dependency_files": ["needs.txt", "vendor"]})
    desk.run()
    desk.ran()
    desk.write_step(parameters={"level": 1})
    desk.run()
    assert desk.ran() == ["supply", "run"]
    (desk.component / "needs.txt").write_text("x")
    desk.run()
    assert desk.ran() == ["supply", "run"]
    (desk.component / "main.sh").write_text("x")
    desk.write_step(parameters={"level": 1}, inputs={"a": {"type": "int", "value": 1}})
    desk.run()
    assert desk.ran() == ["run"]
    desk.write_language({"dependency_files": ["needs.txt", "vendor"]}, run="true")
    desk.run()
    assert desk.ran() == ["install", "supply", "run"]


def test_without_settings_every_file_of_the_step_counts(desk: Desk) -> None:
    desk.run()
    desk.ran()
    (desk.component / "any").write_text("x")
    desk.run()
    assert desk.ran() == ["supply", "run"]


def test_steps_share_what_is_installed(desk: Desk) -> None:
    desk.run()
    desk.ran()
    other = write_step(desk.home / "other", name="other")
    run_step(other, languages={"lang": desk.language})
    assert desk.ran() == ["supply", "run"]


@pytest.mark.parametrize("phase", ["install", "supply", "run"])
def test_a_phase_that_fails(desk: Desk, phase: str) -> None:
    desk.write_language(**{phase: "echo out; echo first >&2; echo last words >&2; exit 3"})
    with pytest.raises(StepFailed, match=f"step step: {phase} of lang failed with exit code 3") as failed:
        desk.run()
    error = failed.value
    assert error.hint == f"its last words: last words; everything that it wrote is in {error.log}"
    assert error.log.read_text() == "out\nfirst\nlast words\n"
    assert (error.phase, error.timed_out, error.result.exit_code) == (phase, False, 3)
    assert error.exit_code == (3 if phase == "run" else 1)
    assert pickle.loads(pickle.dumps(error)).log == error.log  # noqa: S301 - our own
    desk.ran()
    result = desk.run(check=False)
    assert (result.ok, result.outputs, str(result.error)) == (False, {}, str(error))
    assert result.phases[-1].phase == phase


@pytest.mark.parametrize("phase", ["install", "supply"])
def test_a_failure_is_not_kept(desk: Desk, phase: str) -> None:
    desk.write_language(**{phase: f'[ -e "{desk.home}/works" ]'})
    desk.run(check=False)
    desk.ran()
    (desk.home / "works").touch()
    desk.run()
    assert desk.ran() == (["install", "supply", "run"] if phase == "install" else ["supply", "run"])


@pytest.mark.parametrize("phase", ["install", "supply", "run"])
def test_a_timeout_ends_what_a_phase_started(desk: Desk, phase: str) -> None:
    desk.write_language(**{phase: f'echo began; sleep 600 & echo $! > "{desk.home}/pid"; wait'})
    with pytest.raises(
        StepFailed, match=rf"{phase} of lang did not end within 1\.\d s and was killed"
    ) as failed:
        desk.run(timeouts={phase: 1})
    assert failed.value.timed_out
    assert failed.value.log.read_text() == "began\n"


def test_a_step_that_says_it_is_wrong_is_the_users_error(desk: Desk) -> None:
    desk.write_language(run="echo 'no such function' >&2; exit 64")
    with pytest.raises(StepFailed, match="says that the step is wrong") as failed:
        desk.run()
    assert failed.value.exit_code == UserError.exit_code


def test_what_does_not_work_any_more_is_made_again(desk: Desk) -> None:
    desk.write_language(
        install='echo 1 > "$GROUNDUP_STEP_INSTALLED/one"',
        supply='[ -e "$GROUNDUP_STEP_INSTALLED/one" ] || exit 75; echo 2 > "$GROUNDUP_STEP_SUPPLIED/two"',
        run='[ -e "$GROUNDUP_STEP_SUPPLIED/two" ] || exit 75',
    )
    desk.run()
    desk.ran()
    kept = desk.home / "groundup/cache/languages"
    for path in [*kept.glob("supply/*/content/two"), *kept.glob("install/*/content/one")]:
        path.unlink()
    result = desk.run()
    assert desk.ran() == ["run", "supply", "install", "supply", "run"]
    assert result.ok
    desk.run()
    assert desk.ran() == ["run"]


def test_what_never_works_is_a_failure(desk: Desk) -> None:
    desk.write_language(run="exit 75")
    with pytest.raises(StepFailed, match="run of lang failed with exit code 75"):
        desk.run()
    assert desk.ran() == ["install", "supply", "run", "supply", "run"]


def test_everything_is_checked_before_anything_starts(desk: Desk) -> None:
    desk.write_language({"parameters": {"required": ["file"]}})
    desk.write_step(inputs={"n": "int"})
    with pytest.raises(StepError, match="'file' is a required property"):
        desk.run(inputs={"n": 1})
    desk.write_step(inputs={"n": "int"}, parameters={"file": "x"})
    with pytest.raises(StepError, match='input n: "x" is no int'):
        desk.run(inputs={"n": "x"})
    with pytest.raises(UserError, match="there is no folder"):
        desk.run(inputs={"n": 1}, component=desk.home / "missing")
    assert desk.ran() == []
    assert not (desk.home / "groundup").exists()


def test_outputs_that_are_not_what_was_declared(desk: Desk) -> None:
    desk.write_language(run='cd "$GROUNDUP_STEP_OUTPUTS"; echo nine > n.txt; echo 1 > extra.json')
    desk.write_step(outputs={"n": "int", "missing": "json"})
    with pytest.raises(StepFailed) as failed:
        desk.run()
    assert failed.value.phase == "outputs"
    assert failed.value.exit_code == 1
    lines = str(failed.value).splitlines()
    assert [line.partition(" (")[0].removeprefix("step step: ") for line in lines] == [
        "output n: Expecting value: line 1 column 1",
        "output missing: it was not written",
        "'extra.json' was written and is not declared",
    ]


def test_what_run_writes_is_heard_while_it_runs(desk: Desk) -> None:
    heard: list[tuple[str, str]] = []
    desk.write_language(supply="echo not heard", run="echo out; echo err >&2; printf '\\377'")
    result = desk.run(
        on_stdout=lambda text: heard.append(("out", text)), on_stderr=lambda text: heard.append(("err", text))
    )
    assert "".join(text for stream, text in heard if stream == "out") == "out\n\udcff"
    assert ("err", "err\n") in heard
    assert sorted(result.phases[-1].log.read_bytes()) == sorted(b"out\nerr\n\xff")


def test_code_elsewhere_than_the_step_file(desk: Desk) -> None:
    desk.write_language(run='cat "$GROUNDUP_STEP_COMPONENT/code" > "$GROUNDUP_STEP_OUTPUTS/a.txt"')
    desk.write_step(outputs={"a": "string"})
    (desk.home / "code").mkdir()
    (desk.home / "code/code").write_text("elsewhere")
    assert desk.run(component=desk.home / "code").outputs == {"a": "elsewhere"}


def test_working_folders_are_empty_and_apart(desk: Desk) -> None:
    check = '[ "$(ls | wc -l)" = 0 ]; [ "$(pwd -P)" = "$(cd "$GROUNDUP_STEP_WORK"; pwd -P)" ]; echo > left'
    desk.write_language(install=check, supply=check, run=check)
    result = desk.run()
    assert not list(result.folder.rglob("work"))


def test_old_runs_are_forgotten(desk: Desk) -> None:
    runs = desk.home / "groundup/steps/step"
    first = desk.run().folder
    old = [runs / f"20200101-000000-{n:08x}" for n in range(KEPT + 3)]
    for folder in old:
        folder.mkdir()
        os.utime(folder, (0, 0))
    lasting, new = old[0], runs / "20190101-000000-00000000"
    new.mkdir()
    with FileLock(lasting / "lock"):
        os.utime(lasting, (0, 0))
        last = desk.run().folder
    kept = set(runs.iterdir())
    assert {first, last, lasting, new} <= kept
    assert len(kept) == KEPT + 2


def test_what_was_supplied_while_files_changed_is_not_kept(desk: Desk) -> None:
    mark = f'"{desk.home}/once"'
    desk.write_language(
        supply=f'[ -e {mark} ] || {{ touch {mark}; echo > "$GROUNDUP_STEP_COMPONENT/needs"; }}'
    )
    with pytest.raises(StepError, match="were changed while supply read them"):
        desk.run()
    (desk.component / "needs").unlink()
    desk.ran()
    desk.run()
    assert desk.ran() == ["supply", "run"]


def test_several_at_once_install_once(desk: Desk) -> None:
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(lambda _: desk.run(), range(4)))
    assert all(result.ok for result in results)
    assert sorted(desk.ran()) == ["install", "run", "run", "run", "run", "supply"]


def test_several_processes_install_once(desk: Desk) -> None:
    desk.write_language(install='sleep 0.3; echo > "$GROUNDUP_STEP_INSTALLED/done"')
    code = "import sys; from groundup.execution.languages import run_step; "
    code += "run_step(sys.argv[1], languages={'lang': sys.argv[2]})"
    words = [sys.executable, "-c", code, str(desk.step), str(desk.language)]
    started = [subprocess.Popen(words, env=os.environ, cwd=desk.home) for _ in range(3)]
    assert [process.wait(120) for process in started] == [0, 0, 0]
    assert sorted(desk.ran()) == ["install", "run", "run", "run", "supply"]


def test_large_output_of_a_failure_gives_its_last_line(desk: Desk) -> None:
    desk.write_language(run='head -c 20000000 /dev/zero | tr "\\0" x >&2; echo >&2; echo end >&2; exit 1')
    with pytest.raises(StepFailed) as failed:
        desk.run()
    assert failed.value.hint.startswith("its last words: end;")
    assert failed.value.log.stat().st_size == 20_000_005

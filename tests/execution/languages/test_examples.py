"""The example languages: POSIX shell and Node, beside python3."""

import shutil
from pathlib import Path

import pytest

from groundup.execution.languages import StepFailed, read_step, run_step
from groundup.execution.languages.checking import check_language
from groundup.execution.languages.language import contract_problems
from groundup.execution.languages.runtime import command_runtime
from tests.support.languages import write_step
from tests.support.neo import CHECKOUT
from tests.support.requirements import require
from tests.support.users import User

EXAMPLE = CHECKOUT / "docs/examples/languages"
LANGUAGES = {name: EXAMPLE / "languages" / name for name in ("shell", "node")}
TEXT = "the cat and\nthe other Cat saw the täglich bird\n"


@pytest.fixture
def node() -> None:
    require(shutil.which("node") and shutil.which("npm"), "node and npm")


@pytest.mark.parametrize("name", LANGUAGES)
def test_they_keep_the_contract(name: str) -> None:
    assert contract_problems(LANGUAGES[name]) == []


def test_a_step_in_shell(home: Path) -> None:
    step = EXAMPLE / "steps/count/step.yaml"
    result = run_step(step, languages=LANGUAGES, inputs={"text": TEXT})
    assert result.outputs == {"words": 10, "longest": "täglich"}
    assert result.phases[-1].log.read_text() == "counted 10 words\n"
    assert run_step(step, languages=LANGUAGES, inputs={"text": ""}).outputs == {"words": 0, "longest": ""}


def shell_step(folder: Path, code: str, *commands: str, **keys: object) -> Path:
    step = write_step(folder, language="shell", parameters={"file": "a.sh", "function": "main"}, **keys)
    (folder / "a.sh").write_text(code)
    (folder / "commands.txt").write_text("".join(f"{name}\n" for name in commands))
    return step


@pytest.mark.parametrize(
    "text", ["", "a", "two\nlines\n", " $HOME `id` ' \" \\ ; . ", "ends with dots..\n\n"]
)
def test_texts_go_through_a_shell_as_they_are(home: Path, text: str) -> None:
    inputs = {"text": {"type": "string", "value": text}, "data": {"type": "json", "value": [1]}}
    outputs = {"text": "string", "data": "string"}
    code = 'main() { output text "$input_text"; output data "$(cat "$input_data")"; }'
    step = shell_step(home / "step", code, inputs=inputs, outputs=outputs)
    assert run_step(step, languages=LANGUAGES).outputs == {"text": text, "data": "[1]"}


def test_a_shell_step_names_its_programs(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    programs = home / "programs"
    programs.mkdir()
    shutil.copy("/bin/sh", programs / "my-program")
    monkeypatch.setenv("PATH", f"{programs}:/usr/bin:/bin")
    step = shell_step(home / "step", "main() { my-program -c true; }", "my-program")
    run_step(step, languages=LANGUAGES)
    (programs / "my-program").unlink()
    with pytest.raises(StepFailed, match="supply of shell failed") as failed:
        run_step(step, languages=LANGUAGES)
    assert "its last words: not on PATH: my-program" in failed.value.hint


def test_a_shell_step_without_its_function_is_wrong(home: Path) -> None:
    with pytest.raises(StepFailed, match="says that the step is wrong") as failed:
        run_step(shell_step(home / "step", "other() { :; }"), languages=LANGUAGES)
    assert "there is no function main" in failed.value.hint


def test_a_step_on_node_with_a_package(home: Path, node: None) -> None:
    result = run_step(EXAMPLE / "steps/rank/step.toml", languages=LANGUAGES, inputs={"text": TEXT})
    assert result.outputs["ranking"] == [
        {"word": "the", "times": 3},
        {"word": "cat", "times": 2},
        {"word": "and", "times": 1},
    ]
    assert not (EXAMPLE / "steps/rank/node_modules").exists()


def test_a_function_that_is_not_exported(home: Path, node: None) -> None:
    parameters = {"file": "a.mjs", "function": "main"}
    step = write_step(home / "step", language="node", parameters=parameters)
    (home / "step/a.mjs").write_text("export const other = 1;\n")
    with pytest.raises(StepFailed, match="says that the step is wrong") as failed:
        run_step(step, languages=LANGUAGES)
    assert "a.mjs exports no function main" in failed.value.hint


def test_node_is_looked_for(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    programs = home / "programs"
    programs.mkdir()
    for name in ("cat", "sh"):
        (programs / name).symlink_to(shutil.which(name) or "")
    monkeypatch.setenv("PATH", str(programs))
    problem = check_language("node", LANGUAGES["node"], command_runtime("host"))
    assert problem.startswith("install of node failed with exit code 1; its last words: node is not on PATH")


def test_what_one_language_gives_another_takes(user: User, node: None) -> None:
    ranked = run_step(EXAMPLE / "steps/rank/step.toml", languages=LANGUAGES, inputs={"text": TEXT, "top": 1})
    greet = read_step(EXAMPLE / "steps/greet/step.json")
    greeted = run_step(greet, artifacts={"ranking": ranked.artifact("ranking")})
    assert greeted.outputs == {"greeting": "Hello you, it is about the."}

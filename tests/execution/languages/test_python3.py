"""Steps in Python: functions, dependencies, what a function may take and return."""

import io
import os
import shutil
import tarfile
from pathlib import Path
from typing import Any

import pytest

from groundup.execution.languages import StepFailed, StepResult, run_step
from groundup.projects.home import cache_folder
from tests.support.languages import write_step
from tests.support.process import interpreters
from tests.support.requirements import require
from tests.support.users import User
from tests.support.wheels import build_wheel

ALPHA = "import alpha\ndef main(): return alpha.VERSION\n"


class Component:
    """The folder of a step in Python whose code is `main.py`."""

    def __init__(self, user: User) -> None:
        self.folder = user.home / "component"
        self.folder.mkdir()

    def write(self, **files: str) -> None:
        for name, text in files.items():
            (self.folder / name.replace("__", ".")).write_text(text)

    def run(self, code: str, inputs: Any = None, outputs: Any = ("result",), **more: Any) -> StepResult:
        (self.folder / "main.py").write_text(code)
        parameters = {"file": "main.py", "function": "main", **more.pop("parameters", {})}
        declared = {name: {"type": "json", "value": value} for name, value in (inputs or {}).items()}
        step = write_step(
            self.folder,
            language="python3",
            parameters=parameters,
            inputs=declared,
            outputs=dict.fromkeys(outputs, "json"),
        )
        return run_step(step, **more)


@pytest.fixture
def component(user: User) -> Component:
    return Component(user)


def result(component: Component, code: str, **more: Any) -> Any:
    return component.run(code, **more).outputs["result"]


def test_each_input_is_a_keyword_argument(component: Component) -> None:
    code = "def main(*, a, b=2, **more): return [a, b, more]\n"
    assert result(component, code, inputs={"a": {"x": None}, "c": "ä"}) == [{"x": None}, 2, {"c": "ä"}]


def test_several_outputs_are_a_dict(component: Component) -> None:
    code = "def main(): return {'a': 1, 'b': [2]}\n"
    assert component.run(code, outputs=("a", "b")).outputs == {"a": 1, "b": [2]}
    with pytest.raises(StepFailed, match="exit code 65") as failed:
        component.run(code, outputs=("a", "c"))
    assert "is to return a dict of its outputs: a, c" in failed.value.hint


def test_without_outputs_what_is_returned_does_not_matter(component: Component) -> None:
    assert component.run("def main(): return object()", outputs=()).outputs == {}


def test_models_dataclasses_and_coroutines(component: Component) -> None:
    code = """
from __future__ import annotations
from dataclasses import dataclass

class Model:
    def __init__(self, x): self.x = x
    @classmethod
    def model_validate(cls, value):
        if "x" not in value: raise ValueError("no x")
        return cls(value["x"])
    def model_dump(self, mode): return {"x": self.x, "mode": mode}

@dataclass
class Point:
    y: int

async def main(point: Model, plain: dict) -> list:
    return [point, Point(point.x + plain["x"])]
"""
    inputs = {"point": {"x": 1}, "plain": {"x": 2}}
    assert result(component, code, inputs=inputs) == [{"x": 1, "mode": "json"}, {"y": 3}]
    with pytest.raises(StepFailed) as failed:
        component.run(code, inputs={"point": {}, "plain": {}})
    assert "input point: no x" in failed.value.hint


@pytest.mark.parametrize(
    ("code", "exit_code", "told"),
    [
        ("x = 1", 2, "error: main.py has no function main"),
        ("def main(b): return 1", 2, "main of main.py does not take the inputs of the step: missing a req"),
        ("def main(a): return {1, 2}", 65, "error: output result cannot be said in JSON: set is no value"),
        ("def main(a): return float('nan')", 65, "error: output result cannot be said in JSON"),
        ("def main(a): return '\\ud800'", 65, "error: output result cannot be said in JSON"),
        ("def main(a): raise ValueError('boom')", 1, "ValueError: boom"),
        ("def main(a): return missing", 1, "NameError: name 'missing' is not defined"),
        ("def main(a):\n  return (", 1, "SyntaxError: '(' was never closed"),
        ("import sys\ndef main(a): sys.exit(7)", 7, "it wrote nothing to stderr"),
        ("import sys\ndef main(a): sys.exit(64)", 1, "it wrote nothing to stderr"),
        ("import sys\ndef main(a): sys.exit(75)", 1, "it wrote nothing to stderr"),
        ("import sys\ndef main(a): sys.exit('bye')", 1, "bye"),
        ("import os\ndef main(a): os.kill(os.getpid(), 11)", 139, "it wrote nothing to stderr"),
    ],
)
def test_what_goes_wrong_in_a_function(component: Component, code: str, exit_code: int, told: str) -> None:
    with pytest.raises(StepFailed, match="step step: run of python3 ") as failed:
        component.run(code, inputs={"a": 1})
    assert told in failed.value.hint
    assert failed.value.exit_code == exit_code


def test_a_traceback_has_the_lines_of_the_step_alone(component: Component) -> None:
    code = "def helper(): raise ValueError('boom')\ndef main(): helper()\n"
    error = component.run(code, check=False).error
    assert error is not None
    lines = error.log.read_text().splitlines()
    files = [line.split('"')[1] for line in lines if line.lstrip().startswith("File")]
    assert files == [str(component.folder / "main.py")] * 2


def test_a_function_that_leaves_without_a_result(component: Component) -> None:
    with pytest.raises(StepFailed, match="output result: it was not written"):
        component.run("import sys\ndef main(): sys.exit()")


def test_modules_beside_the_file_are_found_and_hijack_nothing(component: Component) -> None:
    (component.folder / "src/own").mkdir(parents=True)
    (component.folder / "src/own/__init__.py").write_text("NAME = 'own'")
    for name in ("colorsys", "alpha"):
        (component.folder / f"{name}.py").write_text("raise SystemExit('hijacked')")
    component.write(helper__py="NAME = 'helper'", requirements__txt="alpha")
    code = "import alpha, colorsys, helper, own\ndef main(): return [alpha.VERSION, helper.NAME, own.NAME]\n"
    assert result(component, code) == ["1.1", "helper", "own"]


def test_nothing_is_left_in_the_folder_of_the_step(component: Component) -> None:
    component.write(helper__py="", requirements__txt="alpha")
    component.run("import helper\ndef main(): return 1")
    assert {path.name for path in component.folder.iterdir()} == {
        "helper.py",
        "main.py",
        "requirements.txt",
        "step.json",
    }


def test_requirements_txt(component: Component) -> None:
    component.write(requirements__txt="-r more.txt\nalpha\n", more__txt="gamma\nalpha<1.1\n")
    code = "import alpha, gamma, subprocess\ndef main(): return [alpha.VERSION, gamma.VERSION]\n"
    assert result(component, code) == ["1.0", "1.0"]
    component.write(more__txt="gamma\n")
    assert result(component, code) == ["1.1", "1.0"]


def test_commands_of_dependencies_are_on_path(component: Component) -> None:
    component.write(requirements__txt="beta")
    code = "import subprocess\ndef main(): return subprocess.check_output(['beta'], text=True)\n"
    assert result(component, code) == "beta with alpha 1.1\n"


def test_pyproject_toml(component: Component) -> None:
    component.write(pyproject__toml='[project]\nname = "x"\nversion = "0"\ndependencies = ["alpha<1.1"]\n')
    assert result(component, ALPHA) == "1.0"


def test_a_pyproject_toml_without_a_project_requires_nothing(component: Component) -> None:
    component.write(pyproject__toml="[tool.ruff]\nline-length = 100\n")
    assert result(component, "def main(): return 1") == 1


BACKEND = """
import os
def get_requires_for_build_wheel(config_settings=None): return []
def prepare_metadata_for_build_wheel(folder, config_settings=None):
    os.mkdir(os.path.join(folder, "x-0.dist-info"))
    with open(os.path.join(folder, "x-0.dist-info", "METADATA"), "w") as file:
        file.write("Metadata-Version: 2.1\\nName: x\\nVersion: 0\\nRequires-Dist: alpha<1.1\\n")
    open("left-behind", "w").close()
    return "x-0.dist-info"
def build_wheel(*_): raise NotImplementedError
"""
OWN_BACKEND = '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'


def test_setup_py_is_asked_through_its_build_backend(component: Component) -> None:
    component.write(setup__py="", pyproject__toml=OWN_BACKEND, backend__py=BACKEND, requirements__txt="gamma")
    code = "import alpha, gamma\ndef main(): return alpha.VERSION\n"
    assert result(component, code) == "1.0"
    assert not (component.folder / "left-behind").exists()


def source_archive(folder: Path, name: str) -> None:
    """Write an archive of the sources of a distribution with a build backend of its own."""
    wheel = build_wheel(folder / "built", name, "3.0")
    backend = (
        "import shutil, os\ndef build_wheel(folder, *_, **__):\n"
        f"    return os.path.basename(shutil.copy({wheel.name!r}, folder))\n"
    )
    files = {
        "pyproject.toml": OWN_BACKEND.encode(),
        "backend.py": backend.encode(),
        "PKG-INFO": f"Metadata-Version: 2.1\nName: {name}\nVersion: 3.0\n".encode(),
        wheel.name: wheel.read_bytes(),
    }
    with tarfile.open(folder / f"{name}-3.0.tar.gz", "w:gz") as archive:
        for path, content in files.items():
            info = tarfile.TarInfo(f"{name}-3.0/{path}")
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    shutil.rmtree(folder / "built")


def test_vendor_needs_no_network(component: Component, user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    vendor = component.folder / "vendor"
    build_wheel(vendor, "alpha", "2.0")
    source_archive(vendor, "delta")
    monkeypatch.setenv("UV_DEFAULT_INDEX", "http://127.0.0.1:9/simple/")
    code = "import alpha, delta\ndef main(): return [alpha.VERSION, delta.VERSION]\n"
    asked = len(user.index.requests)
    assert result(component, code) == ["2.0", "3.0"]
    component.write(requirements__txt="alpha\ndelta>2\n")
    assert result(component, code) == ["2.0", "3.0"]
    component.write(requirements__txt="gamma\n")
    with pytest.raises(StepFailed, match="supply of python3 failed") as failed:
        component.run(code)
    assert "gamma" in failed.value.result.stderr
    assert len(user.index.requests) == asked


def test_a_requirement_that_cannot_be_had_is_told_and_asked_for_again(component: Component) -> None:
    component.write(requirements__txt="nonexistent")
    with pytest.raises(StepFailed, match="supply of python3 failed") as failed:
        component.run("def main(): return 1")
    assert "nonexistent was not found" in failed.value.log.read_text()
    component.write(requirements__txt="alpha")
    assert result(component, ALPHA) == "1.1"


def test_a_kept_environment_needs_neither_uv_nor_an_index(
    component: Component, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    component.write(requirements__txt="alpha")
    assert result(component, ALPHA) == "1.1"
    monkeypatch.setenv("PATH", os.pathsep.join(["/usr/bin", "/bin"]))
    monkeypatch.setenv("UV_DEFAULT_INDEX", "http://127.0.0.1:9/simple/")
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "cache"))
    assert result(component, ALPHA) == "1.1"


def test_an_environment_whose_python_is_gone_is_made_again(component: Component) -> None:
    component.write(requirements__txt="alpha")
    assert result(component, ALPHA) == "1.1"
    (python,) = (cache_folder() / "languages/supply").glob("*/content/venv/bin/python")
    python.unlink()
    python.symlink_to("/no/such/python")
    assert result(component, ALPHA) == "1.1"


def other_python(version: str) -> Path:
    require(version in interpreters(), f"CPython {version}")
    return interpreters()[version]


def test_another_python(component: Component) -> None:
    code = "import sys\nasync def main(a: list): return list(sys.version_info[:2]) + a\n"
    parameters = {"python": str(other_python("3.8"))}
    assert result(component, code, inputs={"a": [1]}, parameters=parameters) == [3, 8, 1]


def test_the_python_that_the_folder_asks_for(component: Component) -> None:
    code = "import sys\ndef main(): return sys.version_info[:2]\n"
    component.write(**{"__python-version": f"{other_python('3.13')}\n"})
    assert result(component, code) == [3, 13]

"""Calls the function of a step: inputs from JSON files, outputs into JSON files.

Runs on the step's own Python, CPython 3.8 and newer, and imports nothing but the standard library.
"""

from __future__ import annotations

import dataclasses
import importlib.util
import inspect
import json
import os
import sys
import traceback
import typing
from pathlib import Path
from typing import Any, Callable, NoReturn  # noqa: UP035 - as 3.8 has it

WRONG_STEP, WRONG_DATA, AGAIN = 64, 65, 75


class Stop(Exception):  # noqa: N818 - a way out, with an exit code and what to say
    """The step cannot go on."""


def main() -> int:
    """Run the step; return its exit code."""
    try:
        run(json.loads(Path(os.environ["GROUNDUP_STEP"]).read_text(encoding="utf-8")))
    except Stop as stop:
        code, message = stop.args
        sys.stderr.write(f"error: {message}\n")
        return int(code)
    except SystemExit as error:
        return exit_code(error)
    except BaseException as error:
        sys.stderr.write(own_lines(error))
        return 1
    return 0


def run(step: dict[str, Any]) -> None:
    function = load_function(step)
    result = function(**arguments(step, function))
    if inspect.iscoroutine(result):
        import asyncio

        result = asyncio.run(result)
    write_outputs(step["outputs"], result)


def stop(code: int, message: str) -> NoReturn:
    raise Stop(code, message)


def load_function(step: dict[str, Any]) -> Callable[..., Any]:
    file, name = step["parameters"]["file"], step["parameters"]["function"]
    component = Path(step["folders"]["component"])
    path = component / file
    # Appended, never put first: a file of the step is not to stand for a module of Python or of a library.
    for folder in map(str, (path.parent, component, component / "src")):
        if folder not in sys.path:
            sys.path.append(folder)
    spec = importlib.util.spec_from_file_location(f"step_{path.stem}", path)
    if spec is None or spec.loader is None:
        stop(WRONG_STEP, f"{file} is no Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    function = getattr(module, name, None)
    if not callable(function):
        stop(WRONG_STEP, f"{file} has no function {name}")
    return typing.cast("Callable[..., Any]", function)


def arguments(step: dict[str, Any], function: Callable[..., Any]) -> dict[str, Any]:
    values = {
        name: json.loads(Path(declared["file"]).read_text(encoding="utf-8"))
        for name, declared in step["inputs"].items()
    }
    try:
        inspect.signature(function).bind(**values)
    except TypeError as error:
        parameters = step["parameters"]
        called = f"{parameters['function']} of {parameters['file']}"
        stop(WRONG_STEP, f"{called} does not take the inputs of the step: {error}")
    return {name: in_model(function, name, value) for name, value in values.items()}


def in_model(function: Callable[..., Any], name: str, value: Any) -> Any:
    """Return a pydantic model where the function's parameter is annotated with one."""
    try:
        wanted: Any = typing.get_type_hints(function).get(name)
    except Exception:  # annotations that only a type checker understands
        return value
    if not hasattr(wanted, "model_validate"):
        return value
    try:
        return wanted.model_validate(value)
    except ValueError as error:
        stop(WRONG_DATA, f"input {name}: {error}")


def write_outputs(outputs: dict[str, Any], result: Any) -> None:
    """Write what the function returned: the one output itself, else a dict of all."""
    if len(outputs) == 1:
        result = dict.fromkeys(outputs, result)
    elif outputs and not (isinstance(result, dict) and set(result) == set(outputs)):
        stop(WRONG_DATA, f"the function is to return a dict of its outputs: {', '.join(outputs)}")
    for name, declared in outputs.items():
        Path(declared["file"]).write_bytes(in_json(name, result[name]))


def in_json(name: str, value: Any) -> bytes:
    try:
        return json.dumps(value, ensure_ascii=False, allow_nan=False, default=plain).encode("utf-8")
    except (TypeError, ValueError) as error:
        stop(WRONG_DATA, f"output {name} cannot be said in JSON: {error}")


def plain(value: Any) -> Any:
    """Return a pydantic model or a dataclass as what JSON can say."""
    if hasattr(value, "model_dump"):
        return value.model_dump(mode="json")
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return dataclasses.asdict(value)
    raise TypeError(f"{type(value).__name__} is no value of JSON")


def own_lines(error: BaseException) -> str:
    """Return the traceback without the lines of this file and of the machinery of imports."""
    hidden = (__file__, "<frozen importlib._bootstrap")
    told = traceback.TracebackException.from_exception(error)
    kept = [frame for frame in told.stack if not frame.filename.startswith(hidden)]
    told.stack = traceback.StackSummary.from_list(kept)
    return "".join(told.format())


def exit_code(error: SystemExit) -> int:
    """Return the code with which Python would exit; those that mean something to groundup become 1."""
    if error.code is None:
        return 0
    if not isinstance(error.code, int):
        sys.stderr.write(f"{error.code}\n")
        return 1
    return 1 if error.code in (WRONG_STEP, WRONG_DATA, AGAIN) else error.code & 0xFF


if __name__ == "__main__":
    sys.exit(main())

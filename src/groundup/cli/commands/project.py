"""``groundup project infer SCRIPT``: what a script requires, and the evidence for it."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from groundup.errors import UserError
from groundup.projects.inference import Inference, infer, refuse_block, write_block
from groundup.projects.metadata import Declared, parse_metadata
from groundup.projects.requirements import EnvironmentSpec
from groundup.projects.script import Script, read_script

STDIN = "-"


def infer_command(
    script: str,
    *,
    added: Sequence[str] = (),
    overrides: Sequence[str] = (),
    as_json: bool = False,
    write: bool = False,
) -> int:
    """Write what `script` requires, with the evidence, to stdout.

    :param script: path of a file, or ``-`` for stdin.
    :param added: requirements besides, which decide where they provide a module.
    :param overrides: decisions about imports, each ``MODULE=REQUIREMENT``.
    :param write: also put a script block that declares it into the file.
    :raises UserError: a bad script, or imports for which several distributions, or none, have evidence.
    :raises GroundupError: an index cannot be asked, or the file cannot be written.
    """
    source = Script(sys.stdin.buffer.read()) if script == STDIN else read_script(script)
    if write:
        refuse_block(source)
    metadata = parse_metadata(source.text(), source.name)
    explicit = tuple(Declared(text.strip(), "--with") for text in added)
    EnvironmentSpec(explicit + metadata.dependencies).check()
    inference = infer(source, metadata, explicit, overrides_of(overrides), fresh=True)
    rows = [*_rows(inference), *_only_added(inference, explicit)]
    if as_json:
        sys.stdout.write(json.dumps(rows, indent=2) + "\n")
    else:
        sys.stdout.writelines(f"{line}\n" for line in _lines(rows, inference))
    if write:
        write_block(source, [one.text for one in (*explicit, *inference.declared(source))])
    return 0


def source_of(script: str) -> bytes | str:
    """Return the path of a script, or its source code where that can be read only once: ``-`` is stdin."""
    if script == STDIN:
        return sys.stdin.buffer.read()
    found = read_script(script)
    return found.content if found.path is None else script


def overrides_of(given: Sequence[str]) -> dict[str, str]:
    """Return decisions about imports from words ``MODULE=REQUIREMENT``; raise UserError for others."""
    found = {}
    for text in given:
        module, equals, requirement = text.partition("=")
        if not equals or not module:
            raise UserError(
                f"--override {text!r} is not MODULE=REQUIREMENT", hint="such as cv2=opencv-python"
            )
        found[module.strip()] = requirement.strip()
    return found


def _rows(inference: Inference) -> Iterator[dict[str, Any]]:
    for one in inference.findings:
        yield {
            "module": one.module,
            "distribution": one.distribution or None,
            "version": one.version,
            "evidence": one.evidence,
        }


def _only_added(inference: Inference, explicit: Sequence[Declared]) -> Iterator[dict[str, Any]]:
    """Yield what was added and no import asks for."""
    from packaging.requirements import Requirement

    asked = {one.distribution for one in inference.findings}
    for declared in explicit:
        name = Requirement(declared.text).name
        if name not in asked:
            yield {"module": None, "distribution": name, "version": None, "evidence": declared.place}


def _lines(rows: Sequence[Mapping[str, Any]], inference: Inference) -> Iterator[str]:
    cells = [
        (row["module"] or "", " ".join(filter(None, (row["distribution"], row["version"]))), row["evidence"])
        for row in rows
    ]
    widths = [max((len(cell[column]) for cell in cells), default=0) for column in (0, 1)]
    for module, distribution, evidence in cells:
        yield f"{module:{widths[0]}}  {distribution:{widths[1]}}  {evidence}"
    if inference.left_out:
        yield f"optional, left out: {', '.join(inference.left_out)}"
    if not rows and not inference.left_out:
        yield "nothing but Python is imported"

"""Reads flow files, and checks them as far as a file alone allows."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from importlib import import_module
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from groundup.execution.languages.documents import ENDINGS, Document, Keys, read_document
from groundup.execution.languages.errors import StepError, needing_extra
from groundup.nodes.flow_files.errors import FlowFileError
from groundup.nodes.flow_files.model import (
    Condition,
    Cron,
    FlowFile,
    FlowNode,
    RetryPolicy,
    Secret,
    StoreConfig,
    Unites,
)
from groundup.nodes.wire import NodeTemplate, TriggerModel, UpsertGraphRequest

YAML = (".yaml", ".yml")
HINT = "`groundup flow schema` prints the schema of flow files"


@dataclass(frozen=True, slots=True)
class FlowInFile:
    """A flow as a file says it.

    :ivar namespace: where it is saved.
    """

    name: str
    namespace: str
    file: FlowFile
    document: Document

    def request(self, variables: Mapping[str, str]) -> UpsertGraphRequest:
        """What a state manager is sent to save it.

        :param variables: where the values of its secrets are.
        :raises FlowFileError: a variable is not set.
        """
        return UpsertGraphRequest(
            secrets={name: self._secret(name, variables) for name in self.file.secrets},
            nodes=[self._template(node) for node in self.file.nodes],
            retry_policy=self.file.retry_policy,
            store_config=self.file.store_config,
            triggers=[
                TriggerModel.model_validate({"type": "CRON", "value": trigger.model_dump()})
                for trigger in self.file.triggers
            ],
        )

    def _template(self, node: FlowNode) -> NodeTemplate:
        return NodeTemplate.model_validate(
            {**node.model_dump(), "namespace": node.namespace or self.namespace}
        )

    def _secret(self, name: str, variables: Mapping[str, str]) -> str:
        variable = self.file.secrets[name].variable
        if variable not in variables:
            place = self.document.place(("secrets", name))
            raise FlowFileError(
                f"{place}: secrets.{name}: the variable {variable} is not set",
                hint="set it, or write it into .env in root",
            )
        return variables[variable]


def read_flows(paths: Iterable[str | os.PathLike[str]], namespace: str = "default") -> list[FlowInFile]:
    """Return the flows in files, and in all files with the right endings below folders.

    :param namespace: where flows are saved that do not say it themselves.
    :raises FlowFileError: a path is not there, a file is no flow, or two describe the same flow.
    """
    flows = [read_flow(path, namespace) for path in _files(map(Path, paths))]
    known: dict[tuple[str, str], FlowInFile] = {}
    for flow in flows:
        other = known.setdefault((flow.namespace, flow.name), flow)
        if other is not flow:
            raise FlowFileError(
                f"{flow.document.name}: the flow {flow.name} of namespace {flow.namespace} is also in "
                f"{other.document.name}",
                hint="give one of them another name",
            )
    return flows


def read_flow(path: str | os.PathLike[str], namespace: str = "default") -> FlowInFile:
    """Return the flow that a file in TOML, YAML or JSON describes.

    :param namespace: where it is saved unless it says so itself.
    :raises FlowFileError: it cannot be read, or is no flow; says file, line and key of all that is wrong.
    :raises UserError: it is in YAML, and what reads that is not installed.
    """
    absolute = Path(path).absolute()
    if absolute.suffix.lower() in YAML:
        with needing_extra("flows in YAML need"):
            import_module("yaml")
    try:
        document = read_document(absolute, "flow")
    except StepError as error:
        raise FlowFileError(str(error), hint=error.hint) from None
    file = _validated(document)
    problems = list(_cross_checked(file.nodes))
    if problems:
        raise _wrong(document, problems)
    return FlowInFile(file.name or absolute.stem, file.namespace or namespace, file, document)


def _files(paths: Iterable[Path]) -> Iterator[Path]:
    for path in paths:
        if not path.is_dir():
            yield path
            continue
        found = sorted(file for file in path.rglob("*") if file.suffix.lower() in ENDINGS and file.is_file())
        if not found:
            raise FlowFileError(f"{path} has no flow files", hint=f"they end with {', '.join(ENDINGS)}")
        yield from found


def _validated(document: Document) -> FlowFile:
    try:
        return FlowFile.model_validate(document.value)
    except ValidationError as error:
        described = (_described(each) for each in error.errors(include_url=False, include_input=False))
        raise _wrong(document, list(described)) from None


def _cross_checked(nodes: Sequence[FlowNode]) -> Iterator[tuple[Keys, str]]:
    """Yield what is wrong between nodes that are right each for itself."""
    known: list[str] = []
    for number, node in enumerate(nodes):
        if node.identifier in known:
            yield ("nodes", number, "identifier"), f"there is a node {node.identifier!r} already"
        known.append(node.identifier)
    for number, node in enumerate(nodes):
        for place, following in enumerate(node.next_nodes or ()):
            if following not in known:
                yield ("nodes", number, "next_nodes", place), _no_node(following, known)
        for following in node.conditions or {}:
            if following not in (node.next_nodes or ()):
                near = _did_you_mean(following, node.next_nodes or ())
                yield ("nodes", number, "conditions", following), f"{following!r} is no next node{near}"
        if node.unites and node.unites.identifier not in known:
            yield ("nodes", number, "unites"), _no_node(node.unites.identifier, known)


def _no_node(identifier: str, known: Sequence[str]) -> str:
    return f"there is no node {identifier!r}{_did_you_mean(identifier, known)}"


def _described(error: Any) -> tuple[Keys, str]:
    keys: Keys = tuple(part for part in error["loc"] if part != "[key]")
    if error["type"] == "extra_forbidden":
        known = _keys_at(keys)
        near = _did_you_mean(str(keys[-1]), known)
        return keys, f"unknown key{near or '; known: ' + ', '.join(known)}"
    if error["type"] == "missing":
        return keys, "it is missing"
    if error["type"] in {"model_type", "dict_type"}:
        return keys, "it is no table of keys and values"
    return keys, str(error["msg"]).removeprefix("Value error, ")


_MODELS: Mapping[str, type[BaseModel]] = {
    "nodes": FlowNode,
    "conditions": Condition,
    "unites": Unites,
    "retry_policy": RetryPolicy,
    "store_config": StoreConfig,
    "triggers": Cron,
    "secrets": Secret,
}


def _keys_at(keys: Keys) -> list[str]:
    """Return the keys that are known in the table which has the last of ``keys``."""
    above = [key for key in keys[:-1] if key in _MODELS]
    model = _MODELS[str(above[-1])] if above else FlowFile
    return [field.alias or name for name, field in model.model_fields.items()]


def _did_you_mean(word: str, known: Sequence[str]) -> str:
    near = get_close_matches(word, known, 1)
    return f"; did you mean {near[0]!r}?" if near else ""


def _wrong(document: Document, problems: Sequence[tuple[Keys, str]]) -> FlowFileError:
    lines = [f"{_place(document, keys)}: {_dotted(keys) or 'the flow'}: {text}" for keys, text in problems]
    return FlowFileError("\n".join(lines), hint=HINT)


def _place(document: Document, keys: Keys) -> str:
    """Where a value stands, or the table that should have it."""
    there = keys
    while there and not _has(document.value, there):
        there = there[:-1]
    return document.place(there) if there else document.name


def _has(value: Any, keys: Keys) -> bool:
    for key in keys:
        try:
            value = value[key]
        except (LookupError, TypeError):
            return False
    return True


def _dotted(keys: Keys) -> str:
    return ".".join(map(str, keys))

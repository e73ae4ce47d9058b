"""What a script requires, inferred from what it imports."""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from groundup.projects.inference.deciding import Decider, Finding
from groundup.projects.inference.errors import Undecided, UndecidedImportsError
from groundup.projects.inference.imports import Import, Need, read_imports
from groundup.projects.inference.index import configured_indexes
from groundup.projects.inference.kept import keep, kept_at, recall
from groundup.projects.inference.modules import DATA, ModuleTable, shipped_table
from groundup.projects.inference.settings import Settings, configured_settings
from groundup.projects.inference.standard import standard_modules
from groundup.projects.inference.surroundings import siblings, target_version
from groundup.projects.metadata import Declared, ScriptMetadata
from groundup.projects.script import Script

CONNECTIONS = 8  # at once
Decision = list[Finding] | Undecided
FORMAT = 2  # counts what is made of the same imports


@dataclass(frozen=True)
class Inference:
    """What a script requires besides what is declared.

    :ivar findings: a distribution for each module, in order of lines.
    :ivar left_out: modules that are optional: the script goes on without.
    :ivar lines: the first line that imports each module.
    """

    findings: tuple[Finding, ...]
    left_out: tuple[str, ...] = ()
    lines: Mapping[str, int] = field(default_factory=dict, compare=False)

    @property
    def requirements(self) -> list[Finding]:
        """The findings that add a requirement, one for each, by name."""
        added = {one.requirement: one for one in self.findings if one.requirement}
        return sorted(added.values(), key=lambda one: one.requirement.lower())

    def declared(self, script: Script) -> tuple[Declared, ...]:
        """Return the requirements that it adds, each with the line of the import that needs it."""
        return tuple(
            Declared(one.requirement, f"{script.name}:{self.line(one.module)}") for one in self.requirements
        )

    def line(self, module: str) -> int:
        """Return the first line that imports a module."""
        return self.lines.get(module) or self.lines.get(module.partition(".")[0], 1)


def infer(
    script: Script,
    metadata: ScriptMetadata,
    explicit: Sequence[Declared] = (),
    overrides: Mapping[str, str] | None = None,
    *,
    fresh: bool = False,
) -> Inference:
    """Return what `script` imports and neither its script block nor `explicit` declares.

    The same question is answered from the user's cache, without network.

    :param overrides: a requirement, specifiers alone, or an empty text for nothing, by module.
    :param fresh: look at the index again.
    :raises UserError: the script is not valid Python.
    :raises UndecidedImportsError: several distributions provide a module, or none.
    :raises TransferError: an index cannot be asked.
    """
    settings = configured_settings()
    inquiry = Inquiry(script, metadata, explicit, settings.with_overrides(overrides or {}))
    kept = None if fresh and not inquiry.decider.indexes.offline else inquiry.kept()
    return kept or inquiry.answer()


class Inquiry:
    """One script with everything that its inference depends on."""

    def __init__(
        self, script: Script, metadata: ScriptMetadata, explicit: Sequence[Declared], settings: Settings
    ) -> None:
        version = target_version(metadata.requires_python)
        self.script = script
        self.table: ModuleTable = shipped_table().extended(settings.modules)
        self.settings = settings
        self.decider = Decider(
            table=self.table,
            indexes=configured_indexes(metadata.uv),
            version=version,
            declared=(*metadata.dependencies, *explicit),
            overrides=settings.overrides,
        )
        self.there = standard_modules(version) | siblings(script)
        self.needs = [need for need in read_imports(script, version) if not self._satisfied(need)]
        self.imports = self._by_module()
        self.lines = {module: imports[0].line for module, imports in self.imports.items()}

    def answer(self) -> Inference:
        """Decide about every need, and keep the answer."""
        self.decided = self._decide_all()
        findings: dict[str, Finding] = {}
        undecided: dict[str, Undecided] = {}
        for need in self.needs:
            if not need.optional or self._is_declared(need):
                found, open_ = self._settle(need)
                findings |= {one.module: one for one in found}
                undecided |= {one.module: one for one in open_}
        if undecided:
            places = [(f"{self.script.name}:{self.lines[one.module]}", one) for one in undecided.values()]
            raise UndecidedImportsError(places)
        inference = self._inference(findings)
        self._keep(inference)
        return inference

    def kept(self) -> Inference | None:
        """Return the answer that was given to the same question before."""
        try:
            findings = tuple(Finding(**one) for one in recall(self._kept_path()))
        except TypeError:  # none, or another format
            return None
        return self._inference({one.module: one for one in findings})

    def _satisfied(self, need: Need) -> bool:
        return any(
            all(one.module.partition(".")[0] in self.there for one in alternative)
            for alternative in need.alternatives
        )

    def _is_declared(self, need: Need) -> bool:
        modules = [module for module, _ in self._modules(need.alternatives[0])]
        return all(self.decider.declared_by_name(module) for module in modules)

    def _modules(self, alternative: Sequence[Import]) -> Iterator[tuple[str, Import]]:
        """Yield what the imports of an alternative are about, but for what is there."""
        for one in alternative:
            if one.module.partition(".")[0] not in self.there:
                yield from ((module, one) for module in self.table.wanted(one))

    def _by_module(self) -> dict[str, list[Import]]:
        found: dict[str, list[Import]] = {}
        for need in self.needs:
            for alternative in need.alternatives:
                for module, one in self._modules(alternative):
                    found.setdefault(module, []).append(one)
        return found

    def _decide_all(self) -> dict[str, Decision]:
        """Decide at once about all that is preferred; the rest is decided when it comes to it."""
        preferred = [need.alternatives[0] for need in self.needs if not need.optional]
        modules = dict.fromkeys(module for one in preferred for module, _ in self._modules(one))
        with ThreadPoolExecutor(CONNECTIONS) as pool:
            return dict(zip(modules, pool.map(self._decide, modules), strict=True))

    def _decide(self, module: str) -> Decision:
        return self.decider.decide(module, self.imports[module])

    def _settle(self, need: Need) -> tuple[list[Finding], list[Undecided]]:
        """Return the findings of the first alternative that can be had, or what is open about them all."""
        undecided: list[Undecided] = []
        for alternative in need.alternatives:
            found = [self._decided(module) for module, _ in self._modules(alternative)]
            open_ = [one for one in found if isinstance(one, Undecided)]
            if not open_:
                return [one for each in found if not isinstance(each, Undecided) for one in each], []
            undecided += open_
        return [], undecided

    def _decided(self, module: str) -> Decision:
        if module not in self.decided:
            self.decided[module] = self._decide(module)
        return self.decided[module]

    def _inference(self, findings: Mapping[str, Finding]) -> Inference:
        inference = Inference((), self._left_out(findings), self.lines)
        in_order = sorted(findings.values(), key=lambda one: inference.line(one.module))
        return replace(inference, findings=tuple(in_order))

    def _left_out(self, findings: Mapping[str, Finding]) -> tuple[str, ...]:
        optional = [need for need in self.needs if need.optional]
        modules = [
            module for need in optional for alt in need.alternatives for module, _ in self._modules(alt)
        ]
        return tuple(dict.fromkeys(module for module in modules if module not in findings))

    def _kept_path(self) -> Path:
        question = [
            FORMAT,
            sorted(self._asked(need) for need in self.needs),
            [sys.platform, *self.decider.version],
            hashlib.sha256(DATA.read_bytes()).hexdigest(),
            [sorted(self.settings.modules.items()), sorted(self.settings.overrides.items())],
            [one.text for one in self.decider.declared],
            self.decider.indexes.addresses,
        ]
        name = hashlib.sha256(json.dumps(question).encode()).hexdigest()
        return kept_at("inference", name)

    def _asked(self, need: Need) -> str:
        """Return a need as text, without lines."""
        asked = [[(one.module, one.members) for _, one in self._modules(each)] for each in need.alternatives]
        return json.dumps([asked, need.optional])

    def _keep(self, inference: Inference) -> None:
        keep(self._kept_path(), [asdict(one) for one in inference.findings])

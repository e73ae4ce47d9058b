"""From a module to the one distribution that has evidence of providing it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import canonicalize_name

from groundup.errors import UserError
from groundup.projects.inference.errors import Undecided
from groundup.projects.inference.evidence import (
    Archive,
    choose_source,
    choose_wheel,
    module_files,
    providing_file,
)
from groundup.projects.inference.imports import Import
from groundup.projects.inference.index import Indexes, IndexFile
from groundup.projects.inference.modules import ModuleTable, named_like
from groundup.projects.inference.standard import Version, added_in, removed_in
from groundup.projects.metadata import Declared


@dataclass(frozen=True)
class Finding:
    """The distribution of a module.

    :ivar requirement: what to require; empty where the module needs nothing more than what is declared.
    :ivar version: the release that was looked into; None where none had to be.
    :ivar evidence: the file that provides the module, or who decided.
    """

    module: str
    distribution: str
    version: str | None
    evidence: str
    requirement: str = ""

    @property
    def is_package(self) -> bool:
        """Whether the evidence is the ``__init__`` of the module itself."""
        return self.evidence.startswith(f"{self._path}/__init__.")

    @property
    def is_module(self) -> bool:
        """Whether the evidence is one file that is the module."""
        return self.evidence.startswith(f"{self._path}.")

    @property
    def _path(self) -> str:
        return self.module.replace(".", "/")


@dataclass(frozen=True)
class _Look:
    """What an index has of a distribution."""

    distribution: str
    files: tuple[IndexFile, ...]
    archive: Archive | None

    @property
    def may_contain(self) -> bool:
        """Whether it may have a module although there is no evidence: a source does not tell all."""
        return bool(self.files) and (self.archive is None or self.archive.is_source)

    def missing(self) -> str:
        """Return why it is no evidence."""
        if not self.files:
            return f"{self.distribution} is not on the index"
        if self.archive is None:
            return f"{self.distribution} has no wheel that fits, so its list of files is not known"
        what = f"{self.distribution} {self.archive.release}"
        if self.archive.is_source:
            return f"{what} has no wheel, and its source has no such file"
        return f"{what} does not contain it"


@dataclass
class Decider:
    """Decides about modules.

    :ivar declared: requirements that are there in any case.
    :ivar overrides: what a person decided: a requirement, specifiers alone, or nothing, by module.
    """

    table: ModuleTable
    indexes: Indexes
    version: Version
    declared: Sequence[Declared] = ()
    overrides: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._looks: dict[tuple[str, str], _Look] = {}
        self._present = [one for one in map(_requirement, self.declared) if one]

    def decide(self, module: str, imports: Sequence[Import]) -> list[Finding] | Undecided:
        """Return the distributions for a module that `imports` are about: one, or why there is not one.

        More than one where the module is a package that they share, each with other imports.

        :raises UserError: an override is no requirement.
        :raises TransferError: an index cannot be asked.
        """
        override = self._override(module, imports)
        if override is not None and not override.startswith(("<", ">", "=", "!", "~")):
            return [_overridden(module, override)]
        _check_specifier(module, override or "")
        candidates = self.table.candidates(module)
        present = self.declared_by_name(module) or self._declared_by_files(module)
        if present:
            return [present]
        refusal = self.table.refusal(module)
        if refusal:
            return Undecided(module, (), refusal)
        if module in self.table.namespaces - self.table.rows.keys():
            return Undecided(module, (), "several distributions share it, and no module below it is named")
        proofs = self._proofs(module, candidates, override or "")
        if module in self.table.rows or len(proofs) > 1:
            return proofs if len(proofs) == 1 else self._undecided(module, candidates, proofs)
        return self._split(imports, proofs, override or "") or self._undecided(module, candidates, [])

    def _override(self, module: str, imports: Sequence[Import]) -> str | None:
        """Return the override of the module, of a module below it that is imported, or of one above it."""
        names = [module, *(one.module for one in imports)]
        parts = module.split(".")
        names += [".".join(parts[:count]) for count in range(len(parts) - 1, 0, -1)]
        return next((self.overrides[name].strip() for name in names if name in self.overrides), None)

    def declared_by_name(self, module: str) -> Finding | None:
        """Return the declared requirement that is a candidate for a module; nobody is asked."""
        candidates = (*self.table.candidates(module), *named_like(module))
        names = {canonicalize_name(_name(candidate)) for candidate in candidates}
        for one, place in self._present:
            if canonicalize_name(one.name) in names:
                return Finding(module, one.name, None, f"declared: {place}")
        return None

    def _declared_by_files(self, module: str) -> Finding | None:
        for one, place in self._present:
            found = None if one.url else self._proof(module, str(one.name), str(one.specifier))
            if found:
                return Finding(module, one.name, found.version, f"declared: {place}; {found.evidence}")
        return None

    def _proofs(self, module: str, candidates: Sequence[str], specifier: str) -> list[Finding]:
        found = [self._proof(module, candidate, specifier) for candidate in candidates]
        return [one for one in found if one]

    def _split(self, imports: Sequence[Import], proofs: list[Finding], specifier: str) -> list[Finding]:
        """Return the proof for the imports that it holds for, ``acme-billing`` for ``acme.billing`` else.

        Empty when there is an import left for which nothing holds.
        """
        found: dict[str, Finding] = {}
        for one in imports:
            proof = next((proof for proof in proofs if self._holds(proof, one)), None)
            proof = proof or self._deeper_proof(one, specifier)
            if proof is None:
                return []
            found[proof.module] = proof
        return list(found.values())

    def _holds(self, proof: Finding, one: Import) -> bool:
        """Return whether the package that was found has what is imported from it, as far as files tell."""
        parts = one.module.split(".")
        first = proof.module.count(".") + 2
        if len(parts) < first or parts[0] in self.table.dynamic or proof.is_module:
            return True
        # A package without an `__init__` may be shared: all of the path has to be there.
        depth = first if proof.is_package else len(parts)
        return self._proof(".".join(parts[:depth]), proof.requirement, exactly=True) is not None

    def _deeper_proof(self, one: Import, specifier: str) -> Finding | None:
        deeper = (
            self._proof(name, candidate, specifier, exactly=True)
            for name, candidate in self.table.deeper(one)
        )
        return next((proof for proof in deeper if proof and self._holds(proof, one)), None)

    def _proof(
        self, module: str, candidate: str, specifier: str = "", *, exactly: bool = False
    ) -> Finding | None:
        look = self._look(candidate, specifier)
        if look.archive is None:
            return None
        parts = module.split(".")
        shared = {".".join(parts[:count]) for count in range(1, len(parts))} if exactly else set()
        file = providing_file(module, module_files(look.archive.file), self.table.namespaces | shared)
        if not file:
            return None
        evidence = f"{file} in {look.archive.file.filename}"
        return Finding(
            module, look.distribution, str(look.archive.release), evidence, f"{candidate}{specifier}"
        )

    def _look(self, candidate: str, specifier: str) -> _Look:
        key = (candidate, specifier)
        if key not in self._looks:
            name = _name(candidate)
            files = tuple(self.indexes.files(name))
            wanted = ",".join(part for part in (candidate[len(name) :], specifier) if part)
            archive = choose_wheel(files, self.version, wanted)
            if archive is None and self.table.is_listed(candidate):
                archive = choose_source(files, self.version, wanted)
            self._looks[key] = _Look(name, files, archive)
        return self._looks[key]

    def _undecided(self, module: str, candidates: Sequence[str], proofs: Sequence[Finding]) -> Undecided:
        if proofs:
            names = ", ".join(f"{one.distribution} {one.version}" for one in proofs)
            return Undecided(
                module, tuple(one.distribution for one in proofs), f"several provide it: {names}"
            )
        looked = [look for look in self._looks.values() if look.distribution in map(_name, candidates)]
        reasons = "; ".join(dict.fromkeys(look.missing() for look in looked))
        reasons = reasons or "none can have its name"
        reason = f"no distribution is known to provide it: {reasons}{self._by_version(module)}"
        return Undecided(module, tuple(look.distribution for look in looked if look.may_contain), reason)

    def _by_version(self, module: str) -> str:
        """Say that another Python has the module in its standard library."""
        removed, added = removed_in(module), added_in(module)
        if removed and self.version >= removed:
            return f"; Python {removed[0]}.{removed[1]} removed it from the standard library"
        if added and self.version < added:
            return f"; it is part of Python from {added[0]}.{added[1]} on, this is for {self.version[1]}"
        return ""


def _overridden(module: str, override: str) -> Finding:
    if not override:
        return Finding(module, "", None, "dependency_overrides: nothing")
    try:
        name = Requirement(override).name
    except InvalidRequirement as error:
        raise _bad_override(module, override) from error
    return Finding(module, name, None, "dependency_overrides", override)


def _check_specifier(module: str, specifier: str) -> None:
    try:
        SpecifierSet(specifier)
    except InvalidSpecifier as error:
        raise _bad_override(module, specifier) from error


def _bad_override(module: str, override: str) -> UserError:
    return UserError(
        f"dependency_overrides[{module!r}]: {override!r} is not a valid requirement",
        hint="write 'name>=1.2', '>=1.2' for versions alone, or '' to require nothing",
    )


def _requirement(declared: Declared) -> tuple[Requirement, str] | None:
    try:
        return Requirement(declared.text), declared.place
    except InvalidRequirement:  # told with its place where the requirements are checked
        return None


def _name(candidate: str) -> str:
    return Requirement(candidate).name

"""Remembers what was done to states, and judges whether they are up to date."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from groundup.dag.uptodate.code import code_digest, value_text
from groundup.dag.uptodate.errors import MissingOutputError, RecordsError, UnreadableFileError
from groundup.dag.uptodate.files import Files, Stamp
from groundup.dag.uptodate.fingerprint import (
    ABSENT,
    Change,
    Fingerprint,
    Result,
    altered,
    changes,
    params_text,
)
from groundup.dag.uptodate.locks import locked
from groundup.dag.uptodate.quick import NONE, evidence
from groundup.dag.uptodate.records import FAILED, UNDONE, Record, Records
from groundup.dag.uptodate.secrets import Secrets
from groundup.dag.uptodate.text import digest, stable_text
from groundup.dag.uptodate.values import to_text
from groundup.dag.uptodate.verdict import Verdict

if TYPE_CHECKING:
    from groundup.dag.state import AnyState


_MANY_FILES = 500  # to be written at once; those of a process that is killed are only read again


class _Facts(NamedTuple):
    """What of a fingerprint stays the same as long as the process lives."""

    code: str
    outputs: str


class Tracker:
    """What is known of earlier evaluations of states; safe for several threads and processes.

    Nothing is read before it is needed, and nothing written before a state was evaluated.

    :param root: the folder that inputs and outputs are relative to.
    :param folder: where the records and locks are kept; made when needed.
    :param on_notice: is told, in a sentence, when records were of no use and are begun anew; default: a
        warning of the logger ``groundup``.
    """

    def __init__(self, root: Path, folder: Path, *, on_notice: Callable[[str], None] | None = None) -> None:
        self._records = Records(folder / "records.db", on_notice or _log)
        self._files = Files(root, self._records.files, folder)
        self._locks = folder / "locks"
        self._secrets = Secrets(folder / "secrets.key")
        self._facts: dict[AnyState, _Facts] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def asked(self, state: AnyState) -> tuple[str, ...]:
        """Return the names of the lazy parents that `state` asked when it was last evaluated."""
        record = self._records.get(state.name)
        return tuple(record.lazies.split()) if record is not None and record.lazies else ()

    def recorded(self, state: AnyState) -> dict[str, Result]:
        """Return what the parents of `state` contributed to its last evaluation; empty when none is known."""
        record = self._records.get(state.name)
        if record is None or record.key in UNDONE:
            return {}
        with suppress(ValueError, TypeError, AttributeError):
            return dict(Fingerprint.from_text(record.fingerprint).parents)
        return {}

    def kept(self, state: AnyState, parents: Mapping[str, Result]) -> Record | None:
        """Return the record of `state` where it is certain without more ado that it is up to date."""
        record = self._records.get(state.name)
        if record is None or not record.quick or record.key in UNDONE:
            return None
        return record if evidence(state, parents, self._files.stamp) == record.quick else None

    def judge(
        self, state: AnyState, params: Mapping[str, Any] | None, parents: Mapping[str, Result]
    ) -> Verdict:
        """Return whether `state` is up to date: the same fingerprint was recorded, its outputs are there.

        :param parents: what the parents contribute that the state gets, and the lazy ones that it asked.
        :raises UnreadableFileError: an input or output cannot be read.
        """
        record = self._records.get(state.name)
        try:
            fingerprint = self._fingerprint(state, params, parents)
            key = fingerprint.key()
            if record is None or record.key in UNDONE:
                return self._first(state, fingerprint, key, record)
            return Verdict(state, fingerprint, key, record, self._reasons(record, fingerprint, key))
        except OSError as error:
            raise UnreadableFileError(state, error) from error

    @contextmanager
    def lock(self, state: AnyState, on_wait: Callable[[str], None]) -> Iterator[bool]:
        """Hold the lock for evaluating `state`; give whether to judge it again: another process worked on it.

        :param on_wait: is told, once, for which process this one has to wait.
        """
        with locked(self._locks, state.name, on_wait) as has_waited:
            before = self._records.get(state.name)
            yield self._records.refresh(state.name) != before or has_waited

    def begin(self, state: AnyState) -> None:
        """Let the record of `state` no longer say that it is done; call it before an evaluation.

        :raises RecordsError: the disk is full.
        """
        self._records.begin(state.name)

    def fail(self, state: AnyState) -> None:
        """Record that the evaluation of `state` failed; where that cannot be written, it only did not end."""
        with suppress(RecordsError):
            self._records.fail(state.name)

    def finish(
        self, state: AnyState, verdict: Verdict, value: Any, lazies: Mapping[str, Result]
    ) -> tuple[Result, bool]:
        """Record that `state` was evaluated; return its result, and whether that is another one than before.

        :param verdict: from before the evaluation.
        :param lazies: what the lazy parents contribute that it asked.
        :raises MissingOutputError: a path that it declares as output is not there.
        :raises UnreadableFileError: an output cannot be read.
        :raises RecordsError: the disk is full.
        """
        parents = verdict.fingerprint.parents
        counted = {name: parents[name] for name in state.eager_parents if name in parents} | dict(lazies)
        fingerprint = verdict.fingerprint._replace(parents=counted)
        result = self._put(state, fingerprint, value, to_text(value, state.returns), lazies)
        return result, verdict.record is None or verdict.record.result != result.digest

    def skip(self, state: AnyState, verdict: Verdict) -> Result:
        """Return the result of a state that is up to date.

        One that only says itself that it is satisfied is recorded as done, without a value.

        :raises RecordsError: the disk is full.
        """
        if verdict.record is not None and verdict.matches:
            self._note_quick(state, verdict.record, verdict.fingerprint)
            return Result(verdict.record.result, verdict.record.value)
        return self._put(state, verdict.fingerprint, None, None, ())

    def result(
        self,
        state: AnyState,
        value: Any,
        parents: Mapping[str, Result],
        params: Mapping[str, Any] | None,
    ) -> Result:
        """Return what a state contributes that is evaluated in every process.

        :raises UnreadableFileError: an input cannot be read.
        """
        text = stable_text(value, self._secrets.digest)
        if text is None:
            text = to_text(value, state.returns)
        if text is not None:
            return Result(digest(f"value\0{text}\0"), text)
        try:
            return Result(digest(f"fingerprint\0{self._fingerprint(state, params, parents).key()}\0"))
        except OSError as error:
            raise UnreadableFileError(state, error) from error

    def close(self) -> None:
        """Write what was learned, and close the records; the next use opens them again."""
        self._records.close(self._files.take_new())

    def _fingerprint(
        self, state: AnyState, params: Mapping[str, Any] | None, parents: Mapping[str, Result]
    ) -> Fingerprint:
        facts = self._facts.get(state)
        if facts is None:
            declared = json.dumps(state.outputs) if state.outputs else ""
            facts = self._facts[state] = _Facts(code_digest(state.function, self._secrets.digest), declared)
        return Fingerprint(
            facts.code,
            state.source,
            params_text(params, partial(value_text, secret=self._secrets.digest)) if params else "",
            self._files.digests(state.inputs),
            facts.outputs,
            parents,
        )

    def _first(self, state: AnyState, fingerprint: Fingerprint, key: str, record: Record | None) -> Verdict:
        missing = tuple(Change("output", name, "", ABSENT) for name in self._missing(state))
        ended = "failed" if record is not None and record.key == FAILED else "did not end"
        why = "" if record is None else f"the last evaluation {ended}"
        return Verdict(state, fingerprint, key, record, (Change("first", state.name, "", why),), missing)

    def _reasons(self, record: Record, fingerprint: Fingerprint, key: str) -> tuple[Change, ...]:
        try:
            reasons = self._altered(record) if record.outputs else ()
            if record.key == key:
                return reasons
            found = changes(Fingerprint.from_text(record.fingerprint), fingerprint, record.name)
        except (ValueError, TypeError, AttributeError):  # the text is not what was written
            return (Change("first", record.name, "", "its record is damaged"),)
        return found + reasons or (Change("first", record.name, "", "its record is of another form"),)

    def _altered(self, record: Record) -> tuple[Change, ...]:
        made = json.loads(record.outputs).items()
        now = ((name, old, self._files.digest(name.rstrip("/"))) for name, old in made)
        return tuple(altered(name, old, new) for name, old, new in now if old != new)

    def _missing(self, state: AnyState) -> Iterable[str]:
        return (name for name in state.outputs if self._files.is_literal_and_absent(name))

    def _made(self, state: AnyState) -> str:
        """Return the outputs of a state, as text."""
        if not state.outputs:
            return ""
        try:
            for name in self._missing(state):
                raise MissingOutputError(name)
            return json.dumps(self._files.digests(state.outputs), sort_keys=True)
        except OSError as error:
            raise UnreadableFileError(state, error) from error

    def _put(
        self,
        state: AnyState,
        fingerprint: Fingerprint,
        value: Any,
        text: str | None,
        lazies: Iterable[str],
    ) -> Result:
        key, outputs = fingerprint.key(), self._made(state)
        what = (
            f"fingerprint\0{key}"
            if text is None
            else f"value\0{stable_text(value, self._secrets.digest) or text}"
        )
        result = digest(f"{what}\0{outputs}")
        asked, whole, now = " ".join(lazies), fingerprint.to_text(), int(time.time())
        quick = self._evidence(state, fingerprint, outputs)
        self._records.put(
            Record(state.name, key, text, result, outputs, asked, whole, now, quick),
            self._files.take_new(at_least=_MANY_FILES),
        )
        return Result(result, text)

    def _note_quick(self, state: AnyState, record: Record, fingerprint: Fingerprint) -> None:
        quick = self._evidence(state, fingerprint, record.outputs)
        if quick not in (NONE, record.quick):
            self._records.note_quick(record, quick)

    def _evidence(self, state: AnyState, fingerprint: Fingerprint, made: str) -> str:
        """Return the evidence for files as they were when a fingerprint and a record took their digests."""
        inputs, outputs = fingerprint.inputs, json.loads(made) if made else {}

        def stamp_of(name: str) -> Stamp | None:
            read, written = inputs.get(name), outputs.get(name)
            return self._files.stamp_of(name, read or written) if not (read and written) else None

        return evidence(state, fingerprint.parents, stamp_of)


def _log(notice: str) -> None:
    import logging

    logging.getLogger("groundup").warning(notice)

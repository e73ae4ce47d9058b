"""Whether a state is up to date, and what an earlier evaluation left of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from groundup.dag.errors import NoValueError
from groundup.dag.uptodate.fingerprint import Change, Fingerprint
from groundup.dag.uptodate.records import UNDONE, Record
from groundup.dag.uptodate.values import from_text

if TYPE_CHECKING:
    from groundup.dag.state import AnyState

_NOT_RESTORED = object()


class Stored:
    """The value that a record keeps of a state."""

    __slots__ = ("_record", "_restored", "_state")

    def __init__(self, state: AnyState, record: Record) -> None:
        self._state = state
        self._record = record
        self._restored: Any = _NOT_RESTORED

    def __call__(self) -> Any:
        """Return the value; it is restored once.

        :raises NoValueError: there is none, or it no longer fits the annotation of what the state returns.
        """
        if self._restored is _NOT_RESTORED:
            self._restored = self._from_record()
        return self._restored

    def _from_record(self) -> Any:
        if self._record.value is None:
            raise NoValueError(self._state)
        try:
            return from_text(self._record.value, self._state.returns)
        except ValueError as error:
            raise NoValueError(self._state) from error


class Verdict(NamedTuple):
    """How a state was judged.

    :ivar reasons: why it has to be evaluated; empty when it is up to date.
    :ivar key: digest of `fingerprint`, which was taken before any evaluation.
    :ivar record: what is known of the last evaluation.
    :ivar missing: outputs that are not there, where nothing is known yet of what it makes.
    """

    state: AnyState
    fingerprint: Fingerprint
    key: str
    record: Record | None
    reasons: tuple[Change, ...] = ()
    missing: tuple[Change, ...] = ()

    @property
    def up_to_date(self) -> bool:
        """Whether nothing has to be done."""
        return not self.reasons

    @property
    def is_first(self) -> bool:
        """Whether no finished evaluation is known."""
        return self.record is None or self.record.key in UNDONE

    @property
    def matches(self) -> bool:
        """Whether the last evaluation was one of the same fingerprint."""
        return self.record is not None and self.record.key == self.key

    @property
    def has_value(self) -> bool:
        """Whether there is a stored value, which was made from the same fingerprint."""
        return self.matches and self.record is not None and self.record.value is not None

    @property
    def stored(self) -> Stored | None:
        """What restores the stored value, where :attr:`has_value`."""
        return Stored(self.state, self.record) if self.record is not None and self.has_value else None

    def because(self, reason: Change) -> Verdict:
        """Return the verdict with one more reason to evaluate the state."""
        return self._replace(reasons=(*self.reasons, reason))

    def satisfied(self) -> Verdict:
        """Return the verdict of a state that says that it is satisfied: only outputs can be missing."""
        return self._replace(reasons=self.missing)

"""Whether an answer about a node state counts: fencing by claim token, repeats, stale claims."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from enum import Enum
from typing import Any

from groundup.manager.engine.model import NodeState
from groundup.manager.errors import RejectedError
from groundup.nodes.wire import StateStatus

_CANONICAL = json.JSONEncoder(sort_keys=True, separators=(",", ":"))


class OutcomeKind(Enum):
    """What a worker may say about a node state; the value names the status that it was answered with."""

    EXECUTED = "executed"
    ERRORED = "errored"
    PRUNED = "pruned"
    REQUEUED = "re-enqueued"


@dataclass(frozen=True, slots=True)
class Claim:
    """A node state as a worker names it: ``<id>.<token>``, or the bare id."""

    state_id: str
    token: str | None

    @classmethod
    def parse(cls, text: str) -> Claim:
        """The parts of what enqueue handed out."""
        state_id, dot, token = text.partition(".")
        return cls(state_id, token if dot else None)


@dataclass(frozen=True, slots=True)
class Outcome:
    """An answer about a node state, as it is compared with an earlier one."""

    kind: OutcomeKind
    digest: str

    @classmethod
    def of(cls, kind: OutcomeKind, body: Any) -> Outcome:
        """The outcome of ``kind`` with the JSON value ``body``."""
        canonical = _CANONICAL.encode(body)
        return cls(kind, hashlib.sha256(canonical.encode()).hexdigest()[:32])


class Admission(Enum):
    """What to do with an outcome."""

    ACCEPT = "accept"
    REPEAT = "answer as before"
    STALE = "answer without effect"


def admit(state: NodeState, claim: Claim, outcome: Outcome) -> Admission:
    """How to treat ``outcome`` under ``claim``.

    With a token the claim must be the present one; without, the node state must have had exactly one claim.
    Late prune and re-enqueue are stale rather than refused: workers of the protocol stop at a refusal.

    :raises RejectedError: when it must be refused.
    """
    if _is_repeat(state, claim, outcome):
        return Admission.REPEAT
    if state.status is StateStatus.QUEUED and _holds(state, claim):
        return Admission.ACCEPT
    if outcome.kind in {OutcomeKind.PRUNED, OutcomeKind.REQUEUED} and _was_claimed(state, claim):
        return Admission.STALE
    raise RejectedError(_refusal(state, claim, outcome.kind), hint="the claim no longer holds")


def holds(state: NodeState, claim: Claim) -> bool:
    """Whether ``claim`` is the present one."""
    return state.status is StateStatus.QUEUED and _holds(state, claim)


def recorded(claim: Claim, outcome: Outcome, answer: dict[str, Any]) -> dict[str, Any] | None:
    """What to keep so that a repeat gets the same answer; nothing for a bare id."""
    if claim.token is None:
        return None
    return {
        "token": claim.token,
        "kind": outcome.kind.value,
        "digest": outcome.digest,
        "answer": answer,
    }


def _is_repeat(state: NodeState, claim: Claim, outcome: Outcome) -> bool:
    if claim.token is None or state.outcome is None:
        return False
    known = (state.outcome["token"], state.outcome["kind"], state.outcome["digest"])
    return known == (claim.token, outcome.kind.value, outcome.digest)


def _holds(state: NodeState, claim: Claim) -> bool:
    return state.claims == 1 if claim.token is None else claim.token == state.token


def _was_claimed(state: NodeState, claim: Claim) -> bool:
    return claim.token is not None or state.status is StateStatus.QUEUED


def _refusal(state: NodeState, claim: Claim, kind: OutcomeKind) -> str:
    if kind is not OutcomeKind.ERRORED or state.status is StateStatus.QUEUED:
        return "State is not queued"
    if claim.token is not None:
        return "State is already executed" if _executed_under(state, claim) else "State is not queued"
    if state.status in {StateStatus.SUCCESS, StateStatus.NEXT_CREATED_ERROR}:
        return "State is already executed"
    return "State is not queued or executed"


def _executed_under(state: NodeState, claim: Claim) -> bool:
    known = state.outcome or {}
    return (known.get("token"), known.get("kind")) == (claim.token, OutcomeKind.EXECUTED.value)

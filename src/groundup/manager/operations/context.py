"""What operations work with: the transaction, the time, and the parts that outlive both."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field

from sqlalchemy import Connection

from groundup.manager.clock import new_state_id, now_ms
from groundup.manager.engine.model import Flow, NodeState, Tools
from groundup.manager.operations.presence import Presence
from groundup.manager.secrets import SecretCipher
from groundup.manager.store import runs
from groundup.manager.store.flows import FlowCache


@dataclass(slots=True)
class Settings:
    """How the manager behaves; times in milliseconds.

    :param default_lease: how long a claim holds for workers that cannot renew it.
    :param longest_wait: how long an empty answer to enqueue may be held back.
    :param largest_batch: how many node states one enqueue may hand out.
    :param keep_runs: how long runs are kept after they finished; None: for ever.
    :param keep_ticks: how long is kept what became of the times of triggers.
    :param grace: how long claims that ran out are spared after nobody could renew them.
    """

    default_lease: int = 3_600_000
    longest_wait: int = 20_000
    largest_batch: int = 1_000
    keep_runs: int | None = None
    keep_ticks: int = 720 * 3_600_000
    grace: int = 10_000


@dataclass(slots=True)
class Context:
    """What lasts as long as the manager."""

    cipher: SecretCipher
    settings: Settings = field(default_factory=Settings)
    flows: FlowCache = field(default_factory=FlowCache)
    presence: Presence = field(default_factory=Presence)
    clock: Callable[[], int] = now_ms
    chance: Callable[[], float] = field(default_factory=lambda: random.SystemRandom().random)


@dataclass(slots=True)
class Session:
    """One transaction at one moment."""

    connection: Connection
    context: Context
    now: int
    _flows: dict[int, Flow] = field(default_factory=dict)

    def flow(self, version: int) -> Flow:
        """A version of a flow."""
        flow = self._flows.get(version)
        if flow is None:
            flow = self._flows[version] = self.context.flows.get(self.connection, version)
        return flow

    def hold_run(self, state: NodeState) -> None:
        """Let nobody else decide about the run of ``state`` meanwhile, where that matters."""
        joining = bool(self.flow(state.flow_version).joins)
        runs.lock(self.connection, state.run_id, alone=joining)

    @property
    def tools(self) -> Tools:
        """What the engine needs from outside."""
        return Tools(now=self.now, new_id=new_state_id, random=self.context.chance)

"""What became of an execution, as it is reported."""

from __future__ import annotations

import json
import logging
import traceback
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from groundup.nodes.execution import Outputs
from groundup.nodes.signals import PruneSignal, ReQueueAfterSignal
from groundup.nodes.wire import ClaimedState

logger = logging.getLogger("groundup.nodes.runtime")


@dataclass(frozen=True, slots=True)
class Outcome:
    """``kind`` is executed, errored, prune or re-enqueue-after; ``body`` is JSON."""

    state: ClaimedState
    kind: str
    body: dict[str, Any]

    @property
    def state_id(self) -> str:
        """The node state, as the manager named it."""
        return self.state.state_id


def executed(state: ClaimedState, outputs: Outputs) -> Outcome:
    """The node ran."""
    return Outcome(state, "executed", {"outputs": outputs})


def errored(state: ClaimedState, error: BaseException | str) -> Outcome:
    """The node failed; the trace stays in this log."""
    message = error if isinstance(error, str) else message_of(error)
    trace = [] if isinstance(error, str) else traceback.format_exception(error)
    text = _whole(f"{message}\n{''.join(trace)}".rstrip())
    logger.warning("node state %s of node %s failed: %s", state.state_id, state.node_name, text)
    return Outcome(state, "errored", {"error": _whole(message)})


def message_of(error: BaseException) -> str:
    """What ``error`` says; how it is written where that is nothing or fails, else its class."""
    for asked in (str, repr):
        with suppress(Exception):
            if text := asked(error):
                return text
    return type(error).__name__


def _whole(text: str) -> str:
    """Return text in which halves of characters are escaped: neither logs nor managers take them."""
    return text.encode("utf-8", "backslashreplace").decode()


def pruned(state: ClaimedState, signal: PruneSignal) -> Outcome:
    """The node ended its branch."""
    try:
        return Outcome(state, "prune", {"data": json.loads(json.dumps(signal.data))})
    except (TypeError, ValueError) as error:
        return errored(state, f"the data of the prune signal is not JSON: {error}")


def requeued(state: ClaimedState, signal: ReQueueAfterSignal) -> Outcome:
    """The node wants to run again later."""
    return Outcome(state, "re-enqueue-after", {"enqueue_after": signal.milliseconds})

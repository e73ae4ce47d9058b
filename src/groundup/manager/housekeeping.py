"""What a manager does by itself, again and again, while it serves."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass

from groundup.manager.errors import DatabaseError
from groundup.manager.operations import claims, retention, rotation, triggers
from groundup.manager.operations.context import Session
from groundup.manager.service import ManagerService

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Chore:
    """An operation that is done every so many seconds.

    :param work: gives how much it did; one that did something is done again at once when it is ``repeated``.
    :param told: logged when everything is done that there was to do.
    :param counted: what it is called in metrics.
    :param wakes: whether there may be something to claim afterwards.
    """

    name: str
    seconds: float
    work: Callable[[Session], int]
    counted: str
    wakes: bool = False
    repeated: bool = False
    told: str = ""


CHORES = (
    Chore("putting lost claims back", 1, claims.sweep, "lost_claims", wakes=True),
    Chore("starting runs by triggers", 1, triggers.start_due, "trigger_times", wakes=True),
    Chore("starting runs that waited", 1, triggers.start_waiting, "waiting_trigger_times", wakes=True),
    Chore("removing finished runs", 60, retention.remove_runs, "removed_runs", repeated=True),
    Chore(
        "encrypting secrets with the new key",
        60,
        rotation.encrypt_anew,
        "encrypted_flows",
        repeated=True,
        told="every secret is encrypted with the present key; older keys are not needed any more",
    ),
    Chore(
        "removing old times of triggers", 600, retention.remove_ticks, "removed_trigger_times", repeated=True
    ),
)


async def keep_house(service: ManagerService) -> None:
    """Do every chore whenever it is due, until cancelled."""
    await asyncio.gather(*(_repeat(service, chore) for chore in CHORES))


async def _repeat(service: ManagerService, chore: Chore) -> None:
    while True:
        try:
            await _do_all(service, chore)
        except DatabaseError as error:
            logger.error("%s failed: %s", chore.name, error)
        except Exception:
            logger.exception("%s failed", chore.name)
        await asyncio.sleep(chore.seconds)


async def _do_all(service: ManagerService, chore: Chore) -> None:
    done = await do(service, chore)
    while chore.repeated and await do(service, chore):
        pass
    if done and chore.told:
        logger.info("%s", chore.told)


async def do(service: ManagerService, chore: Chore) -> int:
    """Do ``chore`` once; gives how much that was."""
    done = await service.write(chore.work)
    service.metrics.done(chore.counted, done)
    if done and chore.wakes:
        await service.announce()
    return done

"""The worker runtime: what a person creates and starts."""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from groundup.nodes.address import resolve
from groundup.nodes.base import BaseNode
from groundup.nodes.connection import Connection
from groundup.nodes.errors import RuntimeConfigurationError
from groundup.nodes.limits import Limits
from groundup.nodes.logs import log_to_stderr
from groundup.nodes.metrics import Metrics
from groundup.nodes.validation import check_nodes
from groundup.nodes.worker import Worker, WorkerSettings

if TYPE_CHECKING:
    from groundup.nodes.prometheus import PrometheusMetrics


class Runtime:
    """Registers nodes with a state manager, polls it for work and executes it.

    ``registered`` is an event that is set while the manager knows the nodes, ``metrics_uri`` the address of
    the metrics while they are served.

    :param namespace: where the nodes are registered.
    :param name: name of this runtime, shown by the manager.
    :param nodes: node classes.
    :param state_manager_uri: default: `EXOSPHERE_STATE_MANAGER_URI`; with neither it nor a key: the embedded
        manager.
    :param key: API key; default: `EXOSPHERE_API_KEY`.
    :param batch_size: how many node states to ask for at once.
    :param workers: how many to execute at the same time.
    :param state_manage_version: version of the protocol; ``state_manager_version`` is the same.
    :param poll_interval: seconds between polls that gave nothing, where the manager cannot hold them back.
    :param embedded: whether the embedded manager may be used.
    :param lease: seconds that a claim holds unless renewed, which happens by itself while it is executed.
    :param grace_period: seconds that running executions have to end after :meth:`stop`.
    :param limits: lets every execution run in a process of its own, but for nodes with limits of their own.
    :param metrics_port: where metrics for Prometheus are served; 0: a free port, see :attr:`metrics_uri`.
    :param metrics_host: the address for them.
    :raises RuntimeConfigurationError: for arguments, an address or node classes that cannot work.
    """

    def __init__(  # noqa: PLR0913, PLR0917 - names and order are those of the protocol's own SDK
        self,
        namespace: str,
        name: str,
        nodes: Sequence[type[BaseNode]],
        state_manager_uri: str | None = None,
        key: str | None = None,
        batch_size: int = 16,
        workers: int = 4,
        state_manage_version: str = "v0",
        poll_interval: float = 1,
        *,
        state_manager_version: str | None = None,
        embedded: bool = True,
        lease: float = 15,
        grace_period: float = 30,
        limits: Limits | None = None,
        metrics_port: int | None = None,
        metrics_host: str = "127.0.0.1",
    ) -> None:
        if batch_size < 1:
            raise RuntimeConfigurationError("Batch size should be at least 1", hint="the default is 16")
        if workers < 1:
            raise RuntimeConfigurationError("Workers should be at least 1", hint="the default is 4")
        version = state_manager_version or state_manage_version
        self._address = resolve(namespace, state_manager_uri, key, version, embedded=embedded)
        check_nodes(nodes, in_processes=limits is not None)
        self.registered = asyncio.Event()
        self.metrics_uri: str | None = None
        self._metrics_at = (metrics_host, metrics_port or 0)
        self._counted = None if metrics_port is None else _counted(namespace, name)
        self._settings = WorkerSettings(
            name=name,
            nodes=tuple(nodes),
            batch_size=batch_size,
            workers=workers,
            poll_interval=poll_interval,
            lease=lease,
            grace_period=grace_period,
            on_registered=self.registered.set,
            limits=limits,
            metrics=self._counted or Metrics(),
        )
        self._lock = threading.Lock()
        self._stop_requested = False
        self._running: tuple[asyncio.AbstractEventLoop, asyncio.Event] | None = None

    async def run(self) -> None:
        """Work until :meth:`stop`: first retried until the manager answers, then polling and executing.

        :raises RegistrationError: when the manager refuses the nodes.
        """
        stopping = asyncio.Event()
        with self._lock:
            self._running = asyncio.get_running_loop(), stopping
            if self._stop_requested:
                stopping.set()
        try:
            with self._metrics_served(), self._address.reached() as address:
                async with Connection(address, self._settings.metrics.retried) as connection:
                    await Worker(connection, self._settings, stopping).run()
        finally:
            with self._lock:
                self._running = None
                self._stop_requested = False
            self.registered.clear()

    @contextmanager
    def _metrics_served(self) -> Iterator[None]:
        if self._counted is None:
            yield
            return
        with self._counted.served(*self._metrics_at) as self.metrics_uri:
            yield
        self.metrics_uri = None

    def stop(self) -> None:
        """Claim nothing more, let running executions end, give the rest back; then :meth:`run` returns.

        May be called from any thread, and before :meth:`run`.
        """
        with self._lock:
            self._stop_requested = True
            if self._running is not None:
                loop, stopping = self._running
                loop.call_soon_threadsafe(stopping.set)

    def start(self) -> asyncio.Task[None] | None:
        """Run until stopped, by SIGTERM or Ctrl-C too; in a running loop (a notebook) as a task of it.

        Where nobody has configured logging, a worker that is not in a loop logs to stderr.
        """
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            log_to_stderr()
            asyncio.run(self._run_until_signal())
            return None
        return loop.create_task(self.run())

    async def _run_until_signal(self) -> None:
        loop = asyncio.get_running_loop()
        signals = (signal.SIGTERM, signal.SIGINT)

        def on_signal() -> None:
            self.stop()
            for number in signals:  # a second one ends the process at once
                loop.remove_signal_handler(number)

        if threading.current_thread() is threading.main_thread():
            for number in signals:
                loop.add_signal_handler(number, on_signal)
        await self.run()


def _counted(namespace: str, name: str) -> PrometheusMetrics:
    from groundup.nodes.prometheus import PrometheusMetrics  # no worker needs it that is not asked

    return PrometheusMetrics(namespace, name)

"""What a manager counts, served for Prometheus on a port of its own."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from prometheus_client import CollectorRegistry, Counter, Histogram, start_http_server
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from groundup.manager.errors import ManagerError
from groundup.manager.metrics import Metrics
from groundup.manager.operations.backlog import Backlog

logger = logging.getLogger(__name__)

_BUCKETS = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)


class PrometheusMetrics(Metrics):
    """Counts into a registry of its own.

    Labels are endpoints, statuses, kinds of outcomes and of housekeeping: no number of flows or clients
    makes them more.

    :param backlog: what waits in the database, asked for whenever the metrics are read.
    """

    is_watched = True

    def __init__(self, backlog: Callable[[], Backlog]) -> None:
        self.registry = CollectorRegistry()
        self.registry.register(_BacklogCollector(backlog))
        self._seconds = Histogram(
            "groundup_manager_request_seconds",
            "Requests that were answered",
            ["endpoint", "status"],
            buckets=_BUCKETS,
            registry=self.registry,
        )
        self._claimed = Counter(
            "groundup_manager_claimed_node_states", "Node states handed out", registry=self.registry
        )
        self._recorded = Counter(
            "groundup_manager_outcomes", "Outcomes recorded", ["outcome"], registry=self.registry
        )
        self._done = Counter(
            "groundup_manager_housekeeping", "What was done unasked", ["what"], registry=self.registry
        )

    def answered(self, endpoint: str, status: int, seconds: float) -> None:
        """Count a request and its time."""
        self._seconds.labels(endpoint, str(status)).observe(seconds)

    def claimed(self, count: int) -> None:
        """Count claims."""
        self._claimed.inc(count)

    def recorded(self, outcome: str) -> None:
        """Count an outcome."""
        self._recorded.labels(outcome).inc()

    def done(self, what: str, count: int) -> None:
        """Count what housekeeping did."""
        self._done.labels(what).inc(count)

    @contextmanager
    def served(self, host: str, port: int) -> Iterator[str]:
        """Serve them meanwhile; gives the address.

        :raises ManagerError: when the port is taken.
        """
        try:
            server, thread = start_http_server(port, host, self.registry)
        except OSError as error:
            raise ManagerError(
                f"metrics cannot be served on {host}:{port}: {error.strerror or error}",
                hint="choose another port, or 0 for a free one",
            ) from error
        uri = f"http://{host}:{server.server_port}/metrics"
        logger.info("metrics on %s", uri)
        try:
            yield uri
        finally:
            server.shutdown()
            server.server_close()
            thread.join()


class _BacklogCollector(Collector):
    """What waits, as it is when somebody looks."""

    def __init__(self, backlog: Callable[[], Backlog]) -> None:
        self._backlog = backlog

    def describe(self) -> Iterable[Metric]:
        """Nothing that needs the database."""
        return ()

    def collect(self) -> Iterator[Metric]:
        """The gauges; none while the database cannot be used."""
        try:
            found = self._backlog()
        except ManagerError as error:
            logger.error("the metrics lack what waits: %s", error)
            return
        for name, text, value in (
            ("due_node_states", "Waiting to be handed out, counted up to 10,000", found.due),
            (
                "claimed_now_node_states",
                "Handed out and not yet reported, counted up to 10,000",
                found.claimed,
            ),
            ("oldest_due_seconds", "How long the first of them has waited", found.oldest_seconds),
        ):
            yield GaugeMetricFamily(f"groundup_manager_{name}", text, value=value)

"""What a worker counts, served for Prometheus."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Info, start_http_server

from groundup.nodes.errors import NodesError
from groundup.nodes.metrics import Metrics

logger = logging.getLogger("groundup.nodes.runtime")


class MetricsServerError(NodesError):
    """Metrics cannot be served."""


class PrometheusMetrics(Metrics):
    """Counts into a registry of its own."""

    def __init__(self, namespace: str, name: str) -> None:
        self.registry = CollectorRegistry()
        self._claimed = Counter("groundup_claimed_node_states", "Node states claimed", registry=self.registry)
        self._held = Gauge("groundup_held_node_states", "Claimed, not yet reported", registry=self.registry)
        self._lost = Counter("groundup_lost_claims", "Claims that were lost", registry=self.registry)
        self._retried = Counter("groundup_retried_calls", "Calls made again", registry=self.registry)
        self._seconds = Histogram(
            "groundup_execution_seconds", "Executions", ["node", "outcome"], registry=self.registry
        )
        Info("groundup_worker", "This worker", registry=self.registry).info(
            {"namespace": namespace, "runtime": name}
        )

    def claimed(self, count: int) -> None:
        """Count claims."""
        self._claimed.inc(count)

    def holding(self, count: int) -> None:
        """Note how many are held."""
        self._held.set(count)

    def ended(self, node: str, outcome: str, seconds: float) -> None:
        """Count an execution and its time."""
        self._seconds.labels(node, outcome).observe(seconds)

    def lost(self, count: int) -> None:
        """Count lost claims."""
        self._lost.inc(count)

    def retried(self) -> None:
        """Count a call that is made again."""
        self._retried.inc()

    @contextmanager
    def served(self, host: str, port: int) -> Iterator[str]:
        """Serve them meanwhile; gives the address.

        :raises MetricsServerError: when the port is taken.
        """
        try:
            server, thread = start_http_server(port, host, self.registry)
        except OSError as error:
            raise MetricsServerError(
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

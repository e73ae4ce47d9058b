"""Models of the parameters of states about nodes and flows; importing them imports pydantic."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from groundup.states.execution_parameters import Seconds
from groundup.states.parameters import Parameters, Text

Port = Annotated[int, Field(ge=0, le=65535)]
Count = Annotated[int, Field(ge=1)]


class ManagerReadiness(Parameters):
    """Parameters of ``state_manager_ready``.

    :ivar embedded: whether the repository's own may be used where none is configured.
    :ivar wait: seconds that a configured one has to answer.
    """

    embedded: bool = True
    wait: Seconds | None = 30


class NodeRegistration(Parameters):
    """Parameters of ``nodes_registered``.

    :ivar nodes: node classes, each ``module:Class``; default: those of the configuration.
    :ivar namespace: where they are registered.
    :ivar name: name of the worker; default: the machine's.
    """

    nodes: list[Text] | None = None
    namespace: Text = "default"
    name: Text | None = None


class FlowApplication(Parameters):
    """Parameters of ``flows_applied``.

    :ivar files: flow files, and folders of them, relative to root; default: the folder ``flows`` where it is.
    :ivar namespace: where flows are saved that do not say it themselves.
    :ivar wait: seconds that a state manager may take to verify one.
    """

    files: list[Text] | None = None
    namespace: Text = "default"
    wait: Seconds = 60


class Polling(Parameters):
    """Parameters of ``nodes_polling``.

    :ivar workers: how many node states are executed at once.
    :ivar batch_size: how many are asked for at once.
    :ivar lease: seconds that a claim holds unless it is renewed.
    :ivar grace_period: seconds that running ones have to end.
    :ivar metrics_port: where metrics for Prometheus are served; default: nowhere.
    :ivar metrics_host: the address for them.
    """

    workers: Count = 4
    batch_size: Count = 16
    lease: Seconds = 15
    grace_period: Annotated[float, Field(ge=0, le=10**7)] = 30
    metrics_port: Port | None = None
    metrics_host: Text = "127.0.0.1"

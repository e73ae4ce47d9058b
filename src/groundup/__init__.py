"""From any Python to a repository's environment, and from there through a DAG of states to its goals.

Every name below is imported from its room when it is first used, so that ``import groundup`` costs nothing.
"""

from __future__ import annotations

TYPE_CHECKING = False  # as in `typing`, whose import would cost 10 ms
if TYPE_CHECKING:
    from groundup.cli.target_command import command as command
    from groundup.config import Config as Config
    from groundup.config import load_config as load_config
    from groundup.dag import Lazy as Lazy
    from groundup.dag import Params as Params
    from groundup.dag import Retries as Retries
    from groundup.dag import Runner as Runner
    from groundup.dag import State as State
    from groundup.dag import StateGraph as StateGraph
    from groundup.dag import state as state
    from groundup.errors import GroundupError as GroundupError
    from groundup.errors import UserError as UserError
    from groundup.execution import Chunk as Chunk
    from groundup.execution import ExecutionFailed as ExecutionFailed
    from groundup.execution import ExecutionResult as ExecutionResult
    from groundup.execution import ExecutionRuntime as ExecutionRuntime
    from groundup.execution import Garbage as Garbage
    from groundup.execution import OutputStream as OutputStream
    from groundup.execution import collect_garbage as collect_garbage
    from groundup.execution import create_execution_runtime as create_execution_runtime
    from groundup.execution.container import ContainerConfig as ContainerConfig
    from groundup.execution.container import ContainerError as ContainerError
    from groundup.execution.container import EngineForbidden as EngineForbidden
    from groundup.execution.container import EngineMissing as EngineMissing
    from groundup.execution.container import ImageMissing as ImageMissing
    from groundup.execution.container import IsolatedExecutionRuntime as IsolatedExecutionRuntime
    from groundup.execution.container import NotIsolatedWarning as NotIsolatedWarning
    from groundup.execution.container import reap_containers as reap_containers
    from groundup.execution.languages import StepFailed as StepFailed
    from groundup.execution.languages import StepResult as StepResult
    from groundup.execution.languages import run_step as run_step
    from groundup.execution.sandbox import SandboxError as SandboxError
    from groundup.execution.sandbox import SandboxExecutionRuntime as SandboxExecutionRuntime
    from groundup.execution.sandbox import SandboxLimits as SandboxLimits
    from groundup.manager import EmbeddedManager as EmbeddedManager
    from groundup.nodes import BaseNode as BaseNode
    from groundup.nodes import ConditionModel as ConditionModel
    from groundup.nodes import CronTrigger as CronTrigger
    from groundup.nodes import GraphNodeModel as GraphNodeModel
    from groundup.nodes import Limits as Limits
    from groundup.nodes import MissedEnum as MissedEnum
    from groundup.nodes import NodeContext as NodeContext
    from groundup.nodes import OverlapEnum as OverlapEnum
    from groundup.nodes import ProjectNode as ProjectNode
    from groundup.nodes import PruneSignal as PruneSignal
    from groundup.nodes import ReQueueAfterSignal as ReQueueAfterSignal
    from groundup.nodes import RetryPolicyModel as RetryPolicyModel
    from groundup.nodes import RetryStrategyEnum as RetryStrategyEnum
    from groundup.nodes import RunStatus as RunStatus
    from groundup.nodes import Runtime as Runtime
    from groundup.nodes import ScriptNode as ScriptNode
    from groundup.nodes import StateManager as StateManager
    from groundup.nodes import StateStatus as StateStatus
    from groundup.nodes import StepNode as StepNode
    from groundup.nodes import StoreConfigModel as StoreConfigModel
    from groundup.nodes import UnitesModel as UnitesModel
    from groundup.nodes import UnitesStrategyEnum as UnitesStrategyEnum
    from groundup.nodes import current_context as current_context
    from groundup.nodes import run_node as run_node
    from groundup.projects import Project as Project
    from groundup.projects import ProvisioningError as ProvisioningError
    from groundup.projects import create_project as create_project
    from groundup.projects import generate_requirements as generate_requirements
    from groundup.projects import get_project as get_project
    from groundup.projects import list_projects as list_projects
    from groundup.projects import remove_project as remove_project

__version__ = "0.1.0"

_ROOMS = {
    "cli.target_command": ("command",),
    "config": ("Config", "load_config"),
    "dag": ("Lazy", "Params", "Retries", "Runner", "State", "StateGraph", "state"),
    "errors": ("GroundupError", "UserError"),
    "execution": (
        "Chunk",
        "ExecutionFailed",
        "ExecutionResult",
        "ExecutionRuntime",
        "Garbage",
        "OutputStream",
        "collect_garbage",
        "create_execution_runtime",
    ),
    "execution.container": (
        "ContainerConfig",
        "ContainerError",
        "EngineForbidden",
        "EngineMissing",
        "ImageMissing",
        "IsolatedExecutionRuntime",
        "NotIsolatedWarning",
        "reap_containers",
    ),
    "execution.languages": ("StepFailed", "StepResult", "run_step"),
    "execution.sandbox": ("SandboxError", "SandboxExecutionRuntime", "SandboxLimits"),
    "manager": ("EmbeddedManager",),
    "nodes": (
        "BaseNode",
        "ConditionModel",
        "CronTrigger",
        "GraphNodeModel",
        "Limits",
        "MissedEnum",
        "NodeContext",
        "OverlapEnum",
        "ProjectNode",
        "PruneSignal",
        "ReQueueAfterSignal",
        "RetryPolicyModel",
        "RetryStrategyEnum",
        "RunStatus",
        "Runtime",
        "ScriptNode",
        "StateManager",
        "StateStatus",
        "StepNode",
        "StoreConfigModel",
        "UnitesModel",
        "UnitesStrategyEnum",
        "current_context",
        "run_node",
    ),
    "projects": (
        "Project",
        "ProvisioningError",
        "create_project",
        "generate_requirements",
        "get_project",
        "list_projects",
        "remove_project",
    ),
}
_ROOM_OF = {name: room for room, names in _ROOMS.items() for name in names}

__all__ = list(_ROOM_OF)


if not TYPE_CHECKING:  # a checker would take every name for one of ours

    def __getattr__(name: str) -> object:
        room = _ROOM_OF.get(name)
        if room is None:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from importlib import import_module

        value: object = getattr(import_module(f"{__name__}.{room}"), name)
        globals()[name] = value
        return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_ROOM_OF})

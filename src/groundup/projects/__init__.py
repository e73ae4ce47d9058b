"""From a script to a project: PEP 723, lock, environment, the store of projects."""

from groundup.projects.environment import Environment, build_environment
from groundup.projects.errors import ProvisioningError
from groundup.projects.metadata import ScriptMetadata, parse_metadata
from groundup.projects.project import Project, create_project, get_project, list_projects, remove_project
from groundup.projects.requirements import EnvironmentSpec, environment_spec, generate_requirements
from groundup.projects.script import Script, read_script

__all__ = [
    "Environment",
    "EnvironmentSpec",
    "Project",
    "ProvisioningError",
    "Script",
    "ScriptMetadata",
    "build_environment",
    "create_project",
    "environment_spec",
    "generate_requirements",
    "get_project",
    "list_projects",
    "parse_metadata",
    "read_script",
    "remove_project",
]

"""Flows in files: TOML, YAML or JSON, one model for all three."""

from __future__ import annotations

from groundup.nodes.flow_files.errors import FlowFileError
from groundup.nodes.flow_files.model import FlowFile
from groundup.nodes.flow_files.reading import FlowInFile, read_flow, read_flows

__all__ = ["FlowFile", "FlowFileError", "FlowInFile", "read_flow", "read_flows"]

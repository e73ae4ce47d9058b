"""From the imports of a script to what it requires, with evidence for each distribution."""

from groundup.projects.inference.block import refuse_block, with_block, write_block
from groundup.projects.inference.deciding import Finding
from groundup.projects.inference.errors import Undecided, UndecidedImportsError
from groundup.projects.inference.inferring import Inference, infer

__all__ = [
    "Finding",
    "Inference",
    "Undecided",
    "UndecidedImportsError",
    "infer",
    "refuse_block",
    "with_block",
    "write_block",
]

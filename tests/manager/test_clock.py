"""Ids of node states: unlike any other, in every process."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest

from groundup.manager.clock import new_state_id

FORKED = """
import os
from groundup.manager.clock import new_state_id

for _ in range(3):
    child = os.fork()
    if not child:
        break
    os.waitpid(child, 0)
print(*(new_state_id() for _ in range(100)), sep="\\n", flush=True)
os._exit(0)
"""


def test_ids_are_hexadecimal_and_never_the_same() -> None:
    ids = [new_state_id() for _ in range(10_000)]
    assert len(set(ids)) == 10_000
    assert all(re.fullmatch("[0-9a-f]{24}", each) for each in ids)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes do not fork here")
def test_processes_that_forked_do_not_make_the_same_ids() -> None:
    done = subprocess.run([sys.executable, "-I", "-c", FORKED], capture_output=True, text=True, check=True)
    ids = done.stdout.split()
    assert len(ids) == len(set(ids)) == 400

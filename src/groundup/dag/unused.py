"""Parameters of a state's function that it never uses: parents that are waited for in vain."""

from __future__ import annotations

import inspect
from types import CodeType

from groundup.dag.annotations import plain_function
from groundup.dag.state import AnyState

SEES_ALL = frozenset({"locals", "vars", "eval", "exec", "dir"})


def unused_arguments(state: AnyState) -> tuple[str, ...]:
    """Return the names of the parameters that neither the function nor its check of being satisfied uses."""
    code = getattr(plain_function(state.function), "__code__", None)
    if code is None or SEES_ALL.intersection(code.co_names):
        return ()
    used = _used(code) | (set(inspect.signature(state.check).parameters) if state.check else set())
    own = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
    wanted = [argument.name for argument in state.arguments]
    return tuple(name for name in wanted if name in own and name not in used)


def _used(code: CodeType) -> set[str]:
    """Return the local names that a function reads or deletes, or that functions inside it see."""
    import dis
    import re

    used = set(code.co_cellvars)
    for step in dis.get_instructions(code):
        if "_FAST" in step.opname and "_AND_CLEAR" not in step.opname:
            names = step.argval if isinstance(step.argval, tuple) else (step.argval,)
            does = re.findall("(LOAD|STORE|DELETE)_FAST", step.opname)  # an instruction may do two things
            used.update(name for done, name in zip(does, names, strict=True) if done != "STORE")
    return used

"""Evidence that takes microseconds and is the same only where a state, what it reads and what it made are.

It stands beside a record. Where it is found again, the record holds, and no fingerprint has to be taken.
Where it is not, or where there can be none, the fingerprint decides.
"""

from __future__ import annotations

import hashlib
import marshal
from collections.abc import Callable, Iterable, Mapping
from types import FunctionType
from typing import TYPE_CHECKING, TypeAlias

from groundup.dag.uptodate.code import VERSION
from groundup.dag.uptodate.files import Stamp
from groundup.dag.uptodate.fingerprint import FORMAT, Result

if TYPE_CHECKING:
    from groundup.dag.state import AnyState

NONE = ""
_PLAIN_MARSHAL = 2  # the last version without references, which depend on how often an object is used
_SIZE = 16

StampOf: TypeAlias = Callable[[str], Stamp | None]


def evidence(state: AnyState, parents: Mapping[str, Result], stamp_of: StampOf) -> str:
    """Return the evidence of `state`; :data:`NONE` where there can be none.

    There is none for parameters and checks, for functions with defaults or closures, for objects that are no
    functions, and where an input or output is no single file.

    :param parents: what its parents contribute.
    :param stamp_of: returns the stamp of a regular file by its name, None where that is no evidence.
    """
    function = state.function
    if type(function) is not FunctionType or state.check or state.params:
        return NONE
    if function.__defaults__ or function.__kwdefaults__ or function.__closure__:
        return NONE
    stamps = [stamp_of(name) for name in (*state.inputs, *state.outputs)]
    if None in stamps or len(parents) != len(state.eager_parents):
        return NONE
    facts = (FORMAT, VERSION, state.inputs, state.outputs, stamps, state.eager_parents, _digests(parents))
    content = hashlib.blake2b(marshal.dumps(function.__code__, _PLAIN_MARSHAL), digest_size=_SIZE)
    content.update(repr(facts).encode("utf-8", "surrogatepass"))
    return content.hexdigest()


def _digests(parents: Mapping[str, Result]) -> Iterable[tuple[str, str]]:
    return [(name, result.digest) for name, result in parents.items()]

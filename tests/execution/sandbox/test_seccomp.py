"""The filter, run by a machine of its own; the scripts of ``escapes`` prove it in the kernel."""

import errno
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundup.execution.sandbox import SandboxError
from groundup.execution.sandbox.seccomp import filter_program

ALLOW, KILL, REFUSE = 0x7FFF0000, 0x80000000, 0x00050000
ARCHITECTURES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7, "riscv64": 0xC00000F3}
# By machine: clone, ioctl, personality, socket, socketpair, ptrace, clone3, read.
CALLS = {
    "x86_64": (56, 16, 135, 41, 53, 101, 435, 0),
    "aarch64": (220, 29, 92, 198, 199, 117, 435, 63),
    "riscv64": (220, 29, 92, 198, 199, 117, 435, 63),
}
_GENERIC = {
    "fchmod": (52, 1),
    "fchmodat": (53, 2),
    "mknodat": (33, 2),
    "openat": (56, 3),
    "fchmodat2": (452, 2),
}
MODES = {
    "x86_64": {
        **{"chmod": (90, 1), "fchmod": (91, 1), "fchmodat": (268, 2), "fchmodat2": (452, 2)},
        **{"open": (2, 2), "creat": (85, 1), "openat": (257, 3), "mknod": (133, 1), "mknodat": (259, 2)},
    },
    "aarch64": _GENERIC,
    "riscv64": _GENERIC,
}
machines = pytest.mark.parametrize("machine", CALLS)


def decide(
    machine: str, number: int, *arguments: int, unix_sockets: bool = True, architecture: int | None = None
) -> int:
    """Return what the filter says to a system call."""
    program = filter_program(unix_sockets=unix_sockets, machine=machine)
    known = ARCHITECTURES[machine] if architecture is None else architecture
    words = [*arguments, 0, 0, 0, 0, 0, 0][:6]
    data = struct.pack("=IIQ6Q", number, known, 0, *words)
    instructions = list(struct.iter_unpack("=HBBI", program))
    place = loaded = 0
    while True:
        code, then, otherwise, value = instructions[place]
        place += 1
        if code == 0x06:
            return int(value)
        if code == 0x20:
            (loaded,) = struct.unpack_from("=I", data, value)
        else:
            holds = {0x15: loaded == value, 0x35: loaded >= value, 0x45: bool(loaded & value)}[code]
            place += then if holds else otherwise


@machines
def test_what_every_program_does_is_allowed(machine: str) -> None:
    clone, ioctl, personality, socket, socketpair, _, _, read = CALLS[machine]
    assert decide(machine, read, 0) == ALLOW
    assert decide(machine, clone, 0x3D0F00) == ALLOW  # a thread
    assert decide(machine, clone, 17) == ALLOW  # a process
    assert decide(machine, ioctl, 0, 0x5401) == ALLOW
    assert decide(machine, personality, 0xFFFFFFFF) == ALLOW
    for family in (1, 2, 10, 16):
        assert decide(machine, socket, family) == ALLOW
    assert decide(machine, socketpair, 1, unix_sockets=False) == ALLOW


@machines
def test_what_is_refused(machine: str) -> None:
    clone, _, personality, socket, socketpair, ptrace, clone3, _ = CALLS[machine]
    assert decide(machine, ptrace, 0) == REFUSE | errno.EPERM
    assert decide(machine, clone3) == REFUSE | errno.ENOSYS
    assert decide(machine, personality, 0x40000) == REFUSE | errno.EPERM
    assert decide(machine, socketpair, 30) == REFUSE | errno.EAFNOSUPPORT
    assert decide(machine, socket, 1, unix_sockets=False) == REFUSE | errno.EAFNOSUPPORT
    for bit in range(32):
        if 1 << bit & 0x7E020000:
            assert decide(machine, clone, 1 << bit | 17) == REFUSE | errno.EPERM
    for family in (5, 17, 31, 38, 40):
        assert decide(machine, socket, family) == REFUSE | errno.EAFNOSUPPORT


@machines
@given(bits=st.sampled_from([0o2000, 0o4000, 0o6000]), rights=st.integers(0, 0o777))
def test_no_file_is_made_to_run_as_its_owner(machine: str, bits: int, rights: int) -> None:
    """Each call: its number, and where its mode is."""
    for name, (number, place) in MODES[machine].items():
        for flags in (0o100, 0o20200002) if name.startswith("open") else (0,):
            arguments = [flags] * place
            assert decide(machine, number, *arguments, rights | bits) == REFUSE | errno.EPERM, name
            assert decide(machine, number, *arguments, rights) == ALLOW, name
        if name.startswith("open"):  # there is a mode only where a file is made
            assert decide(machine, number, *([0o2] * place), rights | bits) == ALLOW
    assert decide(machine, 437) == REFUSE | errno.ENOSYS  # openat2, whose mode is in memory


@machines
@given(above=st.integers(0, 2**32 - 1))
def test_the_upper_half_of_an_argument_hides_nothing(machine: str, above: int) -> None:
    _, ioctl, *_ = CALLS[machine]
    for terminal in (0x5412, 0x541C):
        assert decide(machine, ioctl, 0, above << 32 | terminal) == REFUSE | errno.EPERM


@machines
@given(number=st.integers(0, 2**32 - 1), architecture=st.integers(0, 2**32 - 1))
def test_calls_of_another_architecture_kill(machine: str, number: int, architecture: int) -> None:
    if architecture != ARCHITECTURES[machine]:
        assert decide(machine, number, architecture=architecture) == KILL


@given(number=st.integers(0x40000000, 2**32 - 1))
def test_so_does_the_second_table_of_x86(number: int) -> None:
    assert decide("x86_64", number) == KILL


@machines
@given(number=st.integers(500, 0x3FFFFFFF), arguments=st.lists(st.integers(0, 2**64 - 1), max_size=6))
def test_every_way_through_it_ends(machine: str, number: int, arguments: list[int]) -> None:
    assert decide(machine, number, *arguments) == ALLOW


def test_an_unknown_processor_is_an_error() -> None:
    with pytest.raises(SandboxError, match="those of vax are not known") as raised:
        filter_program(unix_sockets=True, machine="vax")
    assert raised.value.reason == "platform"

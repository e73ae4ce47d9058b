"""The filter of system calls: what bubblewrap leaves open and no script needs.

A program for the kernel's packet filter, in which every refusal is a comparison and its answer. It decides by
numbers and by the lower halves of arguments, which are all that the kernel itself looks at in them.
"""

from __future__ import annotations

import errno
import platform
import struct
from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

from groundup.execution.sandbox.errors import SandboxError

_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_NUMBER, _ARCHITECTURE, _FIRST, _SECOND = 0, 4, 16, 24  # offsets in what the kernel tells of a call
_ALLOW, _REFUSE, _KILL = 0x7FFF0000, 0x00050000, 0x80000000
_X32 = 0x40000000  # first number of the second table of x86_64
_INSTRUCTION = struct.Struct("=HBBI")

_NEW_NAMESPACE = 0x7E020000  # CLONE_NEW*
_TERMINAL_INPUT = (0x5412, 0x541C)  # TIOCSTI, TIOCLINUX
_PLAIN_PERSONALITIES = (0, 0xFFFFFFFF)  # of Linux; the second asks for the present one
_OWNERS_RIGHTS = 0o6000  # of a mode: a program runs as its owner, or group
_MAKES_FILE = 0o100 | 0o20000000  # O_CREAT, O_TMPFILE
_UNIX, _INET, _INET6, _NETLINK = 1, 2, 10, 16

# Numbers of x86_64, and of those that share the generic table. None: there is no such call.
_NOT_PERMITTED: dict[str, tuple[int, int | None]] = {
    "acct": (163, 89),
    "add_key": (248, 217),
    "adjtimex": (159, 171),
    "bpf": (321, 280),
    "chroot": (161, 51),
    "clock_adjtime": (305, 266),
    "clock_settime": (227, 112),
    "create_module": (174, None),
    "delete_module": (176, 106),
    "fanotify_init": (300, 262),
    "finit_module": (313, 273),
    "fsconfig": (431, 431),
    "fsmount": (432, 432),
    "fsopen": (430, 430),
    "fspick": (433, 433),
    "init_module": (175, 105),
    "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427),
    "io_uring_setup": (425, 425),
    "ioperm": (173, None),
    "iopl": (172, None),
    "kcmp": (312, 272),
    "kexec_file_load": (320, 294),
    "kexec_load": (246, 104),
    "keyctl": (250, 219),
    "lookup_dcookie": (212, 18),
    "migrate_pages": (256, 238),
    "modify_ldt": (154, None),
    "mount": (165, 40),
    "mount_setattr": (442, 442),
    "move_mount": (429, 429),
    "move_pages": (279, 239),
    "name_to_handle_at": (303, 264),
    "nfsservctl": (180, 42),
    "open_by_handle_at": (304, 265),
    "open_tree": (428, 428),
    "perf_event_open": (298, 241),
    "pidfd_getfd": (438, 438),
    "pivot_root": (155, 41),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "ptrace": (101, 117),
    "quotactl": (179, 60),
    "quotactl_fd": (443, 443),
    "reboot": (169, 142),
    "request_key": (249, 218),
    "setdomainname": (171, 162),
    "sethostname": (170, 161),
    "setns": (308, 268),
    "settimeofday": (164, 170),
    "swapoff": (168, 225),
    "swapon": (167, 224),
    "syslog": (103, 116),
    "umount2": (166, 39),
    "unshare": (272, 97),
    "uselib": (134, None),
    "userfaultfd": (323, 282),
    "vhangup": (153, 58),
}
# Programs then do it in another way. The arguments of clone3 and openat2 cannot be looked at; what the others
# allocate is memory that no limit of a process counts.
_NOT_THERE: dict[str, tuple[int, int | None]] = {
    "clone3": (435, 435),
    "memfd_create": (319, 279),
    "memfd_secret": (447, 447),
    "openat2": (437, 437),
    "shmget": (29, 194),
}
# Calls with a mode, and which argument that is, from 0; in the second table the one before it has flags.
_MODES: dict[str, tuple[int, int | None, int]] = {
    "chmod": (90, None, 1),
    "creat": (85, None, 1),
    "fchmod": (91, 52, 1),
    "fchmodat": (268, 53, 2),
    "fchmodat2": (452, 452, 2),
    "mknod": (133, None, 1),
    "mknodat": (259, 33, 2),
}
_OPENS: dict[str, tuple[int, int | None, int]] = {"open": (2, None, 2), "openat": (257, 56, 3)}


class _Machine(NamedTuple):
    """A processor: its number, its column in the tables, and the calls whose arguments decide."""

    number: int
    column: int
    clone: int
    ioctl: int
    personality: int
    socket: int
    socketpair: int


_MACHINES = {
    "x86_64": _Machine(0xC000003E, 0, clone=56, ioctl=16, personality=135, socket=41, socketpair=53),
    "aarch64": _Machine(0xC00000B7, 1, clone=220, ioctl=29, personality=92, socket=198, socketpair=199),
    "riscv64": _Machine(0xC00000F3, 1, clone=220, ioctl=29, personality=92, socket=198, socketpair=199),
}


@cache
def filter_program(*, unix_sockets: bool, machine: str | None = None) -> bytes:
    """Return the filter for a processor, by default this one.

    :param unix_sockets: whether sockets of the family unix can be made; pairs of them always can.
    :raises SandboxError: the numbers of its system calls are not known here.
    """
    name = machine or platform.machine()
    if name not in _MACHINES:
        raise SandboxError(
            "platform",
            f"a sandbox filters system calls, and those of {name} are not known",
            hint=f"a machine of {', '.join(_MACHINES)}, or isolation by a container",
        )
    return b"".join(_INSTRUCTION.pack(*each) for each in _instructions(_MACHINES[name], unix_sockets))


_Instruction = tuple[int, int, int, int]


def _instructions(machine: _Machine, unix_sockets: bool) -> Iterator[_Instruction]:
    yield _LOAD, 0, 0, _ARCHITECTURE
    yield _EQUAL, 1, 0, machine.number
    yield _RETURN, 0, 0, _KILL
    yield _LOAD, 0, 0, _NUMBER
    if machine.column == 0:
        yield _AT_LEAST, 0, 1, _X32
        yield _RETURN, 0, 0, _KILL
    for table, code in ((_NOT_PERMITTED, errno.EPERM), (_NOT_THERE, errno.ENOSYS)):
        for numbers in table.values():
            number = numbers[machine.column]
            if number is not None:
                yield _EQUAL, 0, 1, number
                yield _RETURN, 0, 0, _REFUSE | code
    yield from _unless_any_bit(machine.clone, _FIRST, _NEW_NAMESPACE)
    yield from _modes(machine.column)
    yield from _none_of(machine.ioctl, _SECOND, _TERMINAL_INPUT, errno.EPERM)
    yield from _one_of(machine.personality, _PLAIN_PERSONALITIES, errno.EPERM)
    families = (_INET, _INET6, _NETLINK)
    yield from _one_of(machine.socket, (_UNIX, *families) if unix_sockets else families, errno.EAFNOSUPPORT)
    yield from _one_of(machine.socketpair, (_UNIX,), errno.EAFNOSUPPORT)
    yield _RETURN, 0, 0, _ALLOW


def _modes(column: int) -> Iterator[_Instruction]:
    """Refuse modes that give a program the rights of its owner: in a folder of the caller, that is he."""
    for *numbers, place in _MODES.values():
        if (number := numbers[column]) is not None:
            yield from _unless_any_bit(number, _argument(place), _OWNERS_RIGHTS)
    for *numbers, place in _OPENS.values():
        if (number := numbers[column]) is not None:
            yield from _unless_any_bit(
                number, _argument(place), _OWNERS_RIGHTS, (_argument(place - 1), _MAKES_FILE)
            )


def _argument(place: int) -> int:
    return _FIRST + 8 * place


def _unless_any_bit(
    number: int, argument: int, bits: int, where: tuple[int, int] | None = None
) -> Iterator[_Instruction]:
    """Refuse a call with any of some bits in an argument; with `where`, if another one has any of others."""
    first = [] if where is None else [(_LOAD, 0, 0, where[0]), (_ANY_BIT, 0, 3, where[1])]
    yield _EQUAL, 0, 4 + len(first), number
    yield from first
    yield _LOAD, 0, 0, argument
    yield _ANY_BIT, 0, 1, bits
    yield _RETURN, 0, 0, _REFUSE | errno.EPERM
    yield _RETURN, 0, 0, _ALLOW


def _one_of(number: int, values: tuple[int, ...], code: int) -> Iterator[_Instruction]:
    """Allow a call whose first argument is one of `values`."""
    yield from _decided(number, _FIRST, values, _ALLOW, _REFUSE | code)


def _none_of(number: int, argument: int, values: tuple[int, ...], code: int) -> Iterator[_Instruction]:
    """Allow a call whose argument is none of `values`."""
    yield from _decided(number, argument, values, _REFUSE | code, _ALLOW)


def _decided(
    number: int, argument: int, values: tuple[int, ...], found: int, otherwise: int
) -> Iterator[_Instruction]:
    yield _EQUAL, 0, 2 + 2 * len(values), number
    yield _LOAD, 0, 0, argument
    for value in values:
        yield _EQUAL, 0, 1, value
        yield _RETURN, 0, 0, found
    yield _RETURN, 0, 0, otherwise

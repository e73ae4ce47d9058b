"""From the supervisor of a run to bubblewrap: what has to be done before, in the process that becomes it.

It is loaded by ``keeper.py``: standard library only, nothing of groundup. What it raises tells the caller
that nothing was started.

The specification, by marshal, is a dict:

``bubblewrap``   its path
``options``      its options: bytes, or ``("path", PATH)`` for a file or folder to show, ``("data", BYTES)``
                 for a descriptor that gives them, ``("log", PATH)`` for one that writes to a file
``uid``          who to become; None to stay who we are
``apart``        a folder that can be covered where nobody else sees it; needed to become somebody
``groups``       the files of cgroups in which to write our id
``limits``       pairs of a resource and its limit
``processes``    how many there may be inside; None for no limit
"""

from __future__ import annotations

import ctypes
import errno
import marshal
import os
import resource
import signal
import stat

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, NoReturn

_NEW_MOUNTS = 0x20000
_BIND, _RECURSIVE, _PRIVATE, _NO_SUID, _NO_DEVICES = 0x1000, 0x4000, 0x40000, 0x2, 0x4
_COUNTS_INSIDE = (5, 14)  # the first Linux that counts the processes of a user namespace by themselves
_libc = ctypes.CDLL(None, use_errno=True)


def prepare(specification: bytes) -> dict[str, Any]:
    """Return what `start` and `accompany` have in common; called before the process is there."""
    given: dict[str, Any] = marshal.loads(specification)  # noqa: S302 - from our own caller
    if given["processes"] is not None:
        given["told"], given["tell"] = os.pipe()
        given["waits"], given["go"] = os.pipe()
    return given


def start(given: dict[str, Any], program: bytes, argv: list[bytes], env: dict[bytes, bytes]) -> NoReturn:
    """Become bubblewrap, which runs `program` with `argv` and `env`; raise OSError with plain words."""
    try:
        _start(given, program, argv, env)
    except OSError as error:
        place = f"{os.fsdecode(error.filename)}: " if error.filename else ""
        raise OSError(error.errno, f"{place}{error.strerror}") from error


def accompany(given: dict[str, Any], comes: Callable[[int], bool]) -> None:
    """Limit the processes inside, while bubblewrap waits for that: before, all of this user would count.

    :param comes: waits for something to read; False when nobody wants the run any more.
    """
    if given["processes"] is None:
        return
    os.close(given["tell"])
    os.close(given["waits"])
    process = _child(given["told"], comes)
    if process is not None:
        _limit_child(process, given)
    os.close(given["told"])
    os.close(given["go"])


def _start(given: dict[str, Any], program: bytes, argv: list[bytes], env: dict[bytes, bytes]) -> NoReturn:
    for group in given["groups"]:
        _write(group, b"0")
    _write(b"/proc/self/oom_score_adj", b"1000")  # where memory runs out, this is what goes
    options = [_opened(each) for each in given["options"]]
    if given["uid"] is not None:
        _show(options, given["apart"])
        _become(given["uid"])
    for number, limit in given["limits"]:
        _limit(number, limit)
    words = [each if isinstance(each, bytes) else each[1] for each in options]
    if given["processes"] is not None:
        words += [b"--info-fd", _passed_on(given["tell"]), b"--block-fd", _passed_on(given["waits"])]
    for name, value in env.items():
        words += [b"--setenv", name, value]
    if any(b"\0" in word for word in words):  # it would end the word, and begin an option
        raise OSError(errno.EINVAL, "a variable or path has a null byte in it")
    arguments = _readable(b"".join(word + b"\0" for word in words))
    # Nothing in its own variables: a library that a script wrote could be named there.
    os.execve(given["bubblewrap"], [b"bwrap", b"--args", arguments, b"--", program, *argv[1:]], {})  # noqa: S606


def _opened(option: Any) -> Any:
    """Return an option with its descriptor, opened by who we are at first; paths follow."""
    if isinstance(option, bytes) or option[0] == "path":
        return option
    kind, content = option
    if kind == "data":
        return _readable(content)
    return _passed_on(os.open(content, os.O_WRONLY | os.O_APPEND))


def _passed_on(descriptor: int) -> bytes:
    os.set_inheritable(descriptor, True)
    return b"%d" % descriptor


def _readable(content: bytes) -> bytes:
    """Return the number of a descriptor from which `content` can be read."""
    descriptor = os.memfd_create("options", 0)
    view = memoryview(content)
    while view:
        view = view[os.write(descriptor, view) :]
    os.lseek(descriptor, 0, os.SEEK_SET)
    return b"%d" % descriptor


def _show(options: list[Any], apart: bytes) -> None:
    """Put what is to be shown where anybody finds it, in a namespace of mounts that is ours alone.

    Another user could not get to what is in a folder that only we can enter.
    """
    _call(_libc.unshare(_NEW_MOUNTS), "unshare")
    _mount(b"none", b"/", None, _RECURSIVE | _PRIVATE)
    shown = [place for place, each in enumerate(options) if isinstance(each, tuple)]
    sources = [os.open(options[place][1], os.O_PATH) for place in shown]
    _mount(b"none", apart, b"tmpfs", _NO_SUID | _NO_DEVICES, b"mode=0755")
    for place, source in zip(shown, sources, strict=True):
        target = apart + b"/%d" % place
        if stat.S_ISDIR(os.fstat(source).st_mode):
            os.mkdir(target)  # noqa: PTH102 - pathlib is a slow import
        else:
            os.close(os.open(target, os.O_CREAT | os.O_WRONLY))
        _mount(b"/proc/self/fd/%d" % source, target, None, _BIND | _RECURSIVE)
        os.close(source)
        options[place] = ("path", target)


def _mount(source: bytes, target: bytes, kind: bytes | None, flags: int, data: bytes | None = None) -> None:
    _call(_libc.mount(source, target, kind, ctypes.c_ulong(flags), data), "mount")


def _call(answer: int, name: str) -> None:
    if answer != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")


def _become(uid: int) -> None:
    try:
        os.setgroups([])
        os.setresgid(uid, uid, uid)
        os.setresuid(uid, uid, uid)
    except OSError as error:
        raise OSError(error.errno, f"uid {uid}: {os.strerror(error.errno or 0)}") from error


def _limit(number: int, limit: int) -> None:
    _, hard = resource.getrlimit(number)
    if hard != resource.RLIM_INFINITY:
        limit = min(limit, hard)
    if number == resource.RLIMIT_CPU:  # first a signal, then the end
        resource.setrlimit(number, (limit, limit if limit == hard else limit + 1))
    else:
        resource.setrlimit(number, (limit, limit))


def _limit_child(process: int, given: dict[str, Any]) -> None:
    count = given["processes"] + 1  # bubblewrap itself
    if _release() < _COUNTS_INSIDE:
        count += _tasks(os.getuid() if given["uid"] is None else given["uid"])
    try:
        _as_user(given["uid"], lambda: resource.prlimit(process, resource.RLIMIT_NPROC, (count, count)))
    except BaseException:
        os.kill(process, signal.SIGKILL)
        raise
    os.write(given["go"], b".")


def _as_user(uid: int | None, act: Callable[[], object]) -> None:
    """Do something with the ids of another user: root may lack the right to limit his processes."""
    if uid is None:
        act()
        return
    own = os.getresuid(), os.getresgid()
    os.setresgid(uid, uid, 0)
    os.setresuid(uid, uid, 0)
    try:
        act()
    finally:
        os.setresuid(*own[0])
        os.setresgid(*own[1])


def _child(told: int, comes: Callable[[int], bool]) -> int | None:
    """Return the process of which bubblewrap tells; None when it ended before, or nobody wants it."""
    text = b""
    while b"}" not in text:
        piece = os.read(told, 4096) if comes(told) else b""
        if not piece:
            return None
        text += piece
    return int(text.partition(b'"child-pid":')[2].partition(b",")[0].strip(b" \n}"))


def _release() -> tuple[int, ...]:
    return tuple(int(part) for part in os.uname().release.split("-")[0].split(".")[:2])


def _tasks(uid: int) -> int:
    """Return how many tasks a user has."""
    count = 0
    for name in os.listdir("/proc"):  # noqa: PTH208
        try:
            if name.isdigit() and os.stat(f"/proc/{name}").st_uid == uid:  # noqa: PTH116
                count += len(os.listdir(f"/proc/{name}/task"))  # noqa: PTH208
        except OSError:  # it has ended
            continue
    return count


def _write(path: bytes, content: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY)
    try:
        os.write(descriptor, content)
    finally:
        os.close(descriptor)

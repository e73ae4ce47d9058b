#!/usr/bin/env python3
"""The groundup kernel: from any Python to this repository's environment, by one exec.

Drop this file into a repository. It reads ``groundup.toml`` (or ``[tool.groundup]`` of ``pyproject.toml``),
lets uv build the environment, and becomes the command that was asked for. Standard library only, CPython 3.6
and newer.

Python compiles a main file anew at every start, which here would take as long as starting Python twice. So
the program stands in this file as the text PROGRAM, and its compiled code is kept in the user's cache, as
Python keeps that of imported modules. Without the line that opens the text and the line that closes it, this
is an ordinary module, and so it is checked.
"""

import os
import sys

__version__ = "0.1.0"

WINDOWS = os.name == "nt"
NO_WAIT = getattr(os, "O_NONBLOCK", 0)  # for another process, where there is a pipe instead of a file
MYPY = False
if MYPY:
    from types import TracebackType
    from typing import Any, Callable, Iterator, Mapping, NoReturn

    def __getattr__(name: str) -> Any: ...


def kept_code() -> "Any":
    """The code of PROGRAM that a build or an import kept; None where there is none, or none to rely on."""
    import marshal

    try:
        path = code_path()
        with open(path, "rb", opener=lambda name, flags: os.open(name, flags | NO_WAIT)) as file:
            data = memoryview(file.read() if is_trusted(path, file.fileno()) else b"")
        return marshal.loads(data[8:]) if data[:8] == checksum(data[8:]) else None
    except (OSError, ValueError, EOFError, TypeError):
        return None


def checksum(data: "bytes | memoryview") -> bytes:
    """8 bytes that tell one content from another, made with nothing that has to be found and loaded."""
    import _imp

    if hasattr(_imp, "source_hash"):  # what Python's own files of byte code may carry; 3.7 and newer
        return _imp.source_hash(0, data)
    return (int.from_bytes(data, "big") % (2**61 - 1)).to_bytes(8, "big")


def is_trusted(path: str, fd: int = -1) -> bool:
    """Whether nobody but this user and root can change a file and its folder."""
    if WINDOWS:
        return True
    for status in (os.stat(path) if fd < 0 else os.fstat(fd), os.stat(os.path.dirname(path))):
        if status.st_uid not in (0, os.geteuid()) or status.st_mode & 0o022:
            return False
    return True


def code_path() -> str:
    """Where the code of this PROGRAM is kept for this Python."""
    text = int.from_bytes(checksum(PROGRAM.encode()), "big")
    return os.path.join(
        cache_folder(), "code", "%016x-%s-%x" % (text, sys.implementation.cache_tag, sys.hexversion)
    )


def home_folder() -> str:
    """The user's home; a place where nothing can be, when there is none or its path is relative."""
    home = os.path.expanduser("~")
    return home if os.path.isabs(home) else os.devnull


def cache_folder() -> str:
    """``$GROUNDUP_HOME/cache``, else the platform's cache folder of the user."""
    home = home_folder()
    if os.environ.get("GROUNDUP_HOME"):
        return os.path.join(os.path.abspath(os.environ["GROUNDUP_HOME"]), "cache")
    if WINDOWS:
        return os.path.join(os.environ.get("LOCALAPPDATA") or home, "groundup", "Cache")
    if sys.platform == "darwin":
        return os.path.join(home, "Library", "Caches", "groundup")
    xdg = os.environ.get("XDG_CACHE_HOME", "")  # its specification: a relative value is to be ignored
    return os.path.join(xdg if os.path.isabs(xdg) else os.path.join(home, ".cache"), "groundup")


PROGRAM_LINE = (lambda: 0).__code__.co_firstlineno  # of this line: tracebacks name the right ones
PROGRAM = r'''
# -- errors and output --------------------------------------------------------------------------------


class KernelError(Exception):
    """What is wrong and where, what to do about it, and the exit code: 2 for usage and configuration."""

    def __init__(self, message: str, hint: str, code: int = 1) -> None:
        super().__init__(message)
        self.hint = hint
        self.code = code


class Log:
    """Everything that the kernel and uv say: stderr, with secrets masked."""

    verbosity = 0
    offline = False

    def say(self, text: str, verbosity: int = 0) -> None:
        if self.verbosity >= verbosity:
            self.write("groundup: " + text)

    def write(self, text: str) -> None:
        try:
            sys.stderr.write(mask(text).rstrip("\n") + "\n")
            sys.stderr.flush()
        except (OSError, AttributeError):  # full, or closed, which is None: nobody can read it
            pass


LOG = Log()


def paint(text: str, colour: str) -> str:
    plain = (
        os.environ.get("NO_COLOR")
        or os.environ.get("TERM") == "dumb"
        or not (sys.stderr and sys.stderr.isatty())
    )
    return text if plain else "\033[1;%sm%s\033[0m" % (colour, text)


def mask(text: str) -> str:
    """Hide the user part of addresses, and values of options and variables that are named like secrets."""
    import re

    for name, value in os.environ.items():
        if name.upper().endswith(("_INDEX", "_INDEX_URL", "_PROXY")) and "://" in value and "@" in value:
            text = text.replace(value.rpartition("@")[0].partition("://")[2] + "@", "***@")
    text = re.sub(r"(\w://)[^/\s]+@", r"\1***@", text)
    text = re.sub(r"(\w://[^\s?]*)\?[^\s#]+", r"\1?***", text)
    text = re.sub(r"(?i)(?<![\w-])(--[\w-]*(?:password|token|secret|api-key)[\w-]*[= ])\S+", r"\1***", text)
    return re.sub(r"(?i)(\b[A-Z_]*(?:PASSWORD|TOKEN|SECRET|API_KEY)[A-Z_]*=)\S+", r"\1***", text)


def out(text: str) -> None:
    """Write a command's own result to stdout, whatever encoding that has."""
    data = os.fsencode(text + "\n")
    try:
        while data:
            data = data[os.write(1, data) :]
    except BrokenPipeError:
        os._exit(141)  # as a program that SIGPIPE ended: who read it has seen enough
    except OSError as error:
        raise named(error, "stdout")


# -- input --------------------------------------------------------------------------------------------

INPUT_VARIABLES = ("GROUNDUP_ENV", "GROUNDUP_OFFLINE", "GROUNDUP_VERBOSE")


class Input:
    """Variables and options before the command: the first leap."""

    def __init__(self, environ: "dict[str, str]") -> None:
        self.env = environ.get("GROUNDUP_ENV", "")
        self.env_origin = "GROUNDUP_ENV"
        self.config = ""
        self.offline = environ.get("GROUNDUP_OFFLINE", "") not in ("", "0")
        self.locked = environ.get("CI", "").lower() not in ("", "0", "false")
        self.verbosity = {"1": 1, "2": 2, "-1": -1}.get(environ.get("GROUNDUP_VERBOSE", ""), 0)
        self.command = "boot"
        self.arguments = []  # type: list[str]


def check_name(name: str, origin: str) -> str:
    """A name of an environment or configuration: no path, so that it stays inside its folder."""
    plain = os.fsencode(name).decode("utf-8", "replace")
    if not plain.replace("-", "").replace("_", "").replace(".", "").isalnum() or plain[0] == ".":
        message = "%s: %r is not a name" % (origin, plain)
        raise KernelError(message, "use letters, digits, '.', '_' and '-'", 2)
    return name


def parse_input(argv: "list[str]", environ: "dict[str, str]") -> Input:
    """Read variables and the options before the command; everything after it belongs to the command."""
    given = Input(environ)
    words = list(argv)
    while words and words[0].startswith("-"):
        word = words.pop(0)
        name, has_value, value = word.partition("=")
        if name in ("--env", "--config"):
            if not has_value:
                if not words:
                    raise KernelError("%s needs a value" % name, "for example: %s NAME" % name, 2)
                value = words.pop(0)
            if name == "--env":
                given.env, given.env_origin = check_name(value, name), name
            else:
                given.config = check_name(value, name)
        elif word == "--locked":
            given.locked = True
        elif word == "--offline":
            given.offline = True
        elif word in ("-v", "-vv", "-q"):
            given.verbosity = {"-v": max(given.verbosity, 0) + 1, "-vv": 2, "-q": -1}[word]
        elif word in ("-h", "--help", "--version"):
            words = ["version" if word == "--version" else "help"] + words
        else:
            raise KernelError("unknown option %s" % word, "see: proto_kernel.py --help", 2)
    if words:
        given.command, given.arguments = words[0], words[1:]
    if given.env:
        check_name(given.env, given.env_origin)
    return given


def standard_path() -> "list[str]":
    """``sys.path`` without the folders whose modules may have names of the standard library's."""
    library = os.path.dirname(os.__file__)
    own = (library, os.path.join(library, "lib-dynload"), os.path.join(os.path.dirname(library), "DLLs"))
    foreign = {absolute(folder) for folder in os.environ.get("PYTHONPATH", "").split(os.pathsep) + [""]}
    for file in {script_path(), absolute(__file__)}:
        foreign.update((os.path.dirname(file), os.path.dirname(os.path.realpath(file))))
    return [p for p in sys.path if p in own or (os.path.isabs(p) and os.path.abspath(p) not in foreign)]


def absolute(path: str) -> str:
    try:
        return os.path.abspath(path)
    except OSError:  # the current folder was removed: what is relative to it is nowhere
        return os.path.join(os.devnull, path)


def relative(path: str, start: str) -> str:
    try:
        return os.path.relpath(path, start)
    except ValueError:  # another drive
        return path


def script_path() -> str:
    return absolute("".join(sys.argv[:1]) or "-c")


def open_streams() -> None:
    """Put the null device where a standard stream is closed: a file opened later would take its number."""
    while os.open(os.devnull, os.O_RDWR) <= 2:
        pass
    for name in ("stdin", "stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "r" if name == "stdin" else "w"))


# -- files and locks ----------------------------------------------------------------------------------


def read_text(path: str) -> str:
    """The text of a UTF-8 file, as ``native``."""
    try:
        with open(path, "rb") as file:
            data = file.read()
        return str(native(data.decode("utf-8-sig").replace("\r\n", "\n")))
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise KernelError("%s:%d: not UTF-8: %s" % (path, line, error.reason), "save the file as UTF-8", 2)


def native(value: "Any") -> "Any":
    """Texts as the system gives its own, such as paths: so all can be joined, passed on and written alike.

    That makes a difference where the system's encoding is not UTF-8, such as ASCII in the locale C.
    """
    if isinstance(value, dict):
        return {native(key): native(item) for key, item in value.items()}
    if isinstance(value, list):
        return [native(item) for item in value]
    return os.fsdecode(value.encode("utf-8")) if isinstance(value, str) else value


def content_of(path: str) -> "bytes | None":
    """What a file holds; None where there is none."""
    if not os.path.isfile(path):
        return None
    with open(path, "rb") as file:
        return file.read()


def stat_text(path: str) -> "tuple[str, int]":
    """Identity of a file as text, and when it was last touched (ns)."""
    status = os.stat(path)
    touched = max(status.st_mtime_ns, status.st_ctime_ns)
    return "%d %d %d %d" % (status.st_mtime_ns, status.st_ctime_ns, status.st_size, status.st_ino), touched


def stat_or_none(path: str) -> str:
    try:
        return stat_text(path)[0]
    except OSError:
        return ""


def digest_of(path: str) -> str:
    """The hash of a file's content, or of the names of a folder's files and folders."""
    import hashlib

    if os.path.isdir(path):
        found = [e.name for e in os.scandir(path) if e.name[0] != "." and (e.is_file() or e.is_dir())]
        names = [name for name in sorted(found) if name != "__pycache__" and name[-4:] != ".pyc"]
        return hashlib.sha256(os.fsencode("\0".join(names))).hexdigest()
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        for block in iter(lambda: file.read(2**20), b""):
            digest.update(block)
    return digest.hexdigest()


def write_atomically(path: str, data: bytes, durable: bool = False) -> None:
    """Write to a temporary name beside ``path`` and rename."""
    os.makedirs(os.path.dirname(path), exist_ok=True)
    temporary = "%s.%d.tmp" % (path, os.getpid())
    try:
        with open(temporary, "wb") as file:
            file.write(data)
            if durable:
                file.flush()
                os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException as error:
        if os.path.exists(temporary):
            os.remove(temporary)
        raise named(error, path, temporary)


def named(error: BaseException, path: str, temporary: str = "") -> BaseException:
    """An error of a write, which carries no path by itself or that of a temporary file, with its path."""
    if isinstance(error, OSError) and error.filename in (None, temporary):
        error.filename = path
    return error


def remove_tree(path: str, strict: bool = True) -> None:
    """Remove a folder; what remains of it is an error when ``strict``. Of a mount point the content goes."""
    if os.path.islink(path):
        os.remove(path)
    elif os.path.lexists(path):
        import shutil

        shutil.rmtree(path, ignore_errors=True)
        if strict and os.path.isdir(path) and os.listdir(path):
            try:
                shutil.rmtree(path)
            except OSError as error:
                error.filename = path  # it names a file without its folder
                raise


class FileLock:
    """A lock on a file between processes. Its record names the holder, for those who wait.

    The descriptor is handed to children: when this process is killed, a child that goes on keeps the lock.
    ``state`` survives a kill: it is what the last holder was doing and did not finish.
    """

    RECORD = 64  # bytes: one small write of fixed size is never seen half

    def __init__(self, path: str) -> None:
        self.path = path
        self.state = ""

    def __enter__(self) -> "FileLock":
        import time

        os.makedirs(os.path.dirname(self.path), exist_ok=True)
        special = getattr(os, "O_BINARY", 0) | getattr(os, "O_NOFOLLOW", 0)
        self.fd = os.open(self.path, os.O_RDWR | os.O_CREAT | special, 0o644)
        began = said = time.time()
        while not try_lock(self.fd):
            now = time.time()
            if said == began or now - said >= 10:
                self.say_waiting(now - began)
                said = now
            time.sleep(0.05)
        self.state = self.read()[2]
        self.mark(self.state)
        return self

    def say_waiting(self, waited: float) -> None:
        import time

        pid, since, _ = self.read()
        holds = " for %.0f s" % (max(time.time() - float(since), 0)) if since else ""
        LOG.say(
            "waiting for process %s, which has held %s%s (waited %.0f s)" % (pid, self.path, holds, waited)
        )

    def read(self) -> "tuple[str, str, str]":
        os.lseek(self.fd, 0, os.SEEK_SET)
        words = os.read(self.fd, self.RECORD).decode("ascii", "replace").split() + ["", "", ""]
        return words[0], words[1], words[2]

    def mark(self, state: str) -> None:
        import time

        self.state = state
        record = "%d %.1f %s" % (os.getpid(), time.time(), state)
        os.lseek(self.fd, 0, os.SEEK_SET)
        os.write(self.fd, record.ljust(self.RECORD - 1).encode() + b"\n")

    def __exit__(self, kind: "Any", value: "Any", traceback: "TracebackType | None") -> None:
        if not self.state:
            os.ftruncate(self.fd, 0)
        os.close(self.fd)


def try_lock(fd: int) -> bool:
    try:
        if WINDOWS:
            import msvcrt

            os.lseek(fd, 2**30, os.SEEK_SET)  # beyond the record, which others must be able to read
            msvcrt.locking(fd, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]
        else:
            import fcntl

            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return True
    except (BlockingIOError, PermissionError):
        return False


# -- stamp: what an environment was built from --------------------------------------------------------

STAMP_NAME = "groundup-stamp"
STAMP_VALUES = ("root", "kernel", "venv", "env", "config", "target", "key", "python", "values")
STAMP_FORMAT = "groundup-stamp 1"
RACY_NS = 2 * 10**9  # a file modified this close to the stamp may have changed within one clock tick


def escape(field: str) -> str:
    return field.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n")


def unescape(field: str) -> str:
    if "\\" not in field:
        return field
    parts = field.split("\\\\")
    return "\\".join(part.replace("\\t", "\t").replace("\\n", "\n") for part in parts)


class Stamp:
    """Records of ``<venv>/groundup-stamp``: one a line, fields separated by tabs."""

    def __init__(self, path: str) -> None:
        self.path = path
        with open(path, "rb") as file:
            lines = os.fsdecode(file.read()).split("\n")
        if lines[0] != STAMP_FORMAT:
            raise ValueError("not a stamp: %s" % path)
        self.records = [[unescape(field) for field in line.split("\t")] for line in lines[1:] if line]
        self.values = {record[0]: record[1] for record in self.records if len(record) == 2}
        if not all(name in self.values for name in STAMP_VALUES):
            raise ValueError("not whole: %s" % path)

    def commands(self) -> "dict[str, list[str]]":
        return {record[1]: record[2:] for record in self.records if record[0] == "command"}

    def is_current(self) -> bool:
        """Whether nothing that shaped the environment was touched, by stat alone."""
        limit = os.stat(self.path).st_mtime_ns - RACY_NS
        for record in self.records:
            if record[0] == "stat":
                text, touched = stat_text(record[1])
                if text != record[2] or limit < touched <= limit + 2 * RACY_NS:
                    return False
            elif record[0] == "absent":
                if os.path.lexists(record[1]):
                    return False
            elif record[0] == "variable" and os.environ.get(record[1], "") != record[2]:
                return False
        return True


def read_stamp(venv: str) -> "Stamp | None":
    try:
        return Stamp(os.path.join(venv, STAMP_NAME))
    except (OSError, ValueError, IndexError):
        return None


def pointer_path(kernel: str, given: Input) -> str:
    """The file that says where the environment of this input is."""
    return os.path.join(os.path.dirname(kernel), ".groundup", "warm", "%s@%s" % (given.config, given.env))


def warm_stamp(kernel: str, given: Input) -> "Stamp | None":
    """The stamp of an environment that is ready: a few stat calls, nothing imported, nothing written."""
    try:
        with open(pointer_path(kernel, given), "rb") as file:
            venv = os.path.join(os.path.dirname(kernel), os.fsdecode(file.read()))
        stamp = Stamp(os.path.join(venv, STAMP_NAME))
        same_place = stamp.values["kernel"] == kernel and stamp.values["venv"] == os.path.normpath(venv)
        return stamp if same_place and stamp.is_current() else None
    except (OSError, ValueError, KeyError, IndexError):
        return None


# -- the transition -----------------------------------------------------------------------------------


def bin_folder(venv: str, windows: bool = WINDOWS) -> str:
    return os.path.join(venv, "Scripts" if windows else "bin")


def venv_python(venv: str, windows: bool = WINDOWS) -> str:
    return os.path.join(bin_folder(venv, windows), "python.exe" if windows else "python")


def environment_of(venv: str) -> "dict[str, str]":
    """The variables of a command in the environment: as an activated one, without the kernel's input."""
    dropped = INPUT_VARIABLES + ("PYTHONHOME", "__PYVENV_LAUNCHER__", "VIRTUAL_ENV_PROMPT")
    environ = {name: value for name, value in os.environ.items() if name not in dropped}
    path = [bin_folder(venv)]
    outer = environ.get("VIRTUAL_ENV")
    for folder in environ.get("PATH", os.defpath).split(os.pathsep):
        if folder not in path and not (outer and folder == bin_folder(outer)):
            path.append(folder)
    environ["PATH"] = os.pathsep.join(path)
    environ["VIRTUAL_ENV"] = venv
    return environ


def become(argv: "list[str]", environ: "dict[str, str]") -> "NoReturn":
    """Turn this process into a command; where the system has no exec, run it and pass its exit code on.

    :raises KernelError: with the shell's exit codes, 127 not found, 126 not executable.
    """
    program = find_program(argv[0], environ["PATH"])
    try:
        sys.stdout.flush()
        sys.stderr.flush()
        if WINDOWS:
            sys.exit(run_as_child([program] + argv[1:], environ))
        import _signal  # type: ignore[import-not-found]  # not signal: that imports enum

        for name in ("SIGPIPE", "SIGXFSZ"):  # Python ignores them, and exec would hand that on
            try:
                _signal.signal(getattr(_signal, name), _signal.SIG_DFL)
            except (AttributeError, ValueError):  # no such signal here; not the main thread
                pass
        os.execve(program, argv, environ)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise KernelError("cannot execute %s: %s" % (program, reason), "check its rights and first line", 126)


def find_program(name: str, path: str) -> str:
    """The file of a command: as given when it has a folder, else the first on PATH."""
    if os.path.dirname(name) and os.path.exists(name):
        return name
    for folder in () if os.path.dirname(name) else path.split(os.pathsep):
        for suffix in ("", ".exe", ".cmd", ".bat") if WINDOWS else ("",):
            candidate = os.path.join(folder, name + suffix)
            if os.path.isfile(candidate) and os.access(candidate, os.X_OK):
                return candidate
    raise not_found(name, path)


def not_found(name: str, path: str) -> KernelError:
    """Why a command cannot be run, with the shell's exit codes."""
    if os.path.dirname(name):
        hint = "check the path; a relative one is seen from the current folder"
        return KernelError("command not found: %s" % name, hint, 127)
    files = [os.path.join(folder, name) for folder in path.split(os.pathsep)]
    there = [file for file in files if os.path.isfile(file)]
    if there:
        return KernelError("cannot execute %s: it is not executable" % there[0], "check its rights", 126)
    return KernelError("command not found: %s" % name, "is it installed? PATH is %s" % path, 127)


def run_as_child(argv: "list[str]", environ: "dict[str, str]") -> int:
    """The transition on Windows: signals reach the child through the console, its exit code is passed on."""
    import signal
    import subprocess

    child = subprocess.Popen(argv, env=environ)
    while True:
        try:
            return child.wait()
        except KeyboardInterrupt:  # the console sent it to the child as well: its answer counts
            signal.signal(signal.SIGINT, signal.SIG_IGN)


# -- children and signals -----------------------------------------------------------------------------


class Signals:
    """SIGTERM and SIGHUP end the work as Ctrl-C does: children are ended, the lock is released."""

    held = False  # while a child is started or ended, a signal waits
    pending = 0

    def catch(self) -> None:
        import signal

        for name in ("SIGINT", "SIGTERM", "SIGHUP"):
            number = getattr(signal, name, None)
            default = (signal.SIG_DFL, signal.default_int_handler)
            if number is not None and signal.getsignal(number) in default:
                try:
                    signal.signal(number, self.stop)
                except ValueError:  # only the main thread may
                    return

    def stop(self, number: int, _frame: "Any") -> None:
        self.pending = number
        if not self.held:
            raise KeyboardInterrupt(number)

    def release(self) -> None:
        self.held = False
        if self.pending:
            raise KeyboardInterrupt(self.pending)


SIGNALS = Signals()


class Child:
    """A child process that does not outlive an interruption of this one."""

    def __init__(self, argv: "list[str]", **options: "Any") -> None:
        import subprocess

        SIGNALS.held = True
        try:
            self.process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, **options)
        except BaseException:
            SIGNALS.held = False
            raise

    def __enter__(self) -> "Any":
        try:
            SIGNALS.release()
            return self.process
        except BaseException:
            self.end()
            raise

    def __exit__(self, kind: "Any", value: "Any", traceback: "TracebackType | None") -> None:
        if kind is not None:
            self.end()
        self.process.stdout.close()  # type: ignore[union-attr]

    def end(self) -> None:
        import subprocess

        SIGNALS.held = True
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
        SIGNALS.held = False


# -- configuration: primer -> client -> env -> derived ------------------------------------------------

TEXT, TABLE, TEXTS, PROJECTS = "text", "a table", "a list of text", "a list of tables"
SCHEMA = {
    "root": TEXT, "envs_dir": TEXT, "default_env": TEXT, "venv": TEXT, "python": TEXT,
    "python_selector": TEXT, "projects": PROJECTS, "auth": TEXTS, "uv": TABLE, "target": TEXT,
    "commands": TABLE, "neo": TABLE,
}  # fmt: skip
UV_SCHEMA = {"version": TEXT, "min_version": TEXT}
PROJECT_SCHEMA = {"path": TEXT, "editable": "true or false", "extras": TEXTS, "groups": TEXTS}
UV_LOCK, REQUIREMENTS, PYLOCK = "uv.lock", "requirements.lock", "pylock.toml"
DECIDES_LOCK = {"projects", "python"}
PROJECT_FILES = ("pyproject.toml", "setup.py", "setup.cfg", "uv.toml")


def load_toml(text: str, path: str) -> "dict[str, Any]":
    """Parse TOML, ``native`` text, with the best reader at hand.

    :raises KernelError: that names file and line.
    """
    try:
        return native(toml_reader().loads(os.fsencode(text).decode("utf-8")))  # type: ignore[no-any-return]
    except (ValueError, RecursionError) as error:
        import re

        found = re.search(r"line (\d+)", str(error))
        line = int(found.group(1)) if found else len(text.splitlines())
        message = "%s:%d: not valid TOML: %s" % (path, line, native(str(error)))
        raise KernelError(message, "correct the file", 2)


def toml_reader() -> "Any":
    """``tomllib``, ``tomli``, pip's copy of it, or else the pinned wheel, fetched once into the cache."""
    import importlib

    for name in ("tomllib", "tomli", "pip._vendor.tomli"):
        try:
            return importlib.import_module(name)
        except ImportError:
            continue
    before, path = os.umask(0o022), sys.path[:]  # also for the byte code that Python keeps beside it
    try:
        folder = fetched("tomli", TOMLI_VERSION, "any", TOMLI_SHA256, "any", ("tomli/",))
        refuse_untrusted(os.path.join(folder, "tomli"))
        sys.path.insert(0, folder)
        return importlib.import_module("tomli")
    finally:
        os.umask(before)
        sys.path[:] = path


def find_line(text: str, keys: "tuple[Any, ...]") -> int:
    """The line of the longest part of ``keys`` that a TOML text sets, counted from 1.

    TOML readers give no positions; this scan knows table headers, dotted keys and multi-line strings.
    """
    import re

    best, line_of_best = (0, False), 1
    table = ()  # type: tuple[Any, ...]
    counts = {}  # type: dict[tuple[Any, ...], int]
    inside, depth = "", 0  # a multi-line string, and brackets of a value that goes on over lines
    for number, line in enumerate(text.split("\n"), 1):
        here = ()  # type: tuple[Any, ...]
        rest = line
        if not inside and not depth:
            header = re.match(r"\s*(\[\[?)\s*(%s(?:\s*\.\s*%s)*)\s*\]\]?\s*(#.*)?$" % (KEY, KEY), line)
            key = re.match(r"\s*(%s(?:\s*\.\s*%s)*)\s*=(.*)" % (KEY, KEY), line)
            rest = key.group(2) if key else ""
            if header:
                above = split_key(header.group(2))
                table = ()
                for part in above[:-1]:
                    table += (part,)
                    if table in counts:  # its last item
                        table += (counts[table],)
                table += above[-1:]
                if header.group(1) == "[[":
                    counts[table] = counts.get(table, -1) + 1
                    table += (counts[table],)
                here = table
            elif key:
                here = table + split_key(key.group(1))
        inside, depth = scan_value(rest, inside, depth)
        length = 0
        while length < min(len(here), len(keys)) and here[length] == keys[length]:
            length += 1
        if (length, length == len(here)) > best:  # rather the table itself than one below that implies it
            best, line_of_best = (length, length == len(here)), number
    return line_of_best


KEY = r"""(?:[\w-]+|"(?:\\.|[^"\\])*"|'[^']*')"""
TOKEN = r"""\"{3}|'{3}|"(?:\\.|[^"\\])*"|'[^']*'|#.*|[\[\]{}]|\\."""


def scan_value(text: str, inside: str, depth: int) -> "tuple[str, int]":
    """Which multi-line string is open after a line of a value, and how many brackets."""
    import re

    end = inside + (r"|\\." if inside == 3 * '"' else "")
    for found in re.finditer(end if inside else TOKEN, text):
        token = found.group()
        rest = text[found.end() :]
        if inside and token == inside:
            return scan_value(rest, "", depth)
        if not inside and token in (3 * '"', 3 * "'"):
            return scan_value(rest, token, depth)
        if not inside:
            depth += (token in ("[", "{")) - (token in ("]", "}"))
    return inside, depth


def split_key(dotted: str) -> "tuple[str, ...]":
    import re

    return tuple(part.strip("\"'") for part in re.findall(KEY, dotted))


class Source:
    """One configuration file of one leap; ``prefix`` is where groundup's keys stand in it."""

    def __init__(
        self, leap: str, path: str, prefix: "tuple[str, ...]", table: "dict[str, Any]", text: str
    ) -> None:
        self.leap, self.path, self.prefix, self.table, self.text = leap, path, prefix, table, text
        self.is_named = not prefix and os.path.basename(path) != "groundup.toml"

    def place(self, *keys: "Any") -> str:
        return "%s:%d" % (self.path, find_line(self.text, self.prefix + keys))

    def has(self, *keys: "Any") -> bool:
        value = self.table  # type: Any
        for key in keys:
            if not isinstance(value, dict) or key not in value:
                return False
            value = value[key]
        return True


def read_source(leap: str, folder: str, name: str, watch: "Callable[..., None]") -> "Source | None":
    """The configuration of one folder; ``watch`` is told of the files looked for."""
    chosen = os.path.join(folder, "groundup.%s.toml" % name)
    own, project = os.path.join(folder, "groundup.toml"), os.path.join(folder, "pyproject.toml")
    watch(*(([chosen] if name else []) + [own, project]))
    if name and os.path.lexists(chosen):
        text = read_text(chosen)
        return Source(leap, chosen, (), load_toml(text, chosen), text)
    text = read_text(project) if os.path.lexists(project) else ""
    prefix = ("tool", "groundup")
    table = load_toml(text, project).get("tool", {}) if text else {}
    table = table.get("groundup") if isinstance(table, dict) else None
    if os.path.lexists(own):
        if table is not None:
            line = find_line(text, prefix)
            message = "%s:%d: [tool.groundup] stands beside groundup.toml" % (project, line)
            raise KernelError(message, "keep one of the two", 2)
        text = read_text(own)
        return Source(leap, own, (), load_toml(text, own), text)
    if table is None:
        return None
    source = Source(leap, project, prefix, table, text)
    if not isinstance(table, dict):
        raise wrong_type(source, (), TABLE, table)
    return source


def wrong_type(source: Source, keys: "tuple[Any, ...]", expected: str, value: "Any") -> KernelError:
    names = {"str": "text", "dict": "a table", "list": "a list", "bool": "true or false"}
    dotted = ".".join(str(key) for key in keys) or "tool.groundup"
    given = names.get(type(value).__name__, type(value).__name__)
    message = "%s: %s must be %s, not %s" % (source.place(*keys), dotted, expected, given)
    return KernelError(message, "see the reference of keys in the documentation", 2)


def fits(value: "Any", kind: str) -> bool:
    if kind in (TEXTS, PROJECTS):
        item = str if kind == TEXTS else dict
        return isinstance(value, list) and all(isinstance(one, item) for one in value)
    return isinstance(value, {TEXT: str, TABLE: dict}.get(kind, bool))


def find_nul(value: "Any", keys: "tuple[Any, ...]") -> "tuple[Any, ...]":
    """The keys of a text that holds a NUL character; () where there is none."""
    if isinstance(value, str):
        return keys if "\0" in value else ()
    items = value.items() if isinstance(value, dict) else enumerate(value if isinstance(value, list) else ())
    for key, item in items:
        found = keys + (key,) if "\0" in str(key) else find_nul(item, keys + (key,))
        if found:
            return found
    return ()


def nearest(word: str, known: "list[str]") -> str:
    import difflib

    return "".join(difflib.get_close_matches(word, known, 1))


def check_table(
    source: Source, keys: "tuple[Any, ...]", table: "dict[str, Any]", schema: "dict[str, str]"
) -> None:
    for key, value in table.items():
        if key not in schema:
            near = nearest(key, list(schema))
            known = "did you mean %r?" % near if near else "known keys: %s" % ", ".join(schema)
            message = "%s: unknown key %r" % (
                source.place(*(keys + (key,))),
                ".".join(map(str, keys + (key,))),
            )
            raise KernelError(message, known, 2)
        if not fits(value, schema[key]):
            raise wrong_type(source, keys + (key,), schema[key], value)
        where = find_nul(value, keys + (key,))
        if where:
            dotted = ".".join(map(str, where)).replace("\0", "\\0")
            raise KernelError("%s: %s holds a NUL character" % (source.place(*where), dotted), "remove it", 2)


def check_source(source: Source) -> None:
    """Refuse unknown keys, wrong types and values that cannot be meant.

    :raises KernelError: that names file, line and key.
    """
    check_table(source, (), source.table, SCHEMA)
    check_table(source, ("uv",), source.table.get("uv", {}), UV_SCHEMA)
    for key, value in source.table.get("uv", {}).items():
        if not value[:1].isdigit():
            message = "%s: uv.%s is no version: %r" % (source.place("uv", key), key, value)
            raise KernelError(message, 'write numbers, such as "%s"' % UV_VERSION, 2)
    for index, project in enumerate(source.table.get("projects", [])):
        check_table(source, ("projects", index), project, PROJECT_SCHEMA)
        if "path" not in project:
            raise KernelError(
                "%s: a project needs a path" % source.place("projects", index), 'add path = "."', 2
            )
    for name, argv in source.table.get("commands", {}).items():
        place = source.place("commands", name)
        if name in KERNEL_COMMANDS or name in ("help", "version"):
            raise KernelError("%s: the name %r is the kernel's own" % (place, name), "choose another", 2)
        if not fits(argv, TEXTS) or not argv:
            raise KernelError(
                "%s: commands.%s must be a list of text" % (place, name), '["program", "argument"]', 2
            )
    misplaced = {"client": ("root",), "env": ("root", "envs_dir", "default_env")}.get(source.leap, ())
    for key in misplaced:
        if key in source.table:
            message = "%s: %s cannot be set here" % (source.place(key), key)
            where = "beside the kernel" if key == "root" else "in the configuration of root"
            raise KernelError(message, "it is read %s only" % where, 2)


def at(place: str, text: str) -> str:
    """A message with its place, where it has one."""
    return text if place == "default" else "%s: %s" % (place, text)


def merge(base: "dict[str, Any]", over: "dict[str, Any]") -> "dict[str, Any]":
    """Tables merge key by key, everything else replaces."""
    merged = dict(base)
    for key, value in over.items():
        both = isinstance(value, dict) and isinstance(merged.get(key), dict)
        merged[key] = merge(merged[key], value) if both else value
    return merged


class Configuration:
    """The effective values of every leap, with where each came from."""

    def __init__(self, kernel: str, given: Input) -> None:
        self.kernel, self.given = kernel, given
        self.folder = os.path.dirname(kernel)
        self.watched = {}  # type: dict[str, str]
        self.sources = []  # type: list[Source]
        self.root = self.read_primer()
        if self.root != self.folder:
            self.add_source("client", self.root)
        self.values = self.merged()
        self.envs_dir = os.path.join(self.root, self.values.get("envs_dir", "envs"))
        self.env, self.env_origin = self.choose_env()
        if self.env:
            self.add_source("env", self.check_env())
            self.values = self.merged()
        default = os.path.join(self.envs_dir, self.env, ".venv") if self.env else ".venv"
        self.venv = os.path.normpath(os.path.join(self.root, self.values.get("venv", default)))
        if os.path.islink(self.venv):  # a link to a larger disk stays, the environment is behind it
            self.venv = os.path.realpath(self.venv)
        if (self.root + os.sep).startswith(self.venv + os.sep):
            message = "%s: venv is %s, which holds the repository" % (self.origin("venv")[1], self.venv)
            raise KernelError(message, "name a folder of its own, such as .venv", 2)
        if os.pathsep in self.venv:
            message = "venv is %s: its %r separates folders" % (self.venv, os.pathsep)
            hint = "no Python works there: move the repository, or set venv"
            raise KernelError(at(self.origin("venv")[1], message), hint, 2)
        self.target = self.values.get("target", "ready")  # type: str
        self.commands = self.values.get("commands", {})  # type: dict[str, list[str]]
        self.projects = [self.project(index) for index in range(len(self.values.get("projects", [0])))]
        self.projects = [project for project in self.projects if project.exists]
        self.python, self.python_origin = self.python_request()

    def read_primer(self) -> str:
        primer = self.add_source("primer", self.folder)
        name = self.given.config
        if name and not os.path.isfile(os.path.join(self.folder, "groundup.%s.toml" % name)):
            message = "there is no groundup.%s.toml in %s" % (name, self.folder)
            raise KernelError(message, "create it, or correct the name of the configuration", 2)
        if primer is None or "root" not in primer.table:
            if primer:
                primer.leap = "client"
            return self.folder
        root = os.path.normpath(os.path.join(self.folder, primer.table["root"]))
        if not os.path.isdir(root):
            message = "%s: root does not exist: %s" % (primer.place("root"), root)
            raise KernelError(message, "root is relative to the kernel's folder, %s" % self.folder, 2)
        others = [key for key in primer.table if key != "root"]
        if others and root != self.folder:
            message = "%s: %s stands beside the kernel, but root is %s" % (
                primer.place(others[0]),
                others[0],
                root,
            )
            raise KernelError(message, "move it to the configuration in root", 2)
        return root

    def watch(self, *paths: str) -> None:
        """Note the identity of files before they are read, so that a later edit is seen."""
        for path in paths:
            self.watched.setdefault(path, stat_or_none(path))

    def add_source(self, leap: str, folder: str) -> "Source | None":
        source = read_source(leap, folder, self.given.config, self.watch)
        if source:
            check_source(source)
            self.sources.append(source)
        return source

    def merged(self) -> "dict[str, Any]":
        values = {}  # type: dict[str, Any]
        for source in self.sources:
            values = merge(values, source.table)
        return values

    def choose_env(self) -> "tuple[str, str]":
        remembered = os.path.join(self.root, ".groundup", "env")
        self.watch(remembered)
        if self.given.env:
            return self.given.env, self.given.env_origin
        choice, place = read_text(remembered).strip() if os.path.isfile(remembered) else "", remembered
        if not choice:
            choice, place = self.values.get("default_env", ""), self.origin("default_env")[1]
        return (check_name(choice, place) if choice else ""), place

    def check_env(self) -> str:
        folder = os.path.join(self.envs_dir, self.env)
        if not os.path.isdir(folder):
            there = []  # type: list[str]
            if os.path.isdir(self.envs_dir):
                there = [
                    n
                    for n in sorted(os.listdir(self.envs_dir))
                    if os.path.isdir(os.path.join(self.envs_dir, n))
                ]
            message = "%s: there is no environment %r in %s" % (self.env_origin, self.env, self.envs_dir)
            raise KernelError(message, "there are: %s" % (", ".join(there) or "none; make the folder"), 2)
        return folder

    def origin(self, *keys: "Any") -> "tuple[str, str]":
        """Leap and place (file:line) that an effective value comes from."""
        for source in reversed(self.sources):
            if source.has(*keys):
                return source.leap, source.place(*keys)
        return "derived", "default"

    def project(self, index: int) -> "Project":
        table = self.values["projects"][index] if "projects" in self.values else {"path": "."}
        folder = os.path.normpath(os.path.join(self.root, table["path"]))
        self.watch(*[os.path.join(folder, name) for name in PROJECT_FILES])
        project = Project(folder, table)
        if not project.exists and "projects" in self.values:
            place = self.origin("projects")[1]
            message = "%s: no pyproject.toml or setup.py in %s" % (place, folder)
            raise KernelError(message, "correct the path of the project", 2)
        if project.editable and project.is_package and folder.splitlines() != [folder]:
            message = "there is a line break in the folder %r, so what is in it cannot be editable" % folder
            hint = "rename it, or set editable = false"
            raise KernelError(at(self.origin("projects")[1], message), hint, 2)
        self.check_chosen(project, index)
        return project

    def check_chosen(self, project: "Project", index: int) -> None:
        for which, declared in (("extras", project.extras_declared), ("groups", project.groups_declared)):
            unknown = [name for name in project.chosen(which) if name not in declared]
            if unknown and "optional-dependencies" not in project.table.get("dynamic", []):
                source = [source for source in self.sources if "projects" in source.table][-1]
                place = source.place("projects", index, which)
                message = "%s: %s declares no %s %r" % (place, project.files[0], which[:-1], unknown[0])
                raise KernelError(message, "declared: %s" % (", ".join(declared) or "none"), 2)

    def python_request(self) -> "tuple[str, str]":
        """The request for uv, and its origin: ``python``, ``.python-version``, ``requires-python``."""
        if "python" in self.values:
            return self.values["python"], self.origin("python")[1]
        folder = self.root
        while True:
            path = os.path.join(folder, ".python-version")
            self.watch(path)
            if os.path.isfile(path) or (folder == self.root and os.path.lexists(path)):
                for number, line in enumerate(read_text(path).split("\n"), 1):
                    request = line.split("#")[0].strip()
                    if request and (folder == self.root or is_version(request)):
                        return request, "%s:%d" % (path, number)
            if folder == os.path.dirname(folder):
                break
            folder = os.path.dirname(folder)
        asking = [project for project in self.projects if project.requires_python]
        request = ",".join(sorted({project.requires_python for project in asking}))
        return request, asking[0].place("project", "requires-python") if asking else "default"

    def lock_folder(self) -> str:
        """Where ``requirements.lock`` and ``pylock.toml`` are: beside what decides about them."""
        own = [s for s in self.sources if s.leap == "env" and DECIDES_LOCK.intersection(s.table)]
        return os.path.join(self.envs_dir, self.env) if own else self.root

    def lock_path(self) -> str:
        """The lock that is there, in order of preference; else the one to be written; '' without projects."""
        for path in self.lock_candidates():
            if os.path.isfile(path) and self.covers(path):
                return path
        if not self.projects:
            return ""
        if any(p.folder == self.root and "workspace" in p.section("tool", "uv") for p in self.projects):
            return os.path.join(self.root, UV_LOCK)
        return os.path.join(self.lock_folder(), self.lock_name(REQUIREMENTS))

    def covers(self, path: str) -> bool:
        """Whether a lock is about the configured projects: ``uv.lock`` names its own."""
        if os.path.basename(path) != UV_LOCK:
            return True
        members = [
            os.path.normpath(os.path.join(os.path.dirname(path), m)) for _, m in lock_members(read_text(path))
        ]
        return not members or all(project.folder in members for project in self.projects)

    def lock_candidates(self) -> "list[str]":
        folders = [self.root] + ([self.projects[0].folder] if len(self.projects) == 1 else [])
        paths = [os.path.join(folder, UV_LOCK) for folder in folders]
        return paths + [
            os.path.join(self.lock_folder(), self.lock_name(name)) for name in (REQUIREMENTS, PYLOCK)
        ]

    def lock_name(self, name: str) -> str:
        """``requirements.NAME.lock`` where a named configuration decides itself what is locked."""
        own = [s for s in self.sources if s.is_named and DECIDES_LOCK.intersection(s.table)]
        stem, suffix = name.split(".")
        return "%s.%s.%s" % (stem, self.given.config, suffix) if own else name

    def lock_kind(self) -> str:
        return os.path.basename(self.lock_path())

    def as_dict(self) -> "dict[str, Any]":
        """Every effective value, paths absolute; what ``config --json`` and ``get_config`` give."""
        import json

        return {
            "kernel": self.kernel,
            "version": __version__,
            "config": self.given.config or None,
            "root": self.root,
            "envs_dir": self.envs_dir,
            "default_env": self.values.get("default_env"),
            "env": self.env or None,
            "venv": self.venv,
            "python": self.python or None,
            "python_selector": self.values.get("python_selector"),
            "projects": [project.as_dict() for project in self.projects],
            "auth": self.values.get("auth", []),
            "uv": merge({"version": UV_VERSION, "min_version": UV_VERSION}, self.values.get("uv", {})),
            "target": self.target,
            "commands": self.commands,
            "neo": json.loads(json.dumps(self.values.get("neo", {}), default=str)),  # dates become text
        }


def is_version(request: str) -> bool:
    """Whether a request for a Python is a version, not a path, nor a name that only pyenv knows."""
    import re

    name, version = r"(?:c?python|cp|pypy|pp|graalpy|gp)?[-@]?", r"\d+(?:\.\d+|\.\*|(?:a|b|rc)\d+)*t?"
    bound, key = r"\s*[<>=!~]*\s*" + version, r"(?:\+\w+)*(?:-\w+-\w+-\w+)?"
    return re.match("(?i)%s%s%s(?:,%s)*$" % (name, bound, key, bound), request) is not None


def lock_members(text: str) -> "list[tuple[str, str]]":
    """Kind and folder of each local project that a ``uv.lock`` names."""
    import re

    return re.findall(r'source = \{ (editable|virtual|directory) = "([^"]+)"', text)


class Project:
    """One project of the repository: its folder and what its ``pyproject.toml`` declares."""

    def __init__(self, folder: str, table: "dict[str, Any]") -> None:
        self.folder = folder
        self.editable = table.get("editable", True)  # type: bool
        self.extras = table.get("extras")  # type: list[str] | None
        self.groups = table.get("groups")  # type: list[str] | None
        self.files = [os.path.join(folder, name) for name in PROJECT_FILES]
        self.exists = any(os.path.isfile(path) for path in self.files[:2])
        self.text = read_text(self.files[0]) if os.path.lexists(self.files[0]) else ""
        self.declared = load_toml(self.text, self.files[0]) if self.text else {}
        self.table = self.section("project")
        self.name = self.text_of("name")
        if "project" in self.declared and not self.name:
            raise KernelError("%s: project.name is missing" % self.place("project", "name"), "add it", 2)
        self.requires_python = self.text_of("requires-python")
        self.extras_declared = list(self.section("project", "optional-dependencies"))
        self.groups_declared = list(self.section("dependency-groups"))
        self.is_package = "build-system" in self.declared or os.path.isfile(self.files[1])

    def text_of(self, key: str) -> str:
        value = self.table.get(key, "")
        if not isinstance(value, str):
            message = "%s: project.%s must be text" % (self.place("project", key), key)
            raise KernelError(message, "correct it", 2)
        return value

    def section(self, *keys: str) -> "dict[str, Any]":
        value = self.declared  # type: Any
        for key in keys:
            value = value.get(key, {}) if isinstance(value, dict) else {}
        return value if isinstance(value, dict) else {}

    def patterns(self, key: str) -> "list[str]":
        """Those of uv's workspace; other values than lists of text are left to uv."""
        value = self.section("tool", "uv", "workspace").get(key)
        return list(value or ()) if fits(value, TEXTS) else []

    def place(self, *keys: "Any") -> str:
        return "%s:%d" % (self.files[0], find_line(self.text, keys))

    def chosen(self, which: str) -> "list[str]":
        """The extras or groups to install: those configured, else all that are declared."""
        if which == "extras":
            return self.extras_declared if self.extras is None else self.extras
        return self.groups_declared if self.groups is None else self.groups

    def sources(self) -> "Iterator[str]":
        """The files that a build of this project may read."""
        skipped = ("__pycache__", "build", "dist", "node_modules")
        for folder, folders, names in os.walk(self.folder):
            folders[:] = sorted(
                n for n in folders if n not in skipped and n[0] != "." and n[-9:] != ".egg-info"
            )
            folders[:] = [n for n in folders if not os.path.isfile(os.path.join(folder, n, "pyvenv.cfg"))]
            yield folder
            for path in [os.path.join(folder, name) for name in sorted(names) if name[0] != "."]:
                if not path.endswith((".pyc", ".lock")) and os.path.isfile(path):  # no pipe, no socket
                    yield path

    def as_dict(self) -> "dict[str, Any]":
        values = {"path": self.folder, "editable": self.editable}  # type: dict[str, Any]
        values.update(extras=self.chosen("extras"), groups=self.chosen("groups"))
        return values


# -- fetching: exec; if missing: lock, look again, fetch, verify, unpack aside, rename ----------------

TOMLI_VERSION = "1.2.3"  # 2.x needs 3.7
TOMLI_SHA256 = "e3069e4be3ead9668e21cb9b074cd948f7b3113fd9c8bba083f48247aab8b11c"
MAX_PAGE, MAX_FILE = 32 * 2**20, 128 * 2**20  # bytes
RETRY_DELAYS = (0.5, 1, 2)  # seconds; also the number of repeats
DOWNLOAD_SECONDS = 600


def platform_key(system: str = sys.platform, machine: str = "") -> str:
    if machine:
        machine = machine.lower()
    elif hasattr(os, "uname"):
        machine = os.uname().machine.lower()
    else:
        import platform

        machine = platform.machine().lower()
    names = {"amd64": "x86_64", "arm64": "aarch64", "i386": "i686", "armv8l": "armv7l"}
    machine = names.get(machine, machine)
    if system == "darwin":
        return "macos-" + machine.replace("aarch64", "arm64")
    if system == "win32":
        return "windows-" + machine.replace("aarch64", "arm64").replace("i686", "x86")
    return "linux-" + machine


class Pin:
    """A file that may be fetched: its hash decides, wherever it comes from."""

    def __init__(self, name: str, version: str, sha256: str, tags: str, url: str = "") -> None:
        self.name, self.version, self.sha256, self.url = name, version, sha256, url
        self.filename = "%s-%s-py3-none-%s.whl" % (name, version, tags)
        if url:
            self.filename = url.split("#")[0].split("?")[0].rsplit("/", 1)[-1]


def read_pins(path: str) -> "dict[tuple[str, str, str], tuple[str, str]]":
    """``proto_kernel.pins``: (name, version, platform) -> (sha256, url)."""
    pins = {}  # type: dict[tuple[str, str, str], tuple[str, str]]
    for number, line in enumerate(read_text(path).split("\n") if os.path.isfile(path) else (), 1):
        words = line.split("#")[0].split() if line.lstrip().startswith("#") else line.split()
        if not words:
            continue
        if len(words) != 5 or len(words[3]) != 64 or words[3].strip("0123456789abcdef"):
            raise KernelError(
                "%s:%d: not a pin" % (path, number), "a line is: name version platform sha256 url", 2
            )
        pins[words[0], words[1], words[2]] = (words[3], "" if words[4] == "-" else words[4])
    return pins


def pins_path() -> str:
    return os.path.join(os.path.dirname(os.path.realpath(__file__)), "proto_kernel.pins")


def fetched(
    name: str, version: str, platform: str, sha256: str, tags: str, members: "tuple[str, ...]"
) -> str:
    """The folder of the cache with the unpacked ``members`` of a wheel; fetched when it is not there."""
    pinned = read_pins(pins_path()).get((name, version, platform), (sha256, ""))
    if not pinned[0]:
        message = "%s %s for %s has no known hash" % (name, version, platform)
        raise KernelError(message, "add a line to %s: name version platform sha256 url" % pins_path(), 2)
    pin = Pin(name, version, pinned[0], tags, pinned[1])
    folder = os.path.join(cache_folder(), name, pin.sha256)
    if os.path.isdir(folder):
        refuse_untrusted(folder)
        return folder
    if folder.startswith(os.devnull):
        raise KernelError("HOME names no absolute path for the cache", "set HOME or GROUNDUP_HOME")
    os.makedirs(os.path.dirname(folder), 0o755, exist_ok=True)
    refuse_untrusted(os.path.dirname(folder))
    with FileLock(folder + ".lock"):
        if not os.path.isdir(folder):
            if LOG.offline:
                message = "%s %s for %s is not in the cache: %s" % (name, version, platform, folder)
                raise KernelError(message, "run once without --offline")
            unpack(download(pin), folder, members)
    return folder


def refuse_untrusted(folder: str) -> None:
    if not is_trusted(os.path.join(folder, "")):
        message = "%s can be changed by other users" % folder
        raise KernelError(message, "set GROUNDUP_HOME to a folder of your own, or remove it")


def unpack(data: bytes, folder: str, members: "tuple[str, ...]") -> None:
    """Write the wanted members of a verified wheel beside ``folder``, then rename."""
    import io
    import shutil
    import tempfile
    import zipfile

    aside = tempfile.mkdtemp(prefix=".unpack-", dir=os.path.dirname(folder))
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as wheel:
            for name in wheel.namelist():
                if name.startswith(members) or name.endswith(members):
                    short = name if name.startswith(members) else name.rsplit("/", 1)[-1]
                    target = os.path.join(aside, *short.split("/"))
                    os.makedirs(os.path.dirname(target), exist_ok=True)
                    with wheel.open(name) as packed, open(target, "wb") as file:
                        shutil.copyfileobj(packed, file)
                    os.chmod(target, 0o755)
        os.chmod(aside, 0o755)
        os.rename(aside, folder)
    except OSError as error:
        raise named(error, folder)
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def download(pin: Pin) -> bytes:
    """The file of a pin from the first source that gives it with the right hash.

    :raises KernelError: that lists each source and why it failed.
    """
    import hashlib

    failures = []
    for origin, find in sources_of(pin):
        try:
            url = find()
            LOG.say("fetching %s %s (%s)" % (pin.name, pin.version, origin))
            data = http_get(url, MAX_FILE)
            digest = hashlib.sha256(data).hexdigest()
            if digest == pin.sha256:
                return data
            failures.append("%s: %s has sha256 %s, not %s" % (origin, pin.filename, digest, pin.sha256))
        except (OSError, ValueError, TypeError, KeyError, KernelError) as error:
            failures.append("%s: %s" % (origin, error))
    message = "cannot fetch %s %s: %s" % (pin.name, pin.version, "; ".join(failures) or "no source is known")
    hint = "set UV_DEFAULT_INDEX to an index that you can reach, or add a line to %s" % pins_path()
    raise KernelError(message, hint_for(message, hint))


def sources_of(pin: Pin) -> "Iterator[tuple[str, Callable[[], str]]]":
    """Where a pin may come from, in order: (origin for messages, function that gives the address)."""
    configured = configured_index()
    if configured:
        index, origin = configured
        yield origin, lambda: find_in_index(index, pin)
    if pin.url:
        yield pins_path(), lambda: pin.url
    if not configured:
        yield "the index that pip uses by default", lambda: find_in_index(default_index(), pin)


def configured_index() -> "tuple[str, str] | None":
    """Address of the index that this user configured, and the variable or file that says so."""
    for variable in ("UV_DEFAULT_INDEX", "UV_INDEX_URL", "PIP_INDEX_URL"):
        value = os.environ.get(variable, "").strip()
        if value:
            name, _, address = value.partition("=")
            return (value if not address or "/" in name else address), variable
    return pip_setting("index-url")


def pip_setting(key: str) -> "tuple[str, str] | None":
    """A value of ``[global]`` in pip's configuration files, the user's before the system's."""
    home, system = home_folder(), "pip.ini" if WINDOWS else "pip.conf"
    base = (
        os.environ.get("APPDATA") or home
        if WINDOWS
        else os.environ.get("XDG_CONFIG_HOME") or home + "/.config"
    )
    files = [os.environ.get("PIP_CONFIG_FILE", ""), os.path.join(sys.prefix, system)]
    files += [os.path.join(base, "pip", system), os.path.join(home, ".pip" if not WINDOWS else "pip", system)]
    if sys.platform == "darwin":
        files += [
            home + "/Library/Application Support/pip/pip.conf",
            "/Library/Application Support/pip/pip.conf",
        ]
    folders = os.environ.get("XDG_CONFIG_DIRS") or "/etc/xdg"
    files += [os.path.join(folder, "pip", system) for folder in folders.split(":")] + ["/etc/pip.conf"]
    if files[0] == os.devnull:  # to pip this means: read none
        return None
    for path in [path for path in files if os.path.isfile(path)]:
        import configparser

        parser = configparser.RawConfigParser()
        try:
            parser.read(path, encoding="utf-8")
            return parser.get("global", key).strip(), path
        except (configparser.Error, UnicodeDecodeError):
            continue
    return None


def default_index() -> str:
    """The address that the interpreter's pip carries, also in the wheel that ensurepip bundles."""
    import glob
    import importlib
    import sysconfig

    folders = [os.path.join(os.path.dirname(os.__file__), "ensurepip", "_bundled")]
    folders += [sysconfig.get_config_var("WHEEL_PKG_DIR") or "", "/usr/share/python-wheels"]
    wheels = [wheel for folder in folders if folder for wheel in sorted(glob.glob(folder + "/pip-*.whl"))]
    for extra in [""] + wheels:
        sys.path[:0] = [extra] if extra else []
        try:
            return str(importlib.import_module("pip._internal.models.index").PyPI.simple_url)
        except (ImportError, AttributeError):
            continue
        finally:
            sys.path[:] = [folder for folder in sys.path if folder != extra or not extra]
    raise KernelError("this interpreter carries no pip that names one", "set UV_DEFAULT_INDEX")


def find_in_index(index: str, pin: Pin) -> str:
    """The address of a pin's file on its project page: PEP 691 JSON or PEP 503 HTML."""
    import html
    import json
    import re
    from urllib.parse import urljoin

    page = index.rstrip("/") + "/" + pin.name + "/"
    text = http_get(page, MAX_PAGE).decode("utf-8", "replace")
    if text.lstrip().startswith("{"):
        links = [str(file["url"]) for file in json.loads(text)["files"]]
    else:
        found = re.findall(r"""<a\s[^>]*?href\s*=\s*(?:"([^"]*)"|'([^']*)')""", text, re.I)
        links = [html.unescape(double or single) for double, single in found]
    for link in links:
        if link.split("#")[0].split("?")[0].rsplit("/", 1)[-1] == pin.filename:
            return with_user_of(urljoin(page, link.split("#")[0]), page)
    raise KernelError("%s is not on %s" % (pin.filename, page), "")


def with_user_of(url: str, page: str) -> str:
    """Files on the index's own host are asked for with the index's credentials."""
    from urllib.parse import urlsplit

    file, index = urlsplit(url), urlsplit(page)
    if (
        "@" in file.netloc
        or "@" not in index.netloc
        or (file.hostname, file.port) != (index.hostname, index.port)
    ):
        return url
    return file._replace(netloc=index.netloc).geturl()


def http_get(url: str, limit: int) -> bytes:
    """Fetch with proxies, certificates, credentials; repeated with backoff when the fault may pass."""
    import http.client
    import time
    import urllib.error

    for delay in RETRY_DELAYS + (0,):
        try:
            return http_get_once(url, limit)
        except urllib.error.HTTPError as error:
            if error.code < 500 and error.code not in (408, 429) or not delay:
                asks = " (credentials in the address, or netrc)" if error.code in (401, 403) else ""
                raise OSError("%s answers %d %s%s" % (url, error.code, error.reason, asks))
        except (OSError, http.client.HTTPException) as error:
            reason = getattr(error, "reason", None) or error
            if not delay or "CERTIFICATE_VERIFY_FAILED" in str(reason):
                raise OSError("%s: %s" % (url, str(reason) or type(reason).__name__))
        LOG.say("%s failed, again in %g s" % (url, delay))
        time.sleep(delay)
    raise OSError(url)


def http_get_once(url: str, limit: int) -> bytes:
    import time

    with url_opener().open(authorized_request(url), timeout=30) as response:
        expected = response.headers.get("Content-Length")
        data = bytearray()
        deadline = time.time() + DOWNLOAD_SECONDS
        while True:
            block = response.read(2**16)
            data += block
            if len(data) > limit:
                raise ValueError("%s is larger than %d MiB" % (url, limit // 2**20))
            if time.time() > deadline:
                raise ValueError("%s took more than %d s" % (url, DOWNLOAD_SECONDS))
            if not block:
                break
    if expected and int(expected) != len(data):
        raise OSError("the connection was cut after %d of %s bytes" % (len(data), expected))
    return bytes(data)


def authorized_request(url: str) -> "Any":
    """A request whose credentials, from the address or netrc, go to that host alone."""
    import base64
    import netrc
    import urllib.request
    from urllib.parse import unquote, urlsplit

    parts = urlsplit(url)
    user, password = parts.username, parts.password or ""
    try:
        valid = (parts.port or 1) > 0 and not any(letter.isspace() for letter in url)
    except ValueError:
        valid = False
    if not valid:
        raise ValueError(
            "the address is not valid: special characters in credentials must be percent-encoded"
        )
    bare = parts._replace(netloc=parts.netloc.rsplit("@", 1)[-1]).geturl()
    accept = "application/vnd.pypi.simple.v1+json, text/html;q=0.9, */*;q=0.1"
    request = urllib.request.Request(
        bare, headers={"Accept": accept, "User-Agent": "groundup/" + __version__}
    )
    if user is None:
        try:
            found = netrc.netrc(os.environ.get("NETRC") or None).authenticators(parts.hostname or "")
            user, password = (found[0], found[2] or "") if found else (None, "")
        except (OSError, netrc.NetrcParseError):
            pass
    if user is not None:
        pair = "%s:%s" % (unquote(user), unquote(password))
        request.add_unredirected_header("Authorization", "Basic " + base64.b64encode(pair.encode()).decode())
    return request


def url_opener() -> "Any":
    import ssl
    import urllib.request

    proxies = urllib.request.getproxies()
    for scheme in ("http", "https"):
        if "all" in proxies:
            proxies.setdefault(scheme, proxies["all"])
    path, origin = certificates()
    try:
        context = ssl.create_default_context(cafile=path or None)
    except OSError as error:
        raise ValueError("%s: %s holds no certificates: %s" % (origin, path, error.strerror or error))
    https = urllib.request.HTTPSHandler(context=context)
    return urllib.request.build_opener(urllib.request.ProxyHandler(proxies), https)


def certificates() -> "tuple[str, str]":
    """The file of certificate authorities that a variable or pip's configuration names, and which does."""
    for variable in ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "PIP_CERT"):
        if os.environ.get(variable):
            return os.environ[variable], variable
    return pip_setting("cert") or ("", "")


# -- uv -----------------------------------------------------------------------------------------------

UV_VERSION = "0.13.8"
# platform, tags of the wheel, sha256; MANY stands for manylinux_2_17_X.manylinux2014_X
UV_WHEELS = """
linux-x86_64 musllinux_1_1_x86_64 29451c60f5e8b07403e0a175d5229efc36b0289b34143ff4aaa499a5dd52553a
linux-aarch64 MANY.musllinux_1_1_aarch64 0b3e8b1a4f5e405e31e2ff33de8af4744831e9f7338539671efbd8c3c94e791d
linux-armv7l MANY.musllinux_1_1_armv7l 9cf0b7b12f13da6ab1c85694ab618d97a2bbd0c904cdea7f0172fb1dd768b9d5
linux-i686 musllinux_1_1_i686 63d807451e63c8d21b1b33c945af16438ac9d8ffddc59b31ce69c692135891f5
linux-ppc64le MANY 6999618363d03a0a085a9491db319e00b461dbda205db06ef1fd55dfcbf6472b
linux-s390x MANY 13050c64530a1ccfc223af0306a8152d41c0d36ea63bc19161221ca65dfe480a
linux-riscv64 manylinux_2_31_riscv64.musllinux_1_1_riscv64 bfcaada3989c7716ad4b58673cd1413fad4fdc6b2e446f9553db0ef18da20850
macos-x86_64 macosx_10_12_x86_64 b7124ca1956ec2e476a1003ea5715a15f0266afaec37f4dc9c6972ba8183e6d1
macos-arm64 macosx_11_0_arm64 62b6943c7fd64fac6854f780bea6e0359e5a5bc3241f83ee357bb38276afac49
windows-x86_64 win_amd64 cfbc13020a64cdf2f116d2936824c38edbf41e5c07f1ea291baf02e31ebf3ed0
windows-arm64 win_arm64 b4184029b1b7c54409b9cd4372c73a36ef9c2d1d7cf3b0aca59c8b1932f041dc
windows-x86 win32 87614f62b09e3571593ffe01bf2e1dccb8df928a8423324dba80c6d0e33060eb
"""  # noqa: E501
# Variables that would point uv to another project, environment or interpreter.
REDIRECTING = (
    "VIRTUAL_ENV", "CONDA_PREFIX", "CONDA_DEFAULT_ENV", "__PYVENV_LAUNCHER__", "UV_PROJECT_ENVIRONMENT",
    "UV_PROJECT", "UV_WORKING_DIR", "UV_WORKING_DIRECTORY", "UV_PYTHON", "UV_SYSTEM_PYTHON", "UV_FROZEN",
    "UV_LOCKED", "UV_NO_SYNC", "UV_ISOLATED", "UV_NO_PROJECT", "UV_DEV", "UV_NO_DEV", "UV_NO_EDITABLE",
    "UV_NO_DEFAULT_GROUPS", "UV_NO_GROUP", "UV_REQUIRE_HASHES", "UV_UPGRADE", "UV_VENV_CLEAR", "UV_VENV_SEED",
)  # fmt: skip
HINTS = (  # what uv says -> what to do
    ("no space left", "free some space and run again"),
    ("network was disabled|not found in the cache|offline", "run once without --offline"),
    (
        r"\b401\b|\b403\b|credentials",
        "put credentials into the index's address (UV_DEFAULT_INDEX) or netrc, or configure auth",
    ),
    ("certificate|UnknownIssuer", "set SSL_CERT_FILE to your certificate authorities"),
    (
        "Failed to fetch|error sending request|dns error",
        "check the network, UV_DEFAULT_INDEX and the proxy variables",
    ),
    (
        "Hash mismatch|has sha256",
        "the file is not the one that is pinned: check the index, do not use the file",
    ),
    ("No solution found|unsatisfiable", "change the requirements named above"),
)
# The system's authorities in one file: uv reads it faster than the folder that it looks for by itself.
BUNDLES = (
    "/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
)  # fmt: skip


def hint_for(text: str, default: str) -> str:
    import re

    return next((hint for pattern, hint in HINTS if re.search(pattern, text, re.I)), default)


def find_uv(version: str = UV_VERSION, minimum: str = "") -> str:
    """The path of uv: from the cache by hash, on PATH when it is new enough, else fetched.

    :raises KernelError: that lists each source and why it failed.
    """
    platform, name = platform_key(), "uv.exe" if WINDOWS else "uv"
    tags, sha256 = "", ""
    for line in UV_WHEELS.split("\n"):
        if line.startswith(platform + " "):
            machine = platform.split("-")[1]
            tags, sha256 = line.split()[1], line.split()[2] if version == UV_VERSION else ""
            tags = tags.replace("MANY", "manylinux_2_17_%s.manylinux2014_%s" % (machine, machine))
    cached = os.path.join(cache_folder(), "uv", sha256, name)
    if sha256 and os.access(cached, os.X_OK) and is_trusted(cached):
        return cached
    folders = [
        folder for folder in os.environ.get("PATH", os.defpath).split(os.pathsep) if os.path.isabs(folder)
    ]
    candidates = [os.path.join(folder, name) for folder in folders]
    on_path = next((path for path in candidates if os.path.isfile(path) and os.access(path, os.X_OK)), "")
    if on_path and version_of(on_path) >= numbers(minimum or version):
        return on_path
    program = os.path.join(fetched("uv", version, platform, sha256, tags, ("/scripts/" + name,)), name)
    if not is_trusted(program):
        raise KernelError("%s can be changed by other users" % program, "remove it, or set GROUNDUP_HOME")
    return program


def numbers(version: str) -> "tuple[int, ...]":
    import re

    return tuple(int(number) for number in re.findall(r"\d+", version)[:3])


def version_of(uv: str) -> "tuple[int, ...]":
    try:
        return numbers(answer_of([uv, "--version"]).partition(" ")[2])
    except (OSError, ValueError):
        return ()


def answer_of(argv: "list[str]") -> str:
    """What a program prints.

    :raises OSError, ValueError: when it cannot be run or fails.
    """
    import subprocess

    done = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    text = done.communicate()[0]
    if done.returncode:
        raise ValueError("exit code %d" % done.returncode)
    return os.fsdecode(text)


def search_path(environ: "Mapping[str, str]") -> str:
    """PATH without version managers' shims, which cost a shell each, but with what stands behind them."""
    import glob

    home, active = home_folder(), bin_folder(environ.get("VIRTUAL_ENV") or os.devnull)
    managers = [
        environ.get("PYENV_ROOT") or home + "/.pyenv",
        environ.get("ASDF_DATA_DIR") or home + "/.asdf",
    ]
    unwanted = [os.path.join(manager, "shims") for manager in managers] + [active, ""]
    folders = [f for f in environ.get("PATH", os.defpath).split(os.pathsep) if f not in unwanted]
    behind = glob.glob(managers[0] + "/versions/*/bin") + glob.glob(managers[1] + "/installs/python/*/bin")
    versions = [(numbers(os.path.basename(os.path.dirname(folder))), folder) for folder in behind]
    folders += [folder for version, folder in sorted(versions, reverse=True) if version >= (3, 6)]
    return os.pathsep.join(folders + [bin_folder(os.path.realpath(sys.base_prefix))])


def ancestors(folder: str) -> "Iterator[str]":
    while folder != os.path.dirname(folder):
        folder = os.path.dirname(folder)
        yield folder


def settings_above(root: str) -> str:
    """The nearest file above root that uv would read its settings from; '' when root has its own."""
    for folder in [root] + list(ancestors(root)):
        for name in ("uv.toml", "pyproject.toml"):
            path = os.path.join(folder, name)
            try:
                if os.path.isfile(path) and (
                    name == "uv.toml" or "uv" in Project(folder, {}).section("tool")
                ):
                    return "" if folder == root else path
            except (OSError, KernelError):
                continue
    return ""


def workspace_above(folder: str, root: str) -> str:
    """The place of a uv workspace above root that claims a folder as its member; '' when there is none."""
    import glob

    if any("workspace" in Project(own, {}).section("tool", "uv") for own in (folder, root)):
        return ""
    for parent in ancestors(root):
        try:
            outer = Project(parent, {})
        except (OSError, KernelError):
            continue
        claims = [
            any(
                folder in glob.glob(os.path.join(glob.escape(parent), pattern), recursive=True)
                for pattern in outer.patterns(key)
            )
            for key in ("members", "exclude")
        ]
        if claims == [True, False]:
            return outer.place("tool", "uv", "workspace")
    return ""


def user_settings() -> str:
    """uv's configuration file of the user."""
    base = os.environ.get("APPDATA", "") if WINDOWS else os.environ.get("XDG_CONFIG_HOME", "")
    return os.path.join(base or os.path.join(home_folder(), ".config"), "uv", "uv.toml")


def uv_environment(environ: "Mapping[str, str]", own_index: bool) -> "dict[str, str]":
    """Variables for uv: the caller's, without those of Python and of other environments.

    Certificates and index are those that the kernel uses; ``own_index``: the project names one.
    """
    env = {k: v for k, v in environ.items() if k not in REDIRECTING and not k.startswith("PYTHON")}
    env.update(PATH=search_path(environ), UV_NO_PROGRESS="1")
    if LOG.offline:
        env["UV_OFFLINE"] = "1"
    authorities = certificates()[0] or next((path for path in BUNDLES if os.path.isfile(path)), "")
    if authorities:
        env["SSL_CERT_FILE"] = authorities
    for name in ("UV_SYSTEM_CERTS", "UV_NATIVE_TLS"):  # the same trust as this interpreter's
        env.setdefault(name, "true")
    index = configured_index()
    if index and not own_index and "UV_INDEX_URL" not in env:
        env.setdefault("UV_DEFAULT_INDEX", index[0])
    return env


class LockStale(KernelError):
    """uv.lock does not fit the declarations any more."""


class Uv:
    """Runs uv for one repository; ``lock`` is inherited, so that an orphaned uv keeps it."""

    def __init__(self, config: Configuration, lock: FileLock) -> None:
        settings = config.as_dict()["uv"]
        self.config, self.lock = config, lock
        self.program = find_uv(settings["version"], config.values.get("uv", {}).get("min_version", ""))
        self.environ = uv_environment(os.environ, config.lock_kind() == UV_LOCK)
        self.environ["UV_PROJECT_ENVIRONMENT"] = config.venv
        above = settings_above(config.root)
        if above and "UV_CONFIG_FILE" not in self.environ:
            LOG.say("uv does not read %s, which is above root" % above, 1)
            own = os.path.isfile(user_settings())
            self.environ.update({"UV_CONFIG_FILE": user_settings()} if own else {"UV_NO_CONFIG": "1"})

    def run(self, what: str, *arguments: str) -> None:
        """Run uv, its words relayed to stderr.

        :raises LockStale: when uv says that ``uv.lock`` does not fit.
        :raises KernelError: with uv's exit code in the message.
        """
        import re
        import subprocess

        LOG.say("uv " + " ".join(arguments), 1)
        said, failing = [], False  # type: list[str], bool
        fds = () if WINDOWS else (self.lock.fd,)
        options = {"cwd": self.config.root, "env": self.environ, "stderr": subprocess.STDOUT, "pass_fds": fds}
        with Child([self.program] + list(arguments), **options) as process:
            for raw in process.stdout:
                line = raw.decode("utf-8", "replace").rstrip()
                said.append(line)
                failing = failing or line.startswith("error:")
                if LOG.verbosity >= 0 and not failing:
                    LOG.write("  " + line)
            code = process.wait()
        if code:
            text = "\n".join(said)
            if re.search("needs to be updated|Unable to find lockfile", text):
                raise LockStale(what, "")
            failed = [n for n, line in enumerate(said) if line.startswith("error:")] or [
                max(len(said) - 8, 0)
            ]
            details = "\n".join("  " + line for line in said[failed[0] :])
            hint = hint_for(text, "see uv's words above; -v shows its command")
            LOG.write(details.replace("  error: ", "  uv: ", 1).replace("\n  hint: ", "\n  uv: "))
            raise KernelError("%s failed: uv exited with %d" % (what, code), hint)

    def python(self) -> str:
        """The interpreter that fits the request, as uv finds it; downloaded when the machine has none."""
        request = [self.config.python] if self.config.python else []
        find = [self.program, "python", "find", "--system", "--no-project"] + request
        code, text, words = self.ask(find)
        if code and "No interpreter found" not in words:
            raise KernelError("uv cannot look for a Python: %s" % words.strip(), "correct what uv names", 2)
        if code and not LOG.offline:
            LOG.say("no Python here fits %r: asking uv for one" % (self.config.python or "any"))
            if self.ask([self.program, "python", "install", "--no-bin"] + request, True)[0] == 0:
                code, text, words = self.ask(find)
        if code:
            raise self.no_python()
        return text.strip()

    def no_python(self) -> KernelError:
        listed = self.ask([self.program, "python", "list", "--only-installed"])[1].split("\n")
        versions = [line.split()[0] for line in listed if line.strip()]
        found = ", ".join(sorted(set(versions), key=versions.index)) or "none"
        origin, wanted = self.config.python_origin, self.config.python or "any"
        change = "" if origin == "default" else ", or change the request in %s" % origin
        return KernelError(
            at(origin, "no Python fits %r; found: %s" % (wanted, found)), "install one" + change, 2
        )

    def ask(self, argv: "list[str]", network: bool = False) -> "tuple[int, str, str]":
        """Exit code, stdout and stderr of a question; without the network certificates need not be loaded."""
        import subprocess

        environ = {k: v for k, v in self.environ.items() if network or k[:9] != "SSL_CERT_"}
        with Child(argv, cwd=self.config.root, env=environ, stderr=subprocess.PIPE) as process:
            text, words = process.communicate()
        return process.returncode, os.fsdecode(text), os.fsdecode(words)


# -- building -----------------------------------------------------------------------------------------

# What decides about an environment besides files: a stamp holds their values.
SHAPING_VARIABLES = (
    "UV_PYTHON_PREFERENCE", "UV_MANAGED_PYTHON", "UV_NO_MANAGED_PYTHON", "UV_NO_SOURCES",
    "UV_CONSTRAINT", "UV_OVERRIDE", "UV_NO_BINARY", "UV_NO_BUILD", "UV_CONFIG_FILE",
)  # fmt: skip
MADE_FROM = "# groundup: made from sha256:"


class Snapshot:
    """What shapes an environment, taken before the work: an edit during the work is seen by the next run."""

    def __init__(self, config: Configuration) -> None:
        import json

        self.config = config
        self.stats = dict(config.watched)
        self.digests = {}  # type: dict[str, str]
        values = config.as_dict()
        shaping = [
            values[key] for key in ("root", "venv", "python", "python_selector", "projects", "auth", "uv")
        ]
        self.digests["values"] = json.dumps(shaping, sort_keys=True, ensure_ascii=False)
        for path in self.shaping_files():
            self.add(path)
        self.variables = [(name, os.environ.get(name, "")) for name in SHAPING_VARIABLES]

    def shaping_files(self) -> "Iterator[str]":
        config = self.config
        yield config.kernel
        yield os.path.join(config.folder, "proto_kernel.pins")
        yield os.path.join(config.root, "uv.toml")
        if "python_selector" in config.values:
            yield os.path.join(config.root, config.values["python_selector"])
        for project in config.projects:
            yield from project.files if project.editable else project.sources()

    def add(self, path: str, again: bool = False) -> None:
        if again:
            self.stats[path] = stat_or_none(path)
        self.stats.setdefault(path, stat_or_none(path))
        self.digests[path] = digest_of(path) if self.stats[path] else "absent"

    def add_locks(self) -> None:
        """The lock, and the projects and workspace members that it names."""
        import glob

        for path in self.config.lock_candidates():
            self.add(path, again=True)
        if self.config.lock_kind() != UV_LOCK or not os.path.isfile(self.config.lock_path()):
            return
        folder = os.path.dirname(self.config.lock_path())
        for kind, member in lock_members(read_text(self.config.lock_path())):
            project = Project(os.path.normpath(os.path.join(folder, member)), {})
            for path in project.sources() if kind == "directory" else project.files:
                self.add(path)
        for pattern in Project(folder, {}).patterns("members"):
            self.add(os.path.normpath(os.path.join(folder, os.path.dirname(pattern))))
            for member in sorted(glob.glob(os.path.join(glob.escape(folder), pattern))):
                self.add(os.path.join(os.path.normpath(member), PROJECT_FILES[0]))

    def key(self) -> str:
        import hashlib
        import json

        shaping = [sorted(self.digests.items()), self.variables, sys.platform]
        return hashlib.sha256(os.fsencode(json.dumps(shaping, ensure_ascii=False))).hexdigest()

    def write(self) -> None:
        """Write the stamp and the pointer to it; in a read-only checkout the old ones go on serving."""
        import json

        config = self.config
        values = json.dumps(config.as_dict(), ensure_ascii=False)
        for path in (venv_python(config.venv), os.path.join(config.venv, "pyvenv.cfg")):
            self.stats[path] = stat_or_none(path)
        for leftover in (config.venv + ".tmp", config.lock_path() + ".old"):
            self.stats[leftover] = ""  # what a killed run left is a reason to look closer
        records = [
            ("root", config.root), ("kernel", config.kernel), ("venv", config.venv), ("env", config.env),
            ("config", config.given.config), ("target", config.target), ("key", self.key()),
            ("python", os.path.realpath(venv_python(config.venv))), ("values", values),
        ]  # type: list[tuple[str, ...]]  # fmt: skip
        records += [("command", name) + tuple(argv) for name, argv in config.commands.items()]
        records += [
            ("stat", path, text) if text else ("absent", path, "") for path, text in self.stats.items()
        ]
        records += [("variable", name, value) for name, value in self.variables]
        lines = [STAMP_FORMAT] + ["\t".join(escape(field) for field in record) for record in records]
        pointer = pointer_path(config.kernel, config.given)
        write_atomically(os.path.join(config.venv, STAMP_NAME), os.fsencode("\n".join(lines) + "\n"))
        try:
            write_atomically(pointer, os.fsencode(relative(config.venv, config.folder)))
        except OSError as error:
            LOG.say("without %s every start looks at everything: %s" % (pointer, error), 1)


def prepare(kernel: str, given: Input, reboot: bool = False) -> Stamp:
    """Make the environment ready and return its stamp; at most one process builds at a time."""
    SIGNALS.catch()
    config = Configuration(kernel, given)
    stamp = None if reboot else agreeing_stamp(config, True)
    if stamp is None:
        with FileLock(config.venv + ".lock") as lock:
            config = Configuration(kernel, given)  # an edit while this process waited counts
            stamp = None if reboot or lock.state else agreeing_stamp(config, True)
            if stamp is None:
                Build(config, lock).run(reboot)
    ready = stamp or read_stamp(config.venv)
    if ready is None:
        raise KernelError("%s was removed while it was built" % config.venv, "run again")
    return ready


def remember(root: str, env: str) -> None:
    path = os.path.join(root, ".groundup", "env")
    if not os.path.isfile(path) or read_text(path).strip() != env:
        write_atomically(path, os.fsencode(env + "\n"))


def agreeing_stamp(config: Configuration, rewrite: bool = False) -> "Stamp | None":
    """The stamp of an environment whose contents still agree though something was touched."""
    stamp, python = read_stamp(config.venv), venv_python(config.venv)
    if stamp is None or is_marked(config.venv + ".lock"):
        return None
    built = [record[2] for record in stamp.records if record[:2] == ["stat", python]]
    if built != [stat_or_none(python)] or not os.path.exists(os.path.join(config.venv, "pyvenv.cfg")):
        return None
    snapshot = Snapshot(config)
    snapshot.add_locks()
    if snapshot.key() != stamp.values.get("key"):
        return None
    if not rewrite:
        return stamp
    try:
        snapshot.write()
    except OSError as error:
        LOG.say("the stamp cannot be rewritten: %s" % error, 1)
        return stamp
    return read_stamp(config.venv)


def keep_code(code: "Any") -> None:
    """Spare later starts the compilation; where nothing can be written, they compile as well."""
    import marshal

    try:
        path, data = code_path(), marshal.dumps(code)
        os.makedirs(os.path.dirname(path), 0o755, exist_ok=True)
        if not is_trusted(os.path.join(os.path.dirname(path), "")):
            return
        aside = "%s.%d.tmp" % (path, os.getpid())
        try:
            with open(aside, "xb", opener=lambda name, flags: os.open(name, flags, 0o644)) as file:
                file.write(checksum(data) + data)
            os.replace(aside, path)
        except OSError:
            os.remove(aside)
    except OSError:
        pass


def is_marked(path: str) -> bool:
    try:
        with open(path, "rb") as file:
            return file.read(FileLock.RECORD).rstrip().endswith((b"building", b"locking"))
    except OSError:
        return False


def is_foreign(venv: str) -> bool:
    """Whether there is something that has never been an environment of groundup's."""
    is_ours = os.path.exists(os.path.join(venv, STAMP_NAME))
    return not is_ours and os.path.isdir(venv) and bool(os.listdir(venv))


class Build:
    """One build of an environment under its lock."""

    def __init__(self, config: Configuration, lock: FileLock) -> None:
        self.config, self.lock = config, lock
        self.venv, self.old = config.venv, config.venv + ".old"
        self.uv = Uv(config, lock)
        self.found = ""
        self.interrupted = lock.state == "building"
        self.aside = self.venv + ".tmp"

    def run(self, reboot: bool) -> None:
        config = self.config
        ours = self.interrupted or any(
            os.path.exists(os.path.join(self.venv, n)) for n in ("pyvenv.cfg", STAMP_NAME)
        )
        if os.path.exists(self.venv) and not ours and os.listdir(self.venv):
            place = config.origin("venv")[1]
            message = at(place, "%s exists and is no venv" % self.venv)
            raise KernelError(message, "move it, or set venv", 2)
        snapshot = Snapshot(config)
        self.authenticate()
        lock_before = self.lock_content()
        self.ensure_lock(reboot)
        stamp = None if reboot or self.interrupted else read_stamp(self.venv)
        in_place = stamp is not None and stamp.values["venv"] == self.venv and self.fits_python(stamp)
        if os.path.lexists(self.venv) or self.config.lock_kind() != UV_LOCK:
            _ = self.python  # whatever is wrong with it must show before anything is moved
        self.begin(in_place)
        try:
            try:
                snapshot.add_locks()
                self.install()
            except LockStale:
                self.cancel(in_place)
                self.ensure_lock(False, stale=True)
                snapshot.add_locks()
                self.begin(in_place)
                self.install()
        except KernelError:
            if not in_place:
                self.cancel(in_place)
            if reboot:
                self.restore_lock(lock_before)
            raise
        self.write_shell_files()
        snapshot.write()
        if kept_code() is None:
            keep_code(CODE)
        remove_tree(self.old, strict=False)
        if in_place:
            os.remove(os.path.join(self.venv, STAMP_NAME + ".old"))
        self.lock.mark("")

    @property
    def python(self) -> str:
        self.found = self.found or self.selected_python() or self.uv.python()
        return self.found

    def fits_python(self, stamp: Stamp) -> bool:
        built = stamp.values.get("python", "")
        if not os.path.exists(os.path.join(self.venv, "pyvenv.cfg")):
            return False
        return os.path.realpath(self.python) == built and os.path.realpath(venv_python(self.venv)) == built

    def begin(self, in_place: bool) -> None:
        """From here a kill leaves the mark in the lock file, and the next run builds from scratch."""
        self.lock.mark("building")
        if in_place:
            os.replace(os.path.join(self.venv, STAMP_NAME), os.path.join(self.venv, STAMP_NAME + ".old"))
        elif os.path.lexists(self.venv):
            if self.interrupted:
                LOG.say("a build did not end: building %s again" % self.venv)
                remove_tree(self.venv)
            else:
                if is_foreign(self.venv):
                    LOG.say("replacing %s, which groundup did not build" % self.venv)
                self.move_aside()

    def move_aside(self) -> None:
        remove_tree(self.old)
        try:
            os.rename(self.venv, self.old)
        except OSError:  # a mount point, such as a volume of a container, can only be emptied
            remove_tree(self.venv)

    def cancel(self, in_place: bool) -> None:
        if in_place:
            os.replace(os.path.join(self.venv, STAMP_NAME + ".old"), os.path.join(self.venv, STAMP_NAME))
        else:
            remove_tree(self.venv)
            if os.path.isdir(self.old):
                os.rename(self.old, self.venv)
        self.lock.mark("")

    def selected_python(self) -> str:
        """What ``python_selector`` prints: one absolute path of an interpreter that fits ``python``."""
        config = self.config
        if "python_selector" not in config.values:
            return ""
        place, script = (
            config.origin("python_selector")[1],
            os.path.join(config.root, config.values["python_selector"]),
        )
        with Child([sys.executable, "-I", script], cwd=config.root) as process:
            path = os.fsdecode(process.communicate()[0]).strip()
        told = "exited with %d" % process.returncode if process.returncode else "printed %r" % path
        ask = "import platform; print(platform.python_version())"
        try:
            version = answer_of([path if os.path.isabs(path) else "", "-I", "-c", ask]).strip()
        except (OSError, ValueError):
            version = ""
        if process.returncode or not version[:1].isdigit():
            raise KernelError(
                "%s: %s %s" % (place, script, told), "it must print one path of an interpreter", 2
            )
        wanted = config.values.get("python", "")
        if wanted[:1].isdigit() and numbers(version)[: len(numbers(wanted))] != numbers(wanted):
            message = "%s: %s gave Python %s, python asks for %s" % (place, script, version, wanted)
            raise KernelError(message, "correct one of the two", 2)
        return path

    def authenticate(self) -> None:
        """The requirements of ``auth`` in a venv of their own, before PATH for uv."""
        wanted = self.config.values.get("auth", [])
        if not wanted:
            return
        folder = self.venv + ".auth"
        record, text = os.path.join(folder, STAMP_NAME), os.fsencode("\n".join([self.python] + wanted))
        if content_of(record) != text:
            remove_tree(folder)
            self.uv.run("making the venv of auth", "venv", "--python", self.python, folder)
            self.uv.run("installing auth", "pip", "install", "--python", venv_python(folder), *wanted)
            write_atomically(record, text)
        self.uv.environ["PATH"] = bin_folder(folder) + os.pathsep + self.uv.environ["PATH"]
        self.uv.environ.setdefault("UV_KEYRING_PROVIDER", "subprocess")

    # locks

    def ensure_lock(self, upgrade: bool, stale: bool = False) -> None:
        """Do ``update_lock`` so that a kill in it leaves a mark, and a failure none."""
        self.sweep()
        if not self.interrupted:
            self.lock.mark("locking")
        try:
            self.update_lock(upgrade, stale)
        finally:
            self.sweep()
            self.lock.mark("building" if self.interrupted else "")

    def sweep(self) -> None:
        """Remove what a killed run left beside the files that it was about to replace."""
        import glob

        remove_tree(self.aside)
        config, path = self.config, glob.escape(self.config.lock_path())
        kept = glob.escape(os.path.join(config.root, ".groundup"))
        warm = glob.escape(os.path.dirname(pointer_path(config.kernel, config.given)))
        patterns = [kept + "/*.tmp", warm + "/*.tmp"] + (
            [path + ".*.tmp", path + ".old.*.tmp"] if path else []
        )
        for name in {name for pattern in patterns for name in glob.glob(pattern)}:
            os.remove(name)

    def update_lock(self, upgrade: bool, stale: bool) -> None:
        """Write the lock when there is none, when it is stale or to be upgraded; else leave it alone.

        :raises KernelError: when it had to be written but ``--locked`` or ``CI`` forbids that.
        """
        path, before = self.config.lock_path(), self.lock_content()
        if not path:
            return
        is_uv = os.path.basename(path) == UV_LOCK
        if is_uv:
            before = self.recover_lock(path, before)
        self.check_workspaces(os.path.dirname(path) if is_uv else self.config.root)
        upgrade = upgrade and not self.config.given.locked
        made_from = "" if is_uv else self.declarations()
        recorded = MADE_FROM.encode() in (before or b"")
        fits = before is not None and not stale and (is_uv or not recorded or made_from.encode() in before)
        if fits and not upgrade:
            return
        if self.config.given.locked:
            raise self.stale_lock(
                "is missing" if before is None else "does not fit the declarations any more"
            )
        if is_uv:
            self.lock_project(path, before, ["--upgrade"] if upgrade else [])
        else:
            self.compile(path, before, made_from, upgrade)
        if self.lock_content() != before:
            LOG.say("%s was %s" % (path, "written" if before is None else "updated"))

    def check_workspaces(self, root: str) -> None:
        for folder in [root] + [project.folder for project in self.config.projects]:
            claimed = workspace_above(folder, root)
            if claimed:
                message = "%s: this uv workspace claims %s as a member" % (claimed, folder)
                raise KernelError(message, "exclude it there, or give it a [tool.uv.workspace] of its own", 2)

    def check_lock(self) -> None:
        path = self.config.lock_path()
        if self.config.given.locked and os.path.basename(path) == UV_LOCK:
            try:
                self.uv.run("checking", "lock", "--check", "--project", os.path.dirname(path))
            except LockStale:
                raise self.stale_lock("does not fit the declarations any more")

    def stale_lock(self, what: str) -> KernelError:
        message = "%s %s, and --locked or CI forbids writing it" % (self.config.lock_path(), what)
        return KernelError(message, "run without --locked and CI: proto_kernel.py lock", 2)

    def lock_content(self) -> "bytes | None":
        return content_of(self.config.lock_path())

    def restore_lock(self, content: "bytes | None") -> None:
        if content is not None and content != self.lock_content():
            write_atomically(self.config.lock_path(), content)

    def lock_project(self, path: str, before: "bytes | None", options: "list[str]") -> None:
        """uv writes ``uv.lock`` in place: the old one stands aside meanwhile, for a run after a kill."""
        aside = path + ".old"
        write_atomically(aside, before or b"", True)
        words = ["--project", os.path.dirname(path), "--python", self.python] + options
        try:
            self.uv.run("locking", "lock", *words)
        except BaseException:
            self.recover_lock(path, content_of(path))
            raise
        os.remove(aside)

    def recover_lock(self, path: str, content: "bytes | None") -> "bytes | None":
        aside = path + ".old"
        old = content_of(aside)
        if old is None:
            return content
        try:
            whole = bool(content) and "version" in load_toml(os.fsdecode(content or b""), path)
        except KernelError:
            whole = False
        if not whole and old:
            write_atomically(path, old)
        elif not whole and content is not None:
            os.remove(path)
        os.remove(aside)
        return content if whole else old or None

    def declarations(self) -> str:
        """The hash of everything that a lock is made from, as the lock's comment records it."""
        import hashlib
        import json

        declared = [[self.lower_python()]]  # type: list[Any]
        for project in self.config.projects:
            parts = {k: project.table.get(k) for k in ("name", "requires-python", "dependencies", "dynamic")}
            legacy = [digest_of(path) for path in project.files[1:3] if os.path.isfile(path)]
            groups, extras = (
                project.section("dependency-groups"),
                project.section("project", "optional-dependencies"),
            )
            chosen = [project.chosen("extras"), project.chosen("groups")]
            place = relative(project.folder, self.config.root)
            declared.append([place, parts, extras, groups, chosen, project.section("tool", "uv"), legacy])
        text = json.dumps(declared, sort_keys=True, default=str, ensure_ascii=False)
        return MADE_FROM + hashlib.sha256(os.fsencode(text)).hexdigest()

    def lower_python(self) -> str:
        """The lowest Python that the lock must serve: a pinned one, else that of ``requires-python``."""
        import re

        pinned = re.match(r"(?:cpython-?|==)?(\d+\.\d+)", self.config.python)
        bounds = re.findall(r">=?\s*(\d+\.\d+)", ",".join(p.requires_python for p in self.config.projects))
        lower = [pinned.group(1)] if pinned else bounds
        return max(lower, key=numbers) if lower else "3.8"

    def compile(self, path: str, before: "bytes | None", made_from: str, upgrade: bool) -> None:
        """Resolve all projects into one lock with hashes; the old versions are kept unless it is upgraded."""
        import re

        config, lines, options = self.config, [], []  # type: Configuration, list[str], list[str]
        for project in config.projects:
            extras = "[%s]" % ",".join(project.chosen("extras")) if project.chosen("extras") else ""
            if project.name:
                lines.append("%s%s @ %s" % (project.name, extras, file_url(project.folder)))
            elif project.is_package:
                lines.append("%s%s" % (file_url(project.folder), extras))
            for group in project.chosen("groups"):
                options += ["--group", "%s:%s" % (project.files[0], group)]
        new = os.path.join(self.aside, os.path.basename(path))
        wanted = os.path.join(self.aside, "requirements.in")
        write_atomically(wanted, os.fsencode("\n".join(lines)))
        if before and not upgrade:
            write_atomically(new, before)
        if path.endswith(".toml"):
            options += ["--format", "pylock.toml"]
            options += [word for p in config.projects if p.name for word in ("--no-emit-package", p.name)]
        else:
            options += ["--generate-hashes"]
        options += ["--python-version", self.lower_python(), "--python", self.python, "-o", new]
        self.uv.run("locking", "pip", "compile", "--universal", "--no-header", "--quiet", wanted, *options)
        text = re.sub(r"(?m)^\S+ @ file:.*\n(?:[ \t].*\n)*|^file:.*\n(?:[ \t].*\n)*", "", read_text(new))
        text = re.sub(r"\n# The following packages were excluded from the output:\n(# .*\n)*", "", text)
        write_atomically(path, os.fsencode("%s\n%s" % (made_from, text)), True)

    # installing

    def install(self) -> None:
        config, path = self.config, self.config.lock_path()
        if os.path.basename(path) == UV_LOCK:
            self.sync_project(os.path.dirname(path))
            return
        if not os.path.isfile(os.path.join(self.venv, "pyvenv.cfg")):
            self.uv.run("making the venv", "venv", "--quiet", "--python", self.python, self.venv)
        if not path:
            return
        python = ("--python", venv_python(self.venv))
        allow = ["--require-hashes", "--allow-empty-requirements"]
        self.uv.run("installing %s" % path, "pip", "sync", *(python + tuple(allow) + (path,)))
        packages = []  # type: list[str]
        for project in config.projects:
            if project.is_package:
                url = file_url(project.folder)  # with a name before it, uv reads its escapes as such
                wanted = "%s @ %s" % (project.name, url) if project.name else url
                packages += ["--editable", wanted] if project.editable else [wanted]
        if packages:
            self.uv.run(
                "installing the projects",
                "pip",
                "install",
                "--no-deps",
                "--reinstall",
                *(python + tuple(packages)),
            )
        if MADE_FROM.encode() not in (self.lock_content() or b""):
            for project in config.projects:
                self.check_foreign_lock(path, project)

    def check_foreign_lock(self, path: str, project: Project) -> None:
        """Whether a lock that groundup did not write has all that a project declares.

        :raises KernelError: when something would have to be installed besides.
        """
        import subprocess

        words = ["pip", "install", "--dry-run", "--offline", "--python", venv_python(self.venv)]
        words += ["--requirements", project.files[0]] if project.table or project.is_package else []
        words += [word for name in project.chosen("extras") for word in ("--extra", name)]
        words += [
            w for name in project.chosen("groups") for w in ("--group", "%s:%s" % (project.files[0], name))
        ]
        options = {"cwd": self.config.root, "env": self.uv.environ, "stderr": subprocess.STDOUT}
        with Child([self.uv.program] + words, **options) as process:
            text = os.fsdecode(process.communicate()[0])
        missing = [line.strip() for line in text.split("\n") if line.startswith((" + ", " - ", " ~ "))]
        if process.returncode or missing:
            LOG.write("\n".join("  " + line.replace("error: ", "uv: ") for line in text.split("\n") if line))
            what = ", ".join(line for line in missing if line[0] == "+") or "see uv's words above"
            message = "%s, which groundup did not write, does not fit %s: %s" % (path, project.files[0], what)
            raise KernelError(message, "proto_kernel.py lock makes one that does")

    def sync_project(self, folder: str) -> None:
        python = self.found or ("" if "python_selector" not in self.config.values else self.python)
        request = ["--python", python or self.config.python] if python or self.config.python else []
        words = ["--all-packages", "--locked", "--project", folder] + request
        projects = self.config.projects
        for which, every in (("extras", "--all-extras"), ("groups", "--all-groups")):
            if all(getattr(project, which) is None for project in projects):
                words.append(every)
            else:
                words += ["--no-default-groups"] if which == "groups" else []
                chosen = sorted({name for project in projects for name in project.chosen(which)})
                words += [word for name in chosen for word in ("--" + which[:-1], name)]
        for project in projects:
            if project.name and not project.editable:
                words += ["--no-editable-package", project.name, "--reinstall-package", project.name]
        try:
            self.uv.run("installing uv.lock", "sync", *words)
        except LockStale:
            raise
        except KernelError:
            if not os.path.exists(venv_python(self.venv)):
                _ = self.python  # says so, better, where the reason is that no Python fits
            raise

    def write_shell_files(self) -> None:
        """Start-up files of shells: the user's own first, then the environment."""
        folder = os.path.join(self.venv, "groundup-shell")
        activate = ". %s\n" % quote(os.path.join(bin_folder(self.venv), "activate"))
        user = '[ ! -f "%s" ] || . "%s"\n'
        zdotdir = 'ZDOTDIR="${_GROUNDUP_ZDOTDIR:-$HOME}"\n'
        zsh = zdotdir + user % (("$ZDOTDIR/.zshrc",) * 2) + "unset _GROUNDUP_ZDOTDIR\n" + activate
        own = user % (("$_GROUNDUP_ENV",) * 2) + "unset _GROUNDUP_ENV\n"
        files = {"bashrc": user % (("$HOME/.bashrc",) * 2) + activate, "shrc": own + activate, ".zshrc": zsh}
        files[".zshenv"] = user % (("${_GROUNDUP_ZDOTDIR:-$HOME}/.zshenv",) * 2)
        for name, text in files.items():
            write_atomically(os.path.join(folder, name), os.fsencode(text))


def file_url(path: str) -> str:
    from urllib.parse import quote_from_bytes
    from urllib.request import pathname2url

    return "file:" + pathname2url(path) if WINDOWS else "file://" + quote_from_bytes(os.fsencode(path))


def quote(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"


# -- commands -----------------------------------------------------------------------------------------

KERNEL_COMMANDS = ("boot", "reboot", "lock", "run", "shell", "config", "check")
WITHOUT_ARGUMENTS = ("boot", "reboot", "lock", "shell", "check", "version", "help")
HELP = """groundup %s: this repository's environment, from any Python

usage: proto_kernel.py [OPTIONS] [COMMAND] [ARGUMENTS...]

commands:
  boot                       make the environment ready, reach the configured target (default)
  reboot                     upgrade the lock and build the environment from scratch
  lock                       write or update the lock, nothing else
  run [--] COMMAND...        become COMMAND in the environment
  shell                      become an interactive shell in the environment
  config [--json] [--explain]  print the effective configuration
  check                      is it ready, what would be done; exit 1 when it is not
  configured here: %s
  anything else              goes to the neo runtime; listed below when the environment is ready

options:
  --env NAME                 the environment to use; boot and reboot remember it
  --config NAME              read groundup.NAME.toml
  --locked                   a lock that does not fit is an error (so it is when CI is set)
  --offline                  no network
  -v, -vv, -q                say more, also tracebacks, only errors
  --version, -h, --help"""


def ready(kernel: str, given: Input) -> Stamp:
    """The stamp of the environment, which is built when it is not ready."""
    stamp = warm_stamp(kernel, given)
    if stamp is None:
        stamp = prepare(kernel, given)
    return stamp


def enter(stamp: Stamp, argv: "list[str]") -> "NoReturn":
    become(argv, environment_of(stamp.values["venv"]))


def has_neo(venv: str) -> bool:
    return os.path.exists(os.path.join(bin_folder(venv), "groundup" + (".exe" if WINDOWS else "")))


def no_neo(what: str, near: str = "") -> KernelError:
    message = "%s belongs to the neo runtime, and groundup is not installed in this environment" % what
    hint = "add groundup to the dependencies of a project, or see --help"
    return KernelError(message, "did you mean %r? else " % near + hint if near else hint, 2)


def boot(kernel: str, given: Input, reboot: bool = False) -> None:
    """Make ready, remember ``--env``, then reach the configured target."""
    stamp = prepare(kernel, given, True) if reboot else ready(kernel, given)
    if given.env_origin == "--env":
        remember(stamp.values["root"], given.env)
    if has_neo(stamp.values["venv"]):
        neo(stamp, ["reach"] + (["-q"] if given.verbosity < 0 else []) + [stamp.values["target"]])
    if stamp.values["target"] != "ready":
        raise no_neo("the target %r" % stamp.values["target"])
    LOG.say("ready: %s" % stamp.values["venv"])


def neo(stamp: Stamp, arguments: "list[str]") -> "NoReturn":
    offline = ["--offline"] if LOG.offline else []
    enter(stamp, [venv_python(stamp.values["venv"]), "-I", "-m", "groundup"] + offline + arguments)


def other(kernel: str, given: Input) -> None:
    """A configured command, else a command of the neo runtime."""
    stamp = ready(kernel, given)
    commands = stamp.commands()
    if given.command in commands:
        os.chdir(stamp.values["root"])
        enter(stamp, commands[given.command] + given.arguments)
    if not has_neo(stamp.values["venv"]):
        near = nearest(given.command, list(KERNEL_COMMANDS) + list(commands))
        raise no_neo("the command %r" % given.command, near)
    neo(stamp, [given.command] + given.arguments)


def run(kernel: str, given: Input) -> None:
    words = given.arguments[1:] if given.arguments[:1] == ["--"] else given.arguments
    if not words:
        raise KernelError("run needs a command", "for example: proto_kernel.py run -- python -V", 2)
    enter(ready(kernel, given), words)


def shell(venv: str) -> "NoReturn":
    """Become an interactive shell that read the user's own settings first."""
    files, environ = os.path.join(venv, "groundup-shell"), environment_of(venv)
    program = os.environ.get("SHELL") or ("powershell" if WINDOWS else "/bin/sh")
    name = os.path.basename(program).lower().replace(".exe", "")
    argv = [program, "-i"]
    if name == "bash":
        argv = [program, "--rcfile", os.path.join(files, "bashrc"), "-i"]
    elif name == "zsh":
        environ.update(_GROUNDUP_ZDOTDIR=os.environ.get("ZDOTDIR", ""), ZDOTDIR=files)
    elif name == "fish":
        script = os.path.join(bin_folder(venv), "activate.fish").replace("\\", "\\\\").replace("'", "\\'")
        argv = [program, "-i", "-C", "source '%s'" % script]
    elif name in ("pwsh", "powershell"):
        script = os.path.join(bin_folder(venv), "activate.ps1").replace("'", "''")
        argv = [program, "-NoLogo", "-NoExit", "-Command", ". '%s'" % script]
    else:
        environ.update(_GROUNDUP_ENV=os.environ.get("ENV", ""), ENV=os.path.join(files, "shrc"))
    become(argv, environ)


def show_config(kernel: str, given: Input) -> int:
    """Print the effective configuration: as text, as JSON, or with the origin of each value."""
    import json

    unknown = [word for word in given.arguments if word not in ("--json", "--explain")]
    if unknown:
        raise KernelError("config: unknown argument %s" % unknown[0], "known: --json, --explain", 2)
    found = Configuration(kernel, given)
    values = masked(found.as_dict())
    explained = {}  # type: dict[str, tuple[Any, str, str]]
    for keys, value in leaves(values, ()):
        explained[".".join(keys)] = (value,) + origin_of(found, keys)
    if "--json" in given.arguments and "--explain" in given.arguments:
        out(as_json({k: {"value": v, "leap": leap, "from": f} for k, (v, leap, f) in explained.items()}))
    elif "--json" in given.arguments:
        out(as_json(values))
    else:
        for name, (value, leap, place) in explained.items():
            line = "%s = %s" % (name, json.dumps(value, ensure_ascii=False))
            out("%-50s # %s: %s" % (line, leap, place) if "--explain" in given.arguments else line)
    return 0


def as_json(value: "Any") -> str:
    """JSON with the true characters of ``native`` texts."""
    import json

    text = os.fsencode(json.dumps(value, ensure_ascii=False)).decode("utf-8", "surrogateescape")
    return json.dumps(json.loads(text), indent=2)


def masked(value: "Any") -> "Any":
    """A value for printing: secrets hidden in texts, and after options of a command that are named so."""
    if isinstance(value, dict):
        return {key: "***" if is_secret_name(key, item) else masked(item) for key, item in value.items()}
    if isinstance(value, float) and value - value != 0:
        return str(value)  # JSON knows neither nan nor inf
    if isinstance(value, list):
        before = [""] + value
        hidden = [isinstance(word, str) and is_secret_option(word) for word in before]
        return [
            "***" if hidden[n] and isinstance(item, str) else masked(item) for n, item in enumerate(value)
        ]
    return mask(value) if isinstance(value, str) else value


def is_secret_name(name: str, value: "Any") -> bool:
    return isinstance(value, str) and mask(name + "=x").endswith("***")


def is_secret_option(word: str) -> bool:
    return word.startswith("--") and mask(word + " x").endswith(" ***")


def leaves(value: "Any", keys: "tuple[str, ...]") -> "Iterator[tuple[tuple[str, ...], Any]]":
    if isinstance(value, dict) and value:
        for key, item in value.items():
            yield from leaves(item, keys + (key,))
    else:
        yield keys, value


def origin_of(found: Configuration, keys: "tuple[str, ...]") -> "tuple[str, str]":
    if keys[0] == "env" and found.env:
        return ("input" if found.given.env else "derived"), found.env_origin
    if keys[0] == "python" and "python" not in found.values:
        return "derived", found.python_origin
    return found.origin(*keys)


def check(kernel: str, given: Input) -> int:
    """Say whether the environment is ready, and what would be done; changes nothing."""
    warm = warm_stamp(kernel, given)
    found = None if warm else Configuration(kernel, given)
    if found is None or agreeing_stamp(found):
        out("ready")
        return 0
    stamp = read_stamp(found.venv)
    if is_marked(found.venv + ".lock"):
        out("not ready: a build of %s did not end; it would be built again" % found.venv)
    elif stamp is None:
        what = "replaced: groundup did not build it" if is_foreign(found.venv) else "built"
        out("not ready: %s would be %s" % (found.venv, what))
    else:
        changed = [r[1] for r in stamp.records if r[0] == "stat" and stat_or_none(r[1]) != r[2]]
        out(
            "not ready: %s would be brought up to date; changed: %s"
            % (found.venv, ", ".join(changed) or "values")
        )
    return 1


def write_lock(kernel: str, given: Input) -> int:
    SIGNALS.catch()
    found = Configuration(kernel, given)
    with FileLock(found.venv + ".lock") as held:
        build = Build(found, held)
        build.authenticate()
        build.ensure_lock(False, stale=not given.locked)
        build.check_lock()
    return 0


def show_help(kernel: str, given: Input) -> None:
    stamp = None
    try:
        found = Configuration(kernel, given)
        names = list(found.commands)
        stamp = warm_stamp(kernel, given) or agreeing_stamp(found)
    except (KernelError, OSError) as error:
        names = ["(unknown: %s)" % error]
    out(HELP % (__version__, ", ".join(names) or "none"))
    if stamp is not None and has_neo(stamp.values["venv"]):
        neo(stamp, ["--help"])


# -- the command line, and failures -------------------------------------------------------------------

MOVED = "make it writable, or set venv or GROUNDUP_HOME to a place that is"
OS_HINTS = {
    2: "is it a link to something that is gone? remove or correct it",
    13: MOVED,
    20: "a folder is needed there: move what is in its place",
    21: "a file is needed there: move what is in its place",
    28: "free some space and run again",
    30: MOVED,
    40: "a file is needed there, not a link: remove it",
}


def main(argv: "list[str] | None" = None) -> int:
    """Run the kernel's command line; returns the exit code where the process does not become another."""
    return guarded(lambda: dispatch(start(sys.argv[1:] if argv is None else argv), kernel_path()))


def kernel_path() -> str:
    try:
        return os.path.realpath(__file__)
    except OSError:
        raise KernelError("the current folder was removed", "change to a folder that exists")


def start(argv: "list[str]") -> Input:
    sys.path[:] = standard_path()
    given = parse_input(argv, dict(os.environ))
    LOG.verbosity, LOG.offline = given.verbosity, given.offline
    if sys.stdin is None or sys.stdout is None or sys.stderr is None:
        open_streams()
    return given


def dispatch(given: Input, kernel: str) -> int:
    if given.arguments and given.command in WITHOUT_ARGUMENTS:
        hint = "call it without: proto_kernel.py %s" % given.command
        if given.arguments[0][:1] == "-":
            words = (given.arguments[0], given.command)
            hint = "options stand before the command: proto_kernel.py %s %s" % words
        raise KernelError("%s takes no arguments: %s" % (given.command, " ".join(given.arguments)), hint, 2)
    if given.command == "version":
        out(__version__)
    elif given.command == "help":
        show_help(kernel, given)
    elif given.command == "reboot":
        boot(kernel, given, True)
    elif given.command in ("config", "check", "lock"):
        return {"config": show_config, "check": check, "lock": write_lock}[given.command](kernel, given)
    elif given.command == "shell":
        shell(ready(kernel, given).values["venv"])
    else:
        {"boot": boot, "run": run}.get(given.command, other)(kernel, given)
    return 0


def guarded(action: "Callable[[], int]") -> int:
    """Turn every failure into one ``error:`` and one ``hint:``, and an exit code."""
    path = sys.path[:]
    try:
        return action()
    except (Exception, KeyboardInterrupt) as error:
        return report(error)
    finally:
        sys.path[:] = path


def report(error: BaseException) -> int:
    """Print a failure as one ``error:`` and one ``hint:``; returns the exit code."""
    message, hint, code = str(error), "", 1
    if isinstance(error, KernelError):
        hint, code = error.hint, error.code
    elif isinstance(error, KeyboardInterrupt):
        code = 128 + (error.args[0] if error.args else 2)
        message, hint = (
            "interrupted" if code == 130 else "terminated",
            "run the same command again: it continues",
        )
    elif isinstance(error, OSError):
        message = "%s: %s" % (error.filename or "system", error.strerror or error)
        hint = OS_HINTS.get(error.errno or 0, "check the rights of this path")
    else:
        message = "unexpected %s: %s" % (type(error).__name__, error)
        hint = "this is a fault of groundup: run again with -vv and report what it prints"
    if LOG.verbosity >= 2:
        import traceback

        LOG.write("".join(traceback.format_exception(type(error), error, error.__traceback__)))
    LOG.write(paint("error:", "31") + " " + " ".join(message.split()))
    LOG.write(paint("hint:", "36") + " " + " ".join(hint.split()))
    return code


# -- for entry scripts --------------------------------------------------------------------------------

CALL = """
import sys
script, folder, module, function, target = sys.argv[1:6]
sys.argv = [script] + sys.argv[6:]
def fail(text, hint):
    sys.stderr.write("error: %s\\nhint: %s\\n" % (text, hint))
    sys.exit(2)
if target:
    from groundup.cli import main
    code = main(["reach", target])
    if code:
        sys.exit(code)
sys.path.append(folder)
try:
    found = __import__(module, fromlist=["*"])
except ModuleNotFoundError as error:
    if error.name is None or not (module + ".").startswith(error.name + "."):
        raise
    fail("there is no module %r in the environment or in %s" % (module, folder), "correct it in " + script)
for name in function.split("."):
    if not hasattr(found, name):
        fail("%s has no function %r" % (module, function), "correct it in " + script)
    found = getattr(found, name)
if not callable(found):
    fail("%s:%s is no function" % (module, function), "correct it in " + script)
sys.exit(found())
"""


def call_in_environment(place: str, config: "str | None", boots: bool) -> "NoReturn":
    called = "".join(sys.argv[:1])
    script = os.path.realpath(script_path())
    module, _, function = str(place).partition(":")

    def call() -> int:
        if not module or not function:
            raise KernelError("%r is not module:function" % place, "correct it in %s" % script, 2)
        given = start(["--config", str(config)] if config else [])
        stamp = ready(kernel_path(), given)
        venv, target = stamp.values["venv"], stamp.values["target"] if boots else ""
        if target and not has_neo(venv):
            if target != "ready":
                raise no_neo("the target %r" % target)
            target = ""
        words = [called, os.path.dirname(script), module, function, target]
        enter(stamp, [venv_python(venv), "-I", "-c", CALL] + words + sys.argv[1:])

    sys.exit(guarded(call))


def boot_env(place: str, *, config: "str | None" = None) -> "NoReturn":
    """Everything that ``boot`` does, then ``module:function`` in the environment; never returns.

    The function's return value is the exit code. ``config`` reads ``groundup.NAME.toml``.
    """
    call_in_environment(place, config, True)


def start_app(place: str, *, config: "str | None" = None) -> "NoReturn":
    """``module:function`` in the environment, which is built only when it is not ready; never returns."""
    call_in_environment(place, config, False)


def get_config(*, config: "str | None" = None) -> "dict[str, Any]":
    """The effective configuration; inside an environment, the one that it was built for.

    :raises KernelError: for a configuration that cannot be used.
    """
    stamp, kernel = read_stamp(sys.prefix), kernel_path()
    built_here = stamp is not None and (
        __name__ == "groundup.proto_kernel" or stamp.values["kernel"] == kernel
    )
    if stamp is not None and built_here and config in (None, stamp.values["config"]):
        import json

        return json.loads(stamp.values["values"])  # type: ignore[no-any-return]
    given = parse_input(["--config", config] if config else [], dict(os.environ))
    before = sys.path[:]
    sys.path[:] = standard_path()
    try:
        return Configuration(kernel, given).as_dict()
    finally:
        sys.path[:] = before
'''

KEPT = kept_code()
CODE = KEPT or compile("\n" * PROGRAM_LINE + PROGRAM, os.path.basename(__file__), "exec", 0, True, 2)
exec(CODE, globals())

if __name__ == "__main__":
    os._exit(main())  # nothing is left to do, and tearing the interpreter down takes as long as starting it
elif not KEPT and not sys.dont_write_bytecode:  # as Python keeps a module's; a main file leaves it to a build
    keep_code(CODE)

"""What is wrapped while runs go on does what it did, and is put back."""

from __future__ import annotations

import inspect
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from groundup.dag.output import Children, current, watching

ORIGINAL = (subprocess.Popen.__init__, threading.Thread.start, ThreadPoolExecutor.submit)


def methods() -> tuple[object, ...]:
    return (subprocess.Popen.__init__, threading.Thread.start, ThreadPoolExecutor.submit)


def python(script: str, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", script, *arguments], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_everything_is_put_back_when_the_last_run_ends() -> None:
    finders = list(sys.meta_path)
    first, second = watching(), watching()
    with first:
        assert not set(methods()) & set(ORIGINAL)
        second.__enter__()
    assert not set(methods()) & set(ORIGINAL)
    second.__exit__(None, None, None)
    assert methods() == ORIGINAL
    assert sys.meta_path == finders


def test_runs_begin_and_end_in_many_threads() -> None:
    barrier = threading.Barrier(8)
    missed = []

    def run() -> None:
        for _ in range(200):
            barrier.wait(20)
            with watching(), Children() as children:
                subprocess_class = subprocess.Popen.__init__
                if subprocess_class is ORIGINAL[0]:
                    missed.append(children)

    threads = [threading.Thread(target=run) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not missed
    assert methods() == ORIGINAL


def test_what_somebody_else_wrapped_meanwhile_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []
    with watching():
        ours: Any = subprocess.Popen.__init__

        def theirs(self: object, *arguments: object, **options: object) -> None:
            calls.append(arguments)
            ours(self, *arguments, **options)

        monkeypatch.setattr(subprocess.Popen, "__init__", theirs)
    subprocess.run(["true"], check=True)
    assert calls == [(["true"],)]


def test_the_class_stays_itself() -> None:
    class Special(subprocess.Popen[str]):
        def __init__(self, word: str) -> None:
            super().__init__(["echo", word], -1, None, None, subprocess.PIPE, text=True)

    signature = inspect.signature(subprocess.Popen)
    with watching(), Children() as children:
        assert inspect.signature(subprocess.Popen) == signature
        with Special("word") as special:
            assert isinstance(special, subprocess.Popen)
            assert special.communicate()[0] == "word\n"
        assert special.pid in children._known


def test_outside_of_states_nothing_changes() -> None:
    with watching():
        seen = []
        thread = threading.Thread(target=lambda: seen.append(current.get()))
        thread.start()
        thread.join()
        assert subprocess.run(["echo", "x"], capture_output=True, check=True).stdout == b"x\n"
        assert seen == [None]


def test_errors_of_a_start_are_those_of_the_class() -> None:
    with watching(), Children():
        with pytest.raises(FileNotFoundError, match="no-such-command"):
            subprocess.run(["/no-such-command"], check=True)
        with pytest.raises(TypeError, match="unexpected keyword"):
            subprocess.Popen(["true"], colour="green")  # type: ignore[call-overload]
        with pytest.raises(ValueError, match="capture_output"):
            subprocess.run(["true"], capture_output=True, stdout=subprocess.PIPE, check=True)


def test_a_thread_of_a_subclass_runs_its_own_code() -> None:
    class Worker(threading.Thread):
        def run(self) -> None:
            self.running = current.get()

    with watching(), Children():
        here = current.get()
        worker = Worker()
        worker.start()
    worker.join()
    assert worker.running is here is not None


def test_errors_in_a_pool_arrive() -> None:
    with watching(), Children(), ThreadPoolExecutor() as pool:
        assert pool.submit(divmod, 7, 2).result() == (3, 1)
        assert pool.submit(sorted, [1, 2], reverse=True).result() == [2, 1]
        with pytest.raises(ZeroDivisionError):
            pool.submit(divmod, 1, 0).result()


IMPORTED_LATER = """
import sys
from groundup.dag.output import Children, Running, watching
names = ("subprocess", "asyncio", "multiprocessing", "concurrent.futures", "tempfile")
loaded = [name for name in names if name in sys.modules]
assert not loaded, loaded
with watching(), Running(Children()) as running:
    with Running(Children()):
        import subprocess
    process = subprocess.Popen(["sleep", "600"])
running.children.end()
print(process.wait(10))
import inspect
assert "class Popen" in inspect.getsource(subprocess)
assert type(subprocess.__spec__.loader) is type(subprocess.__loader__) is type(inspect.__loader__)
print(subprocess.Popen.__init__.__qualname__, hasattr(subprocess.Popen.__init__, "__wrapped__"))
"""


def test_a_module_that_a_state_imports_is_wrapped_then() -> None:
    assert python(IMPORTED_LATER) == "-15\nPopen.__init__ False\n"


IN_A_POOL = """
import sys
from groundup.dag.output import Children, Running, watching
with watching(), Running(Children()) as running:
    from concurrent.futures import ThreadPoolExecutor
    from subprocess import Popen
    with ThreadPoolExecutor() as pool:
        process = pool.submit(Popen, ["sleep", "600"]).result()
running.children.end()
print(process.wait(10))
"""


def test_a_module_of_a_package_that_a_state_imports_is_wrapped_too() -> None:
    assert python(IN_A_POOL) == "-15\n"


IMPORT_IN_PROGRESS = """
import sys, threading
from groundup.dag.output import watching

half_way, go_on = threading.Event(), threading.Event()

class Finder:
    def find_spec(self, name, path=None, target=None):
        if name == "selectors":  # which subprocess imports
            half_way.set()
            go_on.wait(20)

def run():
    with watching():
        wrapped.append(hasattr(sys.modules["subprocess"].Popen.__init__, "__wrapped__"))

wrapped = []
sys.meta_path.insert(0, Finder())
threads = [threading.Thread(target=__import__, args=("subprocess",)), threading.Thread(target=run)]
threads[0].start()
half_way.wait(20)
threads[1].start()
threads[1].join(0.2)
go_on.set()
for thread in threads:
    thread.join()
print(wrapped, hasattr(sys.modules["subprocess"].Popen.__init__, "__wrapped__"))
"""


def test_a_module_that_another_thread_is_importing_is_wrapped() -> None:
    assert python(IMPORT_IN_PROGRESS) == "[True] False\n"

"""Whether the owner of a container lives: another process is never taken for it."""

import os
import subprocess
import sys
from dataclasses import replace

from groundup.execution.container.owner import LABEL, Owner


def test_labels_tell_the_owner() -> None:
    here = Owner.here()
    assert LABEL in here.labels()
    assert Owner.of(here.labels()) == here
    assert here.pid == str(os.getpid())
    assert all(vars(here).values())


def test_this_process_is_not_dead() -> None:
    assert not Owner.here().is_dead()


def test_a_process_that_has_ended_is_dead() -> None:
    process = subprocess.Popen([sys.executable, "-I", "-c", "input()"], stdin=subprocess.PIPE)
    owner = replace(Owner.here(), pid=str(process.pid))
    assert process.stdin
    process.stdin.close()
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    assert owner.is_dead()  # not yet waited for
    process.wait()
    assert owner.is_dead()


def test_another_process_with_the_same_id_is_not_the_owner() -> None:
    assert replace(Owner.here(), started="1").is_dead()


def test_an_earlier_boot_of_this_machine_is_over() -> None:
    assert replace(Owner.here(), boot="another").is_dead()


def test_what_cannot_be_seen_is_not_dead() -> None:
    here = Owner.here()
    assert not replace(here, machine="another", boot="another").is_dead()
    assert not replace(here, namespace="pid:[1]", started="1").is_dead()
    assert not Owner.of({}).is_dead()

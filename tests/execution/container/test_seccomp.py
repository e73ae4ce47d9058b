"""The filter of system calls that Podman gets: as its own, with less."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest

from groundup.execution.container.engine import Engine
from groundup.execution.container.seccomp import PROFILES, seccomp_options, tightened
from tests.support.requirements import require
from tests.support.users import User

PROFILE: dict[str, Any] = {
    "defaultAction": "SCMP_ACT_ERRNO",
    "syscalls": [
        {"names": ["read", "clone", "clone3", "unshare", "mount"], "action": "SCMP_ACT_ALLOW", "args": []},
        {"names": ["setns"], "action": "SCMP_ACT_ALLOW", "includes": {"caps": ["CAP_SYS_ADMIN"]}},
    ],
}


def rules_of(profile: dict[str, Any], name: str) -> list[dict[str, Any]]:
    return [rule for rule in profile["syscalls"] if name in rule["names"]]


def test_what_is_allowed_stays_allowed() -> None:
    before = copy.deepcopy(PROFILE)
    (read,) = rules_of(tightened(PROFILE), "read")
    assert read == {"names": ["read"], "action": "SCMP_ACT_ALLOW", "args": []}
    assert before == PROFILE


@pytest.mark.parametrize("name", ["mount", "setns", "keyctl", "clone3"])
def test_what_is_closed_is_refused(name: str) -> None:
    (rule,) = rules_of(tightened(PROFILE), name)
    assert (rule["action"], rule["errnoRet"]) == ("SCMP_ACT_ERRNO", 38 if name == "clone3" else 1)


@pytest.mark.parametrize("name", ["clone", "unshare"])
def test_no_namespace_is_made(name: str) -> None:
    (rule,) = rules_of(tightened(PROFILE), name)
    (argument,) = rule["args"]
    user_namespace, fork = 0x10000000, 17  # CLONE_NEWUSER, SIGCHLD
    assert user_namespace & argument["value"] != argument["valueTwo"]
    assert fork & argument["value"] == argument["valueTwo"]


def test_it_is_made_of_the_profile_of_this_machine(user: User, engine: Engine) -> None:
    options = seccomp_options(engine)
    if engine.name == "docker":
        assert options == []  # its own filter does that
        return
    require(any(path.is_file() for path in PROFILES), "Podman's profile")
    (option,) = options
    path = option.removeprefix("seccomp=")
    with open(path, encoding="utf-8") as file:  # noqa: PTH123
        assert rules_of(json.load(file), "read")
    assert seccomp_options(engine) == options

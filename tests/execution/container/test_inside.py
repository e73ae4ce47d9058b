"""Signs of a container that this process runs in."""

from pathlib import Path

import pytest

from groundup.execution.container import IsolatedExecutionRuntime, inside
from groundup.execution.container.engine import Engine
from groundup.execution.container.inside import inside_container
from tests.support.containers import write_all

ID = "4f0c0d9e3b4c9f1f0e6f7d7bb1f3b5e8a5b0f0c6d1d2e3f4a5b6c7d8e9f0a1b2"
MACHINE = {
    "proc/1/cgroup": "12:cpu:/init.scope\n0::/init.scope\n",
    "proc/self/mountinfo": "22 1 8:1 / / rw - ext4 /dev/sda1 rw\n",
    "etc/os-release": "",
}
CONTAINERS = {
    "Docker": {".dockerenv": ""},
    "Podman": {"run/.containerenv": 'engine="podman-4.3.1"'},
    "Kubernetes": {"var/run/secrets/kubernetes.io/serviceaccount/token": "x"},
    "cgroup v1": {"proc/1/cgroup": f"11:memory:/docker/{ID}\n"},
    "cgroup v1 by systemd": {"proc/1/cgroup": f"1:name=systemd:/system.slice/docker-{ID}.scope\n"},
    "pod": {"proc/1/cgroup": "0::/kubepods/besteffort/pod1/x\n"},
    "crio": {"proc/1/cgroup": f"0::/machine.slice/libpod-{ID}.scope/container\n"},
    "cgroup v2": {
        "proc/1/cgroup": "0::/\n",
        "proc/self/mountinfo": f"6 1 8:1 /var/lib/docker/containers/{ID}/hostname /etc/hostname rw - xfs x\n",
    },
    "containerd": {
        "proc/self/mountinfo": "1 2 8:1 /var/lib/kubelet/pods/1/etc-hosts /etc/hosts rw - ext4 x rw\n"
    },
}


@pytest.mark.parametrize("name", CONTAINERS)
def test_each_sign_is_seen(name: str, tmp_path: Path) -> None:
    assert inside_container(write_all(tmp_path, MACHINE | CONTAINERS[name])) is not None


def test_a_machine_is_none(tmp_path: Path) -> None:
    assert inside_container(write_all(tmp_path, MACHINE)) is None
    assert inside_container(tmp_path / "empty") is None


def test_a_machine_with_an_engine_is_none(tmp_path: Path) -> None:
    """The word docker alone says nothing."""
    machine = {
        "proc/1/cgroup": "0::/system.slice/docker.service\n",
        "proc/self/mountinfo": "9 1 0:5 / /var/lib/docker/overlay2/x/merged rw - overlay overlay rw\n",
    }
    assert inside_container(write_all(tmp_path, machine)) is None


LOOK = """
import os
os.makedirs("/tmp/part/proc/self")
os.symlink("/proc/self/mountinfo", "/tmp/part/proc/self/mountinfo")
print(inside_container())
print(inside_container(Path("/tmp/part")))
"""


def test_real_containers_are_seen_also_by_their_mounts_alone(
    runtime: IsolatedExecutionRuntime, engine: Engine
) -> None:
    """With cgroup v2 and a file system of its own on /run, nothing else is left."""
    source = Path(inside.__file__).read_bytes() + LOOK.encode()
    by_all, by_mounts = runtime.run_script(source).stdout.splitlines()
    assert by_all == "/.dockerenv" or (engine.name == "podman" and by_all.startswith("/"))
    assert by_mounts == "/proc/self/mountinfo"

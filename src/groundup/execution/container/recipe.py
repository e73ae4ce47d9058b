"""What a container is made of: everything that a run may use, and nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from groundup.execution.container.config import ContainerConfig
from groundup.execution.container.engine import Engine
from groundup.execution.container.owner import Owner
from groundup.execution.container.seccomp import seccomp_options

WORK = "/work"
_NOFILE = 1024  # descriptors of a process
_NPROC = 4096  # processes of the user, on all of the machine
_CPUS = 2


@dataclass(frozen=True)
class Bind:
    """A file or folder of this machine, and where it is in the container."""

    source: Path
    target: str
    writable: bool = False


@dataclass(frozen=True)
class Recipe:
    """How a container is made.

    :param image: what identifies the image.
    :param user: ``uid:gid``.
    :param work: the working folder.
    :param private_work: whether the working folder belongs to the container alone, and goes with it.
    """

    image: str
    user: str
    binds: tuple[Bind, ...] = ()
    work: str = WORK
    private_work: bool = True
    network: bool | str = False

    def arguments(self, engine: Engine, config: ContainerConfig) -> dict[str, Any]:
        """Return the arguments of the SDK's ``create_container``, without name, command and variables."""
        return {
            "image": self.image,
            "user": self.user,
            "working_dir": self.work,
            "labels": {**config.labels, **Owner.here().labels()},
            "stdin_open": True,
            "detach": False,
            "hostname": config.hostname,
            "platform": config.platform,
            "host_config": self._host_config(engine, config),
            "networking_config": None,
        }

    def _host_config(self, engine: Engine, config: ContainerConfig) -> Any:
        import docker.types

        config_of = engine.api.create_host_config
        cpus = config.cpus or min(_CPUS, engine.processors)
        return config_of(
            mounts=[_mount(docker.types.Mount, bind) for bind in (*self.binds, *_extra(config))],
            tmpfs=self._tmpfs(engine, config),
            read_only=True,
            cap_drop=["ALL"],
            security_opt=["no-new-privileges", *seccomp_options(engine)],
            ipc_mode="private",
            network_mode=_network(self.network),
            mem_limit=config.memory,
            memswap_limit=config.memory,
            nano_cpus=int(cpus * 1e9),
            cpuset_cpus=config.cpuset_cpus,
            pids_limit=config.pids,
            shm_size=config.shm_size,
            ulimits=_ulimits(engine, config),
            log_config=docker.types.LogConfig(type="none"),
            device_requests=_gpus(config),
            devices=config.devices or None,
            group_add=config.group_add or None,
            dns=config.dns or None,
            extra_hosts=config.extra_hosts or None,
            runtime=config.runtime,
            userns_mode="keep-id" if engine.name == "podman" and engine.is_rootless else None,
        )

    def _tmpfs(self, engine: Engine, config: ContainerConfig) -> dict[str, str]:
        sizes = {"/tmp": config.tmp_size}  # noqa: S108 - the container's own
        if self.private_work:
            sizes[self.work] = config.work_size
        if any(bind.target.startswith("/root/") for bind in self.binds):
            sizes["/root"] = 2**20  # where the image's own lets nobody pass
        # Docker gives them the mode of a folder that is there already, Podman knows no owner.
        uid, _, gid = self.user.partition(":")
        owner = "mode=1777" if engine.name == "podman" else f"mode=1777,uid={uid},gid={gid}"
        return {path: f"rw,nosuid,nodev,exec,{owner},size={size}" for path, size in sizes.items()}


def _extra(config: ContainerConfig) -> list[Bind]:
    return [Bind(each.source.resolve(), str(each.target), each.writable) for each in config.mounts]


def _mount(kind: Any, bind: Bind) -> Any:
    # Private: what is mounted later on this machine does not appear in the container.
    return kind(
        bind.target, str(bind.source), type="bind", read_only=not bind.writable, propagation="rprivate"
    )


def _network(network: bool | str) -> str:
    if isinstance(network, str):
        return network
    return "bridge" if network else "none"


def _ulimits(engine: Engine, config: ContainerConfig) -> list[Any]:
    import docker.types

    limits = {"core": (0, 0), "fsize": (config.file_size,) * 2, "nofile": (_NOFILE, _NOFILE)}
    if engine.name == "podman":  # whose own default is more than some machines allow
        limits["nproc"] = (_NPROC, _NPROC)
    limits |= {name: (limit.soft, limit.hard) for name, limit in config.ulimits.items()}
    return [docker.types.Ulimit(name=name, soft=soft, hard=hard) for name, (soft, hard) in limits.items()]


def _gpus(config: ContainerConfig) -> list[Any] | None:
    import docker.types

    if config.gpus is None:
        return None
    which: dict[str, Any] = {"count": -1}
    if isinstance(config.gpus, int):
        which = {"count": config.gpus}
    elif config.gpus != "all":
        which = {"device_ids": config.gpus}
    return [docker.types.DeviceRequest(capabilities=[["gpu"]], **which)]

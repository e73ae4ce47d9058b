"""Projects and scripts in a sandbox: what a run gives, sees, may write, and how it ends."""

import json
import os
import signal
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from groundup import ExecutionFailed, ExecutionResult, SandboxExecutionRuntime, create_execution_runtime
from groundup.config.trees import remove_tree
from groundup.errors import UserError
from groundup.execution.sandbox import SandboxError
from groundup.projects import create_project
from tests.support.requirements import require
from tests.support.users import User, requiring


@pytest.fixture(params=["project", "script", "bytes"])
def way(request: pytest.FixtureRequest) -> str:
    """Each of the three ways to run the same source."""
    return str(request.param)


def run(
    runtime: SandboxExecutionRuntime, way: str, user: User, source: str, *args: str, **options: object
) -> ExecutionResult:
    """Run `source` as a project, as a file, or as bytes."""
    if way == "project":
        create_project(user.script(source), force=True)
        return runtime.run_project("hello", *args, **options)  # type: ignore[arg-type]
    script = user.script(source) if way == "script" else source.encode()
    return runtime.run_script(script, *args, **options)  # type: ignore[arg-type]


def test_a_run_gives_a_result(runtime: SandboxExecutionRuntime, way: str, user: User) -> None:
    source = requiring("beta", "gamma") + "import beta, gamma, sys; beta.main(); print(sys.argv[1:])\n"
    result = run(runtime, way, user, source, "one", "two words")
    assert result.stdout == "beta with alpha 1.1\n['one', 'two words']\n"
    assert (result.exit_code, result.stderr, result.phase) == (0, "", "run")
    assert result.environment == runtime.environment == "sandbox:bubblewrap"


def test_the_factory_makes_one(runtime: SandboxExecutionRuntime) -> None:
    made = create_execution_runtime("sandbox", memory="2 GiB", processes=7)
    assert isinstance(made, SandboxExecutionRuntime)
    assert (made.limits.memory, made.limits.processes, made.network) == (2**31, 7, False)
    with pytest.raises(UserError, match="no limit 'procesess'") as raised:
        create_execution_runtime("sandbox", procesess=7)
    assert raised.value.hint == "did you mean 'processes'?"
    with pytest.raises(UserError, match=r"python_tag='3\.12' is for containers"):
        create_execution_runtime("sandbox", "3.12")


def test_failures_are_those_of_the_script(runtime: SandboxExecutionRuntime, way: str, user: User) -> None:
    with pytest.raises(ExecutionFailed, match="failed with exit code 3") as failed:
        run(runtime, way, user, "import sys; print('out'); print('bwrap: err', file=sys.stderr); sys.exit(3)")
    assert (failed.value.result.stdout, failed.value.result.stderr) == ("out\n", "bwrap: err\n")
    killed = run(runtime, way, user, "import os; os.kill(os.getpid(), 9)", check=False)
    assert killed.exit_code == 128 + signal.SIGKILL


def test_a_script_cannot_pretend_that_there_is_no_sandbox(
    runtime: SandboxExecutionRuntime, user: User
) -> None:
    source = b"import sys; print('bwrap: Creating new namespace failed', file=sys.stderr); sys.exit(1)"
    assert runtime.run_script(source, check=False).exit_code == 1


def test_it_sees_nothing_but_what_it_needs(runtime: SandboxExecutionRuntime, way: str, user: User) -> None:
    (user.home / "other").write_text("")
    source = """
import json, os, pwd, socket, sys
print(json.dumps({
    "/": sorted(os.listdir("/")), "/tmp": os.listdir("/tmp"), ".": os.listdir("."), "cwd": os.getcwd(),
    "ids": [os.getuid(), os.getgid(), os.getgroups()], "name": pwd.getpwuid(os.getuid()).pw_name,
    "host": socket.gethostname(), "descriptors": len(os.listdir("/proc/self/fd")),
    "variables": sorted(os.environ), "init": open("/proc/1/environ").read(),
    "others": len([name for name in os.listdir("/proc") if name.isdigit()]),
    "home": os.path.exists(sys.argv[1]),
}))
"""
    seen = json.loads(run(runtime, way, user, source, str(user.home / "other")).stdout)
    assert {"usr", "proc", "dev", "work"} <= set(seen["/"])
    assert not {"home", "sys", "var", "mnt", "boot", "media", "srv"} & set(seen["/"])
    assert (seen["."], seen["cwd"], seen["home"]) == ([], "/work", False)
    assert (seen["ids"][:2], seen["name"], seen["host"]) == ([1000, 1000], "sandbox", "sandbox")
    assert set(seen["ids"][2]) <= {1000, 65534}
    assert seen["descriptors"] == 4  # one is that of the listing
    assert (seen["init"], seen["others"]) == ("", 2)
    assert seen["variables"] == ["HOME", "LANG", "PATH", "PWD", "TMPDIR"]


@pytest.mark.parametrize("folder", ["/", "/dev", "/etc", "/run", "/usr/lib", "/proc/sys/kernel"])
def test_it_writes_nowhere_but_in_its_folders(
    runtime: SandboxExecutionRuntime, folder: str, user: User
) -> None:
    source = b"import os, sys\nos.open(sys.argv[1] + '/mine', os.O_CREAT | os.O_WRONLY)"
    refused = runtime.run_script(source, folder, check=False)
    assert refused.exit_code == 1
    assert "OSError" in refused.stderr or "Error: [Errno" in refused.stderr
    for own in ("/work", "/tmp", "/dev/shm"):  # noqa: S108
        assert runtime.run_script(source, own).ok


def test_env_and_stdin(runtime: SandboxExecutionRuntime, way: str, user: User) -> None:
    source = "import os; print(os.environ['MINE'], os.environ['LD_PRELOAD'], os.environ['PWD'], input())"
    env = {"MINE": "ä=1\n2", "LD_PRELOAD": ""}
    result = run(runtime, way, user, source, env=env, stdin="line\n")
    assert result.stdout == "ä=1\n2  /work line\n"


def test_a_null_byte_is_no_way_to_more_options(runtime: SandboxExecutionRuntime, user: User) -> None:
    secret = user.home / "secret"
    secret.write_text("secret")
    source = f"print(open({str(secret)!r}).read())".encode()
    with pytest.raises(SandboxError, match="null byte"):
        runtime.run_script(source, env={"X": f"\0--bind\0{user.home}\0{user.home}"})


def test_a_file_as_stdin_is_read_from_where_it_is_and_never_written(
    runtime: SandboxExecutionRuntime, user: User
) -> None:
    file = user.home / "input"
    file.write_text("first\nsecond\n")
    file.chmod(0o666)
    source = b"""
import os, sys
print(sys.stdin.read(), flush=True)
os.write(os.open("/proc/self/fd/0", os.O_RDWR | os.O_TRUNC), b"overwritten")
"""
    with file.open("rb", buffering=0) as opened:
        opened.seek(6)
        result = runtime.run_script(source, stdin=opened, check=False)
    assert result.stdout == "second\n\n"
    assert file.read_text() == "first\nsecond\n"


def test_variables_of_the_script_do_not_act_on_what_starts_it(
    runtime: SandboxExecutionRuntime, user: User
) -> None:
    """A library of that name is looked for by every program that has the variable."""
    result = runtime.run_script(b"print('here')", env={"LD_PRELOAD": "/work/mine.so", "PYTHONHOME": "/work"})
    assert result.stdout == "here\n"
    assert result.stderr.count("mine.so") == 1


def test_the_callers_folder_is_written_and_belongs_to_the_caller(
    runtime: SandboxExecutionRuntime, way: str, user: User, tmp_path: Path
) -> None:
    work = tmp_path / "work"
    work.mkdir()
    (work / "input").write_text("in")
    (work / "input").chmod(0o600)
    source = """
import os
open("output", "w").write(open("input").read() + "out")
os.mkdir("folder"); os.symlink("/etc/passwd", "folder/link")
print(os.getcwd())
"""
    assert run(runtime, way, user, source, cwd=work).stdout == f"{work}\n"
    assert (work / "output").read_text() == "inout"
    owners = {path.lstat().st_uid for path in (work, *work.rglob("*"))}
    assert owners == {os.getuid()}
    assert Path("/etc/passwd").stat().st_uid == 0


def test_folders_of_others_are_given_back(
    runtime: SandboxExecutionRuntime, user: User, tmp_path: Path
) -> None:
    require(os.geteuid() == 0, "root")
    work = tmp_path / "work"
    (work / "deep").mkdir(parents=True)
    for path, owner in ((work, 4321), (work / "deep", 5432)):
        os.chown(path, owner, owner)
    assert runtime.run_script(b"open('deep/new', 'w')", cwd=work).ok
    owners = [path.stat().st_uid for path in (work, work / "deep", work / "deep/new")]
    assert owners == [4321, 5432, 4321]


def test_no_run_nests_folders_too_deeply_for_its_caller(
    runtime: SandboxExecutionRuntime, user: User, tmp_path: Path
) -> None:
    work = tmp_path / "work"
    work.mkdir()
    deep = b"import os\nfor _ in range(1200): os.mkdir('in'); os.chdir('in')"
    try:
        assert runtime.run_script(deep, cwd=work).ok
        assert runtime.run_script(b"print('again')", cwd=work).stdout == "again\n"
    finally:
        remove_tree(work)


def test_runs_in_one_folder_at_the_same_time(
    runtime: SandboxExecutionRuntime, user: User, tmp_path: Path
) -> None:
    work = tmp_path / "work"
    work.mkdir()
    source = b"import sys, time; time.sleep(0.2); open(sys.argv[1], 'w')"
    with ThreadPoolExecutor() as pool:
        runs = [pool.submit(runtime.run_script, source, str(number), cwd=work) for number in range(4)]
    assert all(each.result().ok for each in runs)
    assert {path.stat().st_uid for path in (work, *work.iterdir())} == {os.getuid()}


@pytest.mark.parametrize("folder", ["/usr", "/usr/lib", "/etc", "/proc", "/dev"])
def test_the_system_is_not_given_away(runtime: SandboxExecutionRuntime, folder: str, user: User) -> None:
    """To belong to somebody else, even for a moment, takes programs their setuid bits."""
    require(os.geteuid() == 0, "root")
    require(Path(folder).is_dir() and not Path(folder).is_symlink(), folder)
    with pytest.raises(UserError, match=f"{folder} belongs to the system"):
        runtime.run_script(b"", cwd=folder)


@pytest.mark.parametrize("name", ["network", "build"])
@pytest.mark.parametrize("value", ["no", "false", "none", 0, None])
def test_what_opens_a_sandbox_is_said_by_true_alone(name: str, value: object) -> None:
    with pytest.raises(UserError, match=f"{name}={value!r} is not possible for a sandbox") as raised:
        create_execution_runtime("sandbox", **{name: value})  # type: ignore[arg-type]
    assert raised.value.hint == "True or False"


@pytest.mark.parametrize("folder", ["home", ".", "groundup", "/"])
def test_the_home_is_not_a_working_folder(
    runtime: SandboxExecutionRuntime, folder: str, user: User, tmp_path: Path
) -> None:
    (tmp_path / "groundup").mkdir(exist_ok=True)
    with pytest.raises(SandboxError, match="cannot be shown in a sandbox") as raised:
        runtime.run_script(b"", cwd=tmp_path / folder)
    assert raised.value.reason == "files"


def test_the_script_is_where_it_is_and_alone(runtime: SandboxExecutionRuntime, user: User) -> None:
    script = user.script(
        "import os; print(__file__, sorted(os.listdir(os.path.dirname(__file__))))", "secret name.py"
    )
    script.chmod(0o600)
    (user.home / "beside.py").write_text("")
    assert runtime.run_script(script).stdout == f"{script} ['secret name.py']\n"
    link = user.home / "link.py"
    link.symlink_to(script)
    assert runtime.run_script(link).stdout == f"{link} ['link.py', 'secret name.py']\n"


def test_a_script_that_is_a_pipe(runtime: SandboxExecutionRuntime, user: User) -> None:
    read, write = os.pipe()
    os.write(write, b"print(__file__)")
    os.close(write)
    assert runtime.run_script(f"/dev/fd/{read}").ok
    os.close(read)


def test_paths_that_lead_up_are_followed_as_the_system_does(
    runtime: SandboxExecutionRuntime, user: User, tmp_path: Path
) -> None:
    for name in ("elsewhere/inner", "elsewhere/data", "data"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "link").symlink_to("elsewhere/inner")
    script = tmp_path / "data/script.py"
    script.write_text("open('made', 'w').write('x'); print(__file__)")
    up = tmp_path / "link/../data"
    result = runtime.run_script(tmp_path / "elsewhere/../data/script.py", cwd=up)
    assert result.stdout == f"{script}\n"
    assert (tmp_path / "elsewhere/data/made").exists()


def test_a_folder_behind_links(runtime: SandboxExecutionRuntime, user: User, tmp_path: Path) -> None:
    real = tmp_path / "real" / "work"
    real.mkdir(parents=True)
    (tmp_path / "link").symlink_to("real")
    source = b"import os; print(os.environ['PWD'], os.getcwd()); open('there', 'w')"
    result = runtime.run_script(source, cwd=tmp_path / "link" / "work")
    assert result.stdout == f"{tmp_path}/link/work {real}\n"
    assert (real / "there").exists()


def test_it_has_no_network_unless_it_is_asked_for(runtime: SandboxExecutionRuntime, user: User) -> None:
    source = b"import sys, urllib.request; print(urllib.request.urlopen(sys.argv[1], timeout=30).status)"
    address = user.index.url + "alpha/"
    assert (
        "Connection refused" in runtime.run_script(source, address, check=False).stderr
    )  # of its own loopback
    assert SandboxExecutionRuntime(network=True).run_script(source, address).stdout == "200\n"


def test_sockets_of_the_machine_are_out_of_reach_with_its_network(
    runtime: SandboxExecutionRuntime, user: User
) -> None:
    """Abstract ones belong to the network."""
    source = b"import socket; socket.socketpair(); print('pair', flush=True); socket.socket(socket.AF_UNIX)"
    refused = SandboxExecutionRuntime(network=True).run_script(source, check=False)
    assert (refused.stdout, refused.exit_code) == ("pair\n", 1)
    assert "Address family not supported" in refused.stderr
    assert runtime.run_script(source).ok


def test_usual_programs_work(runtime: SandboxExecutionRuntime, user: User) -> None:
    source = b"""
import asyncio, multiprocessing, ssl, sqlite3, subprocess, tempfile, threading, zoneinfo
from concurrent.futures import ProcessPoolExecutor
if __name__ == "__main__":
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("fork")) as pool:
        print(list(pool.map(abs, [-1, -2])))
    print(subprocess.run(["sh", "-c", "echo shell"], capture_output=True, text=True).stdout.strip())
    with tempfile.NamedTemporaryFile() as file:
        sqlite3.connect(file.name).execute("create table t (x)")
    async def main():
        process = await asyncio.create_subprocess_exec("cat", stdin=-1, stdout=-1)
        print((await process.communicate(b"async"))[0].decode())
    asyncio.run(main())
"""
    assert runtime.run_script(source).stdout == "[1, 2]\nshell\nasync\n"


def test_output_arrives_as_it_is_written(runtime: SandboxExecutionRuntime, user: User) -> None:
    pieces: list[str] = []
    source = b"import sys; sys.stdout.write('x' * 10**7); sys.stderr.write('y' * 10**6)"
    result = runtime.run_script(source, on_stdout=pieces.append)
    assert "".join(pieces) == result.stdout == "x" * 10**7
    assert len(result.stderr) == 10**6


def test_runs_at_the_same_time_have_their_own_limits(runtime: SandboxExecutionRuntime, user: User) -> None:
    few = SandboxExecutionRuntime(processes=8)
    source = b"""
import os, signal, sys, time
children = []
for _ in range(7):
    child = os.fork()
    if child == 0:
        signal.pause()
    children.append(child)
print("all", flush=True)
sys.stdin.read()
"""
    codes: list[int] = []
    read, write = os.pipe()

    def start() -> None:
        with os.fdopen(os.dup(read), "rb", buffering=0) as stdin:
            codes.append(few.run_script(source, stdin=stdin, on_stdout=lambda _: None).exit_code)

    threads = [threading.Thread(target=start) for _ in range(3)]
    for thread in threads:
        thread.start()
    os.close(write)
    for thread in threads:
        thread.join()
    os.close(read)
    assert codes == [0, 0, 0]


@pytest.mark.parametrize("project", ["../x", "/etc", "a/../b", "..", ".", "a/b", "", "-x"])
def test_ids_of_projects_are_plain_names(runtime: SandboxExecutionRuntime, project: str, user: User) -> None:
    with pytest.raises(UserError, match="not the id of a project"):
        runtime.run_project(project)

"""The hostile scripts."""

from __future__ import annotations

from tests.execution.escapes.attack import Attack

FILES = (
    Attack(name="read the home", body="assert open(world['secret_file']).read() == 'secret'"),
    Attack(name="list the home", body="assert 'secret.txt' in os.listdir(world['home'])"),
    Attack(
        name="read the home through others",
        body="""
roots = glob.glob("/proc/[0-9]*/root")
assert any(os.path.exists(root + world["secret_file"]) for root in roots)
""",
    ),
    Attack(name="read the passwords", body="assert 'root:' in open('/etc/shadow').read()", needs_root=True),
    Attack(name="write outside", body="open(world['outside'] + '/planted', 'w').write('x')"),
    Attack(name="write beside the working folder", body="open('../planted', 'w').write('x')"),
    Attack(name="link out", body="os.link(world['secret_file'], 'secret')"),
    Attack(
        name="follow a link out",
        body="os.symlink(world['secret_file'], 'link'); assert open('link').read() == 'secret'",
    ),
    Attack(
        name="write into the system",
        body="os.open('/usr', os.O_TMPFILE | os.O_RDWR)",  # a file without a name
        needs_root=True,
    ),
    Attack(name="change the script", body="open(__file__, 'a').write('#')"),
    Attack(name="change the Python", body="open(os.__file__, 'a').write('')"),
    Attack(
        name="open by handle",
        body="""
handle = struct.pack("Ii", 128, 0) + bytes(128)
buffer, mount = ctypes.create_string_buffer(handle), ctypes.c_int()
call(libc.name_to_handle_at(-100, world["outside"].encode(), buffer, ctypes.byref(mount), 0))
root = os.open(world["outside"], os.O_RDONLY)
call(libc.open_by_handle_at(root, buffer, os.O_RDONLY))
""",
        needs_root=True,
    ),
)

SECRETS = (
    Attack(name="read the environment", body="assert os.environ['GROUNDUP_TEST_SECRET'] == 'secret'"),
    Attack(
        name="read the environment of others",
        body="""
found = []
for path in glob.glob("/proc/[0-9]*/environ"):
    try:
        found.append(b"GROUNDUP_TEST_SECRET=secret" in open(path, "rb").read())
    except OSError:
        pass
assert any(found)
""",
    ),
    Attack(name="read the command lines of others", body="open(f'/proc/{world[\"victim\"]}/cmdline')"),
)

NETWORK = (
    Attack(name="connect by tcp", body="socket.create_connection(('127.0.0.1', world['port']), 5)"),
    Attack(
        name="connect to a unix socket",
        body="socket.socket(socket.AF_UNIX).connect(world['unix_socket'])",
    ),
    Attack(
        name="connect to an abstract socket",
        body="socket.socket(socket.AF_UNIX).connect('\\0' + world['abstract_socket'])",
    ),
    Attack(name="see the interfaces", body="assert len(socket.if_nameindex()) > 1"),
    Attack(
        name="write raw packets",
        body="socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)",
        needs_root=True,
    ),
)

PROCESSES = (
    Attack(name="signal an outside process", body="os.kill(world['victim'], signal.SIGKILL)"),
    Attack(name="trace an outside process", body="call(libc.ptrace(16, world['victim'], None, None))"),
    Attack(name="read the memory of others", body="open(f'/proc/{world[\"victim\"]}/mem', 'rb')"),
    Attack(
        name="get the descriptors of others",
        body="other = os.pidfd_open(world['victim']); system_call(438, 438, other, 0, 0)",
    ),
    Attack(name="get a higher priority", body="os.setpriority(os.PRIO_PROCESS, 0, -5)", needs_root=True),
    Attack(
        name="put words into the terminal",
        body="""
inner, outer = os.openpty()
if os.fork() == 0:
    os.setsid()
    fcntl.ioctl(outer, termios.TIOCSCTTY, 0)
    try:
        fcntl.ioctl(outer, termios.TIOCSTI, b"x")
    except OSError:
        os._exit(1)
    os._exit(0)
assert os.wait()[1] == 0
""",
        needs_root=True,
    ),
)

RIGHTS = (
    Attack(
        name="mount",
        body="""
call(libc.mount(b"none", world["outside"].encode(), b"tmpfs", 0, None))
call(libc.umount2(world["outside"].encode(), 2))
""",
        needs_root=True,
    ),
    Attack(
        name="mount in the working folder",
        body="""
os.mkdir("here")
call(libc.mount(b"none", b"here", b"tmpfs", 0, None))
call(libc.umount2(b"here", 2))
""",
        needs_root=True,
    ),
    Attack(name="become root", body="os.setresuid(0, 0, 0); os.setgroups([0])", needs_root=True),
    Attack(
        name="become root by su", body="subprocess.run(['su', '-c', 'true'], check=True)", needs_root=True
    ),
    Attack(
        name="hold capabilities",
        body="""
status = open("/proc/self/status").read()
assert int(status.partition("CapEff:")[2].split()[0], 16)
""",
        needs_root=True,
    ),
    Attack(name="change the root", body="os.chroot('.')", needs_root=True),
    Attack(
        name="make a device",
        body="os.mknod('null', stat.S_IFCHR | 0o600, os.makedev(1, 3)); open('null')",
        needs_root=True,
    ),
    Attack(
        name="open a device of the machine",
        body="""
devices = [path for path in glob.glob("/dev/*") if stat.S_ISBLK(os.stat(path).st_mode)]
open((["/dev/mem", "/dev/kmsg", *devices])[-1], "rb")
""",
        needs_root=True,
    ),
    Attack(name="make a user namespace", body="call(libc.unshare(0x10000000))"),
    Attack(
        name="be born in a user namespace",
        body="""
child = system_call(56, 220, ctypes.c_ulong(0x10000000 | signal.SIGCHLD), None, None, None, None)
if child == 0:
    os._exit(0)
assert os.wait()[1] == 0
""",
    ),
    Attack(
        name="enter the namespace of others",
        body="call(libc.setns(os.open(f'/proc/{world[\"victim\"]}/ns/uts', os.O_RDONLY), 0))",
        needs_root=True,
    ),
    Attack(
        name="set a parameter of the kernel",
        body="""
with open("/proc/sys/kernel/panic", "r+") as file:
    file.write(file.read())
""",
        needs_root=True,
    ),
    Attack(
        name="be spared when memory runs out",
        body="""
with open("/proc/self/oom_score_adj", "w") as file:
    file.write("0")
""",
    ),
    Attack(
        name="leave a program with the caller's rights",
        body="""
with open("program", "w") as file:
    os.fchmod(file.fileno(), 0o4755)
""",
    ),
    Attack(
        name="make a program with the caller's rights",
        body="os.close(os.open('program', os.O_CREAT | os.O_WRONLY, 0o6755))",
    ),
    Attack(name="name the machine", body="socket.sethostname(socket.gethostname())", needs_root=True),
    Attack(
        name="read the kernel's log",
        body="call(libc.klogctl(3, ctypes.create_string_buffer(64), 64))",
        needs_root=True,
    ),
    Attack(
        name="keep a key in the kernel",
        body="system_call(248, 217, b'user', b'groundup', b'x', 1, ctypes.c_long(-1))",  # of this thread
    ),
    Attack(
        name="watch the kernel",
        body="system_call(298, 241, bytes([1, 0, 0, 0, 128]).ljust(128, b'\\0'), 0, -1, -1, 0)",
    ),
    Attack(
        name="load a program into the kernel",
        body="system_call(321, 280, 0, struct.pack('IIIII', 2, 4, 4, 1, 0).ljust(128, b'\\0'), 128)",
        needs_root=True,
    ),
)

EATING = (
    Attack(
        name="start many processes",
        body="""
children = []
try:
    for _ in range(300):
        child = os.fork()
        if child == 0:
            signal.pause()
        children.append(child)
finally:
    for child in children:
        os.kill(child, signal.SIGKILL)
""",
        lifted="processes",
    ),
    Attack(
        name="start many threads",
        body="""
end = threading.Event()
threading.stack_size(2**16)
for _ in range(300):
    threading.Thread(target=end.wait, daemon=True).start()
""",
        lifted="processes",
    ),
    Attack(
        name="eat memory",
        body="""
eaten = []
for _ in range(16):
    eaten.append(b"x" * 2**26)
""",
        lifted="memory",
    ),
    Attack(
        name="eat shared memory",
        body="""
import mmap
eaten = []
for _ in range(16):
    eaten.append(mmap.mmap(-1, 2**26))
    eaten[-1].write(b"x" * 2**26)
""",
        lifted="memory",
    ),
    Attack(
        name="write a large file",
        body="os.truncate(os.open('large', os.O_CREAT | os.O_RDWR), 200 * 2**20)",
        lifted="file_size",
    ),
    Attack(
        name="write many files",
        body="""
for number in range(200):
    with open(str(number), "wb") as file:
        file.write(bytes(2**20))
""",
        lifted="disk",
    ),
    Attack(
        name="open many files",
        body="opened = [os.dup(0) for _ in range(300)]",
        lifted="open_files",
    ),
    Attack(
        name="use the processor",
        body="""
while time.process_time() < 3:
    pass
""",
        limits={"cpu_seconds": 1},
        lifted="cpu_seconds",
    ),
    Attack(
        name="keep files in memory",
        body="file = os.memfd_create('large'); [os.write(file, bytes(2**20)) for _ in range(100)]",
    ),
)

# Needs a limit that not every runtime has by default.
EAT_TOGETHER = Attack(
    name="eat memory together",
    body="""
children = []
for _ in range(4):
    child = os.fork()
    if child == 0:
        eaten = b"x" * 2**28
        os._exit(0 if len(eaten) == 2**28 else 1)
    children.append(child)
assert [os.waitpid(child, 0)[1] for child in children] == [0] * 4
""",
    limits={"total_memory": 2**27},
    lifted="total_memory",
)

ATTACKS = (*FILES, *SECRETS, *NETWORK, *PROCESSES, *RIGHTS, *EATING)

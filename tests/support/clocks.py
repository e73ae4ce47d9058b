"""Clocks that are wrong: for a process whose time of day a test moves, while real time goes on for others."""

from __future__ import annotations

import shutil
import struct
import subprocess
from pathlib import Path

from tests.support.requirements import require

# Time that only counts on, CLOCK_MONOTONIC, stays right: no machine lets it jump.
SOURCE = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>

static int64_t offset(void) {
    static volatile int64_t *shared;
    if (!shared) {
        int file = open(getenv("WRONG_CLOCK"), O_RDONLY);
        shared = mmap(0, sizeof *shared, PROT_READ, MAP_SHARED, file, 0);
    }
    return *shared;
}

int clock_gettime(clockid_t id, struct timespec *now) {
    int (*real)(clockid_t, struct timespec *) = dlsym(RTLD_NEXT, "clock_gettime");
    int failed = real(id, now);
    if (!failed && id == CLOCK_REALTIME) now->tv_sec += offset();
    return failed;
}

int gettimeofday(struct timeval *now, void *zone) {
    int (*real)(struct timeval *, void *) = dlsym(RTLD_NEXT, "gettimeofday");
    int failed = real(now, zone);
    if (!failed) now->tv_sec += offset();
    return failed;
}

time_t time(time_t *now) {
    struct timespec found;
    clock_gettime(CLOCK_REALTIME, &found);
    if (now) *now = found.tv_sec;
    return found.tv_sec;
}
"""


class WrongClock:
    """A clock that is as many seconds ahead as the test says; `variables` make it that of a process."""

    def __init__(self, folder: Path, seconds: int) -> None:
        compiler = shutil.which("cc")
        require(compiler, "a C compiler")
        source, library = folder / "clock.c", folder / "clock.so"
        source.write_text(SOURCE)
        subprocess.run([str(compiler), "-shared", "-fPIC", "-o", library, source, "-ldl"], check=True)
        self._offset = folder / "clock.offset"
        self._offset.touch()
        self.jump(seconds)
        self.variables = {"LD_PRELOAD": str(library), "WRONG_CLOCK": str(self._offset)}

    def jump(self, seconds: int) -> None:
        """Be so many seconds ahead from now on, or behind."""
        with self._offset.open("r+b") as file:
            file.write(struct.pack("=q", seconds))

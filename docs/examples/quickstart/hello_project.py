# /// script
# requires-python = ">=3.11"
# dependencies = ["humanize>=4.9"]
# ///
"""Tell what this machine has to offer. Its one dependency makes large numbers readable."""

import os
import platform
import shutil

import humanize

disk = shutil.disk_usage(".")

print(f"Python {platform.python_version()} on {platform.system()} {platform.machine()}")
print(f"{os.cpu_count()} cores")
print(
    f"{humanize.naturalsize(disk.free, binary=True)} of {humanize.naturalsize(disk.total, binary=True)} free"
)

"""The machine: commands on PATH, disks."""

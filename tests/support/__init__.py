"""What tests share: repositories to boot, processes to run, wheels to build, servers to fetch from."""

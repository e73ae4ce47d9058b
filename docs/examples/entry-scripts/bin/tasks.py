"""What the scripts in this folder do once they are in the environment."""

import sys


def welcome():
    """Tell what is ready."""
    print("ready:", sys.prefix)


def audit():
    """Runs in the environment of tools/audit; its exit code is what it returns."""
    import iniconfig

    print("auditing with", iniconfig.__name__)
    return 0

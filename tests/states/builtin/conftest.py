"""A user of git with a repository, and environments that have managers of hooks."""

from tests.support.git_user import config, home, repo, venvs

__all__ = ["config", "home", "repo", "venvs"]

"""What a script that is isolated may have installed: nothing that runs code of its choice outside."""

from __future__ import annotations

from dataclasses import replace

from groundup.errors import UserError
from groundup.projects.requirements import EnvironmentSpec

# What decides about versions and where wheels come from; mirrors of Python, for one, are none of it.
_HARMLESS = frozenset(
    (
        *("index", "index-url", "extra-index-url", "no-index", "find-links", "index-strategy"),
        *("sources", "no-sources", "no-sources-package", "dependency-metadata"),
        *("resolution", "fork-strategy", "prerelease", "exclude-newer", "exclude-newer-package"),
        *("constraint-dependencies", "override-dependencies", "exclude-dependencies"),
        *("environments", "required-environments", "conflicts"),
        *("no-build", "no-build-package", "no-binary", "no-binary-package"),
    )
)


def only_wheels(spec: EnvironmentSpec) -> EnvironmentSpec:
    """Return `spec` so that nothing is built from source, which would run code of packages.

    :raises UserError: the script has a setting for uv that could choose what runs.
    """
    for name in spec.uv:
        if name not in _HARMLESS:
            raise UserError(
                f"the script sets {name!r} for uv, which acts outside of its isolation",
                hint="take it out of the script's [tool.uv]; a sandbox with build=True trusts it",
            )
    return replace(spec, uv={**spec.uv, "no-build": True})

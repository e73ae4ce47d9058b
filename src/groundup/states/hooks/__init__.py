"""Git's hooks: where they belong, what belongs there, and what of it is groundup's own."""

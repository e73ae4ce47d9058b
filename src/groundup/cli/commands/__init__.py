"""The commands of the neo runtime: a module each, with a function that returns the exit code."""

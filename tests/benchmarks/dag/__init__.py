"""What a state costs that does nothing, against plain loops and other tools; and what a warm boot costs."""

from tests.benchmarks.dag.suite import benchmark

__all__ = ["benchmark"]

"""What things cost, as ratios and differences within one run; `run.py` is the entry."""

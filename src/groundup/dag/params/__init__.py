"""Parameters of states: what is given and where, what models make of it, and those of a run.

``source`` has no model and imports little; ``models`` validates; ``planned`` keeps what a run validated.
"""

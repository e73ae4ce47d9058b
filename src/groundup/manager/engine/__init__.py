"""What happens to node states, as pure functions: no SQL, no HTTP, no clock of its own.

Each transition takes the facts and returns :class:`~groundup.manager.engine.model.Effects`: what changes and
what is created. The caller applies them in one transaction.
"""

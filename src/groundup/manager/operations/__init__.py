"""What the state manager does: each operation joins engine and store in one transaction.

Every function takes a :class:`~groundup.manager.operations.context.Session` first, which is one transaction.
"""

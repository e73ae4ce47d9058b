"""The database of the state manager: schema, migrations, and every SQL statement."""

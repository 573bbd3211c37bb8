"""A real NetBox on loopback for tests and demonstrations, made from packages alone.

The walk: `interpreter` finds a Python, `cache` installs NetBox into a folder outside the checkout, `template` makes an
empty migrated database once, `server` starts a `keeper`, and the keeper runs PostgreSQL, Redis and NetBox for as long
as its starter lives. `fixtures` offers this to pytest, `__main__` to people.
"""

"""The database behind the ports: accounts, cases, search, jobs."""

from store.database import Database

__all__ = ["Database"]

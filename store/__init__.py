"""The database behind the ports: accounts, cases, search, jobs."""

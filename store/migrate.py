"""Brings the database to this program's schema at start, one process at a time."""

from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.util import CommandError

from contract.errors import StorageError
from store.engine import Engine

# Any number that no other program uses in the same PostgreSQL database: "teller" on a phone's keys.
_ADVISORY_LOCK = 835537


async def migrate(engine: Engine) -> None:
    """Apply the migrations that are missing, in one transaction.

    Raises:
        StorageError: the database is newer than this program, or refuses.
    """
    await engine.create_file()
    async with engine.write() as connection:
        if not engine.is_sqlite:
            await connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_ADVISORY_LOCK)))
        await connection.run_sync(upgrade)


def upgrade(connection: sa.Connection, to: str = "head") -> None:
    """Bring the database forward to the revision ``to``. Raises StorageError when it is beyond it."""
    try:
        command.upgrade(_config(connection), to)
    except CommandError as error:
        raise StorageError(f"the database does not fit this program: {error}") from error


def downgrade(connection: sa.Connection, to: str) -> None:
    """Bring the database back to the revision ``to``, for a program of before."""
    command.downgrade(_config(connection), to)


def _config(connection: sa.Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config

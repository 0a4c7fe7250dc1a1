"""The bank's own numbers of its people."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision: str | None = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go from 0002 to this schema; who is there has no number yet."""
    op.add_column("accounts", sa.Column("number", sa.Text(), nullable=False, server_default=""))

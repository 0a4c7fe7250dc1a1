"""When the archive was last told of each record's keeping, so that locks are renewed."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision: str | None = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go from the schema before to this one."""
    op.add_column("keeping", sa.Column("settled_at", sa.Double()))


def downgrade() -> None:
    """Go back; the times are lost, and every lock without a date is renewed at once afterwards."""
    op.drop_column("keeping", "settled_at")

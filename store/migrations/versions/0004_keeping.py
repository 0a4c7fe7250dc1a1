"""How each case is kept: its key, holds, when it is due, and the certificate of its deletion."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision: str | None = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go from 0003 to this schema; records from before have no key and lie plain in the archive."""
    op.create_table(
        "keeping",
        sa.Column("case", sa.Text(), nullable=False),
        sa.Column("tenant", sa.Text(), nullable=False),
        sa.Column("master", sa.Text(), nullable=False),
        sa.Column("wrapped", sa.LargeBinary(), nullable=False),
        sa.Column("held", sa.Boolean(), nullable=False),
        sa.Column("due_at", sa.Double()),
        sa.Column("settled", sa.Boolean(), nullable=False),
        sa.Column("erased_at", sa.Double()),
        sa.Column("certificate", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("case", name="pk_keeping"),
    )
    op.create_index("ix_keeping_due_at", "keeping", ["due_at"])
    op.create_index("ix_keeping_settled", "keeping", ["settled"])

"""Which two verdicts each case was given unseen."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision: str | None = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go from the schema before to this one."""
    op.add_column("cases", sa.Column("second_look", sa.Text(), nullable=False, server_default=""))
    op.create_index("ix_cases_second_look", "cases", ["second_look"])


def downgrade() -> None:
    """Go back; the pairs are lost, and come again with the journals."""
    op.drop_index("ix_cases_second_look", "cases")
    op.drop_column("cases", "second_look")

"""What routing knows of accounts; customers who came before or want to be called back."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision: str | None = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go from 0001 to this schema; the defaults fill the rows that are there."""
    for name in ("skills", "languages"):
        op.add_column("accounts", sa.Column(name, sa.JSON(), nullable=False, server_default="[]"))
    op.add_column("accounts", sa.Column("trained_until", sa.Double(), nullable=True))
    for name in ("pii_customer_ref", "pii_callback_phone", "pii_callback_wish"):
        op.add_column("cases", sa.Column(name, sa.Text(), nullable=False, server_default=""))
    op.add_column("cases", sa.Column("callback_at", sa.Double(), nullable=True))
    op.create_index("ix_cases_tenant_pii_customer_ref", "cases", ["tenant", "pii_customer_ref"])
    op.create_index("ix_cases_tenant_callback_at", "cases", ["tenant", "callback_at"])

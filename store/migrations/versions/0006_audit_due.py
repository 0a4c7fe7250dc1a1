"""Until when each case is to be signed, and which auditor has it before him."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision: str | None = "0005"
branch_labels = None
depends_on = None

_SEARCH = (
    "tenant", "created_at", "case", "phase", "outcome", "reason", "purpose", "agent", "gap_s", "archived",
)  # fmt: skip


def upgrade() -> None:
    """Go from the schema before to this one; cases under audit from before have no time."""
    op.add_column("cases", sa.Column("due_at", sa.Double(), nullable=True))
    op.create_index("ix_cases_due_at", "cases", ["due_at"])
    op.drop_index("ix_cases_search", "cases")
    op.create_index("ix_cases_search", "cases", [*_SEARCH, "due_at"])
    op.create_table(
        "audit_claims",
        sa.Column("case", sa.Text(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("until", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("case", name=op.f("pk_audit_claims")),
    )


def downgrade() -> None:
    """Go back; the times are lost, and come again with the journals."""
    op.drop_table("audit_claims")
    op.drop_index("ix_cases_search", "cases")
    op.create_index("ix_cases_search", "cases", list(_SEARCH))
    op.drop_index("ix_cases_due_at", "cases")
    op.drop_column("cases", "due_at")

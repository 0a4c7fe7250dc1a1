"""Words by which cases are found, filters answered from one index, and saved views."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision: str | None = "0003"
branch_labels = None
depends_on = None

_SEARCH = (
    "tenant", "created_at", "case", "phase", "outcome", "reason", "purpose", "agent", "gap_s", "archived",
)  # fmt: skip

_LISTED = ("agent", "phase", "outcome", "reason")


def upgrade() -> None:
    """Go from the schema before to this one; the words of old cases come with their journals."""
    op.add_column("cases", sa.Column("reason", sa.Text(), nullable=False, server_default=""))
    op.add_column("cases", sa.Column("words", sa.JSON(none_as_null=True), nullable=True))
    op.drop_index("ix_cases_tenant", "cases")
    op.drop_index("ix_cases_created_at", "cases")
    op.create_index("ix_cases_search", "cases", list(_SEARCH))
    for column in _LISTED:
        listed = ["tenant", column, "created_at", "case"]
        op.create_index(f"ix_cases_tenant_{column}_created_at", "cases", listed)
    verified = ["tenant", "archived", "created_at", "case", "gap_s"]
    op.create_index("ix_cases_tenant_archived_created_at", "cases", verified)
    op.create_table(
        "case_terms",
        sa.Column("term", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.Column("case", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("term", "created_at", "case", name=op.f("pk_case_terms")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "saved_views",
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("filters", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account"], ["accounts.account"], name=op.f("fk_saved_views_account_accounts")
        ),
        sa.PrimaryKeyConstraint("account", "name", name=op.f("pk_saved_views")),
    )


def downgrade() -> None:
    """Go back; words and views are lost, the words come again with the journals."""
    op.drop_table("saved_views")
    op.drop_table("case_terms")
    for column in (*_LISTED, "archived"):
        op.drop_index(f"ix_cases_tenant_{column}_created_at", "cases")
    op.drop_index("ix_cases_search", "cases")
    op.create_index("ix_cases_created_at", "cases", ["created_at"])
    op.create_index("ix_cases_tenant", "cases", ["tenant"])
    op.drop_column("cases", "words")
    op.drop_column("cases", "reason")

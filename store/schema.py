"""The tables. A change here needs a migration; a test compares the two."""

import sqlalchemy as sa

# Names must be stable on both engines, or a later migration cannot drop what an earlier one made.
METADATA = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)

TENANTS = sa.Table(
    "tenants",
    METADATA,
    sa.Column("tenant", sa.Text, primary_key=True),
    sa.Column("code", sa.Text, nullable=False, unique=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("walk_in", sa.Boolean(create_constraint=False), nullable=False),
)

ACCOUNTS = sa.Table(
    "accounts",
    METADATA,
    sa.Column("account", sa.Text, primary_key=True),
    sa.Column("tenant", sa.ForeignKey("tenants.tenant"), nullable=False),
    sa.Column("login", sa.Text, nullable=False),
    # The case-folded login: SQLite's own folding knows ASCII only.
    sa.Column("login_key", sa.Text, nullable=False, unique=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("role", sa.Text, nullable=False),
    sa.Column("password_hash", sa.Text, nullable=False),
    sa.Column("failed_logins", sa.Integer, nullable=False),
    sa.Column("locked_until", sa.Double, nullable=False),
    sa.Column("disabled", sa.Boolean(create_constraint=False), nullable=False),
    sa.Column("skills", sa.JSON, nullable=False),
    sa.Column("languages", sa.JSON, nullable=False),
    sa.Column("trained_until", sa.Double),
    sa.Column("number", sa.Text, nullable=False),
)

SESSIONS = sa.Table(
    "sessions",
    METADATA,
    sa.Column("token_sha256", sa.Text, primary_key=True),
    sa.Column("account", sa.ForeignKey("accounts.account"), nullable=False),
    sa.Column("created_at", sa.Double, nullable=False),
    sa.Column("seen_at", sa.Double, nullable=False),
    sa.Column("expires_at", sa.Double, nullable=False, index=True),
)

TICKETS = sa.Table(
    "redeemed_tickets",
    METADATA,
    sa.Column("ticket", sa.Text, primary_key=True),
    sa.Column("expires_at", sa.Double, nullable=False, index=True),
)

CASES = sa.Table(
    "cases",
    METADATA,
    sa.Column("case", sa.Text, primary_key=True),
    sa.Column("tenant", sa.Text, nullable=False),
    sa.Column("phase", sa.Text, nullable=False, index=True),
    sa.Column("purpose", sa.Text, nullable=False),
    sa.Column("policy", sa.Text, nullable=False),
    sa.Column("pii_customer_name", sa.Text, nullable=False),
    sa.Column("created_at", sa.Double, nullable=False),
    sa.Column("updated_at", sa.Double, nullable=False),
    sa.Column("last_seq", sa.Integer, nullable=False),
    sa.Column("agent", sa.Text),
    sa.Column("agent_name", sa.Text, nullable=False),
    sa.Column("call", sa.Text),
    sa.Column("call_end", sa.Text, nullable=False),
    sa.Column("call_s", sa.Double),
    sa.Column("outcome", sa.Text, nullable=False),
    sa.Column("case_end", sa.Text, nullable=False),
    sa.Column("face_verdict", sa.Text, nullable=False),
    sa.Column("face_score", sa.Double),
    sa.Column("id_verdict", sa.Text, nullable=False),
    sa.Column("gap_s", sa.Double),
    sa.Column("merged_file", sa.Text, nullable=False),
    sa.Column("manifest_sha256", sa.Text, nullable=False),
    sa.Column("archived", sa.Boolean(create_constraint=False), nullable=False),
    sa.Column("spool_released", sa.Boolean(create_constraint=False), nullable=False),
    sa.Column("audit_verdict", sa.Text, nullable=False),
    sa.Column("auditor", sa.Text),
    sa.Column("pii_customer_ref", sa.Text, nullable=False),
    sa.Column("pii_callback_phone", sa.Text, nullable=False),
    sa.Column("pii_callback_wish", sa.Text, nullable=False),
    sa.Column("callback_at", sa.Double),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("due_at", sa.Double, index=True),
    # Two verdicts that were given unseen, the first and the second; empty: no pair.
    sa.Column("second_look", sa.Text, nullable=False, index=True),
    # Keyed hashes of the words by which the case is found, beside those of its name; null: never told.
    sa.Column("words", sa.JSON(none_as_null=True)),
    # Column name -> sequence number of the entry that set it last.
    sa.Column("set_by", sa.JSON, nullable=False),
    sa.Index("ix_cases_tenant_pii_customer_ref", "tenant", "pii_customer_ref"),
    sa.Index("ix_cases_tenant_callback_at", "tenant", "callback_at"),
    # The cases with one value of a filter, in the order of the list.
    *(
        sa.Index(f"ix_cases_tenant_{column}_created_at", "tenant", column, "created_at", "case")
        for column in ("agent", "phase", "outcome", "reason")
    ),
    sa.Index("ix_cases_tenant_archived_created_at", "tenant", "archived", "created_at", "case", "gap_s"),
    # Every filter of a search is answered from this index alone.
    sa.Index(
        "ix_cases_search",
        "tenant", "created_at", "case", "phase", "outcome", "reason", "purpose", "agent", "gap_s", "archived",
        "due_at",
    ),
)  # fmt: skip

# By which words cases are found: hashes, each with its cases in the order of the list.
CASE_TERMS = sa.Table(
    "case_terms",
    METADATA,
    sa.Column("term", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("created_at", sa.Double, primary_key=True),
    sa.Column("case", sa.Text, primary_key=True),
    sqlite_with_rowid=False,
)

VIEWS = sa.Table(
    "saved_views",
    METADATA,
    sa.Column("account", sa.ForeignKey("accounts.account"), primary_key=True),
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("filters", sa.JSON, nullable=False),
)

# Which auditor has which case before him; short-lived, and no part of the record.
CLAIMS = sa.Table(
    "audit_claims",
    METADATA,
    sa.Column("case", sa.Text, primary_key=True),
    sa.Column("account", sa.Text, nullable=False),
    sa.Column("until", sa.Double, nullable=False),
)

JOBS = sa.Table(
    "jobs",
    METADATA,
    sa.Column("job", sa.Text, primary_key=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("case", sa.Text, nullable=False, index=True),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("attempt", sa.Integer, nullable=False),
    sa.Column("max_attempts", sa.Integer, nullable=False),
    sa.Column("progress", sa.Double, nullable=False),
    sa.Column("note", sa.Text, nullable=False),
    sa.Column("error", sa.Text, nullable=False),
    sa.Column("worker", sa.Text, nullable=False),
    sa.Column("args", sa.JSON, nullable=False),
    sa.Column("queued_at", sa.Double, nullable=False),
    sa.Column("started_at", sa.Double),
    sa.Column("finished_at", sa.Double),
    # From here on a worker may take it: when it is due, or when its worker's lease has run out.
    sa.Column("free_at", sa.Double, nullable=False),
    sa.Index("ix_jobs_state_free_at", "state", "free_at"),
)
# Written out, not bound: PostgreSQL matches ON CONFLICT with this index by the text of the condition.
NOT_DEAD = JOBS.c.state != sa.literal_column("'dead'")
sa.Index(
    "uq_jobs_kind_case_not_dead",
    JOBS.c.kind,
    JOBS.c.case,
    unique=True,
    sqlite_where=NOT_DEAD,
    postgresql_where=NOT_DEAD,
)

KEEPING = sa.Table(
    "keeping",
    METADATA,
    sa.Column("case", sa.Text, primary_key=True),
    sa.Column("tenant", sa.Text, nullable=False),
    # The wrapped key; both empty before the first archiving and after the key was destroyed.
    sa.Column("master", sa.Text, nullable=False),
    sa.Column("wrapped", sa.LargeBinary, nullable=False),
    sa.Column("held", sa.Boolean(create_constraint=False), nullable=False),
    sa.Column("due_at", sa.Double, index=True),
    sa.Column("settled", sa.Boolean(create_constraint=False), nullable=False, index=True),
    sa.Column("erased_at", sa.Double),
    sa.Column("certificate", sa.Text, nullable=False),
    # When the archive was last told; unknown of rows from before this column.
    sa.Column("settled_at", sa.Double),
)

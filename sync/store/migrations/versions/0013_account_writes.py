"""Accounts are written, too"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0013"
down_revision: str | None = "0012"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None


def _count(name: str, default: str, type_: type[sa.Integer] = sa.Integer) -> sa.Column[int]:
    return sa.Column(name, type_(), nullable=False, server_default=default)


def upgrade() -> None:
    jsonb = postgresql.JSONB(astext_type=sa.Text())
    op.create_table(
        "account_writes",
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("ref", "system")),
        *(_count("rev", "1", sa.BigInteger), _count("told_rev", "0", sa.BigInteger), _count("playbook", "0")),
        *(sa.Column("claimed_until", sa.DateTime(timezone=True), nullable=True), _count("attempts", "0")),
        *(sa.Column(name, jsonb, nullable=True) for name in ("intent", "outcome")),
        sa.Column("refused", jsonb, nullable=False, server_default="{}"),
        sa.PrimaryKeyConstraint("ref"),
    )
    op.create_index("account_writes_due", "account_writes", ["system", "claimed_until"], postgresql_where=sa.text("told_rev < rev"))
    op.create_index("account_writes_playbook", "account_writes", ["system", "playbook"])
    op.execute("INSERT INTO account_writes (ref, system) SELECT ref, system FROM accounts WHERE there")


def downgrade() -> None:
    op.drop_table("account_writes")

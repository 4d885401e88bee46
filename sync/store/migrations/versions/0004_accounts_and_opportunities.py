"""Accounts and opportunities: facts for decisions about leads"""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0004"
down_revision: str | None = "0003"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None


def _columns() -> list[sa.Column[object]]:
    return [
        sa.Column("ref", sa.Text(), nullable=False),
        sa.Column("system", sa.Text(), nullable=False),
        sa.Column("object", sa.Text(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=True),
        sa.Column("fields", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("there", sa.Boolean(), nullable=False),
        sa.Column("gone", sa.Text(), nullable=True),
        sa.Column("gone_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("became", sa.Text(), nullable=True),
    ]


def upgrade() -> None:
    there = sa.text("there")
    gin: dict[str, Any] = {"postgresql_using": "gin", "postgresql_with": {"fastupdate": "off"}, "postgresql_where": there}
    op.create_table(
        "accounts",
        *_columns(),
        sa.Column("domains", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("name_key", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("ref"),
    )
    op.create_index("accounts_domains", "accounts", ["domains"], unique=False, **gin)
    op.create_index(
        "accounts_name",
        "accounts",
        [sa.text("\"left\"(replace(name_key, ' ', ''), 6)"), sa.text("replace(name_key, ' ', '')")],
        unique=False,
        postgresql_where=there,
    )
    op.create_index("accounts_became", "accounts", ["became"], unique=False, postgresql_where=sa.text("became IS NOT NULL"))
    op.create_table(
        "opportunities",
        *_columns(),
        sa.Column("account_ref", sa.Text(), nullable=True),
        sa.Column("people", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("stage", sa.Text(), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("amount", sa.Double(), nullable=True),
        sa.PrimaryKeyConstraint("ref"),
    )
    op.create_index("opportunities_account", "opportunities", ["account_ref"], unique=False, postgresql_where=there)
    op.create_index("opportunities_people", "opportunities", ["people"], unique=False, **gin)


def downgrade() -> None:
    op.drop_table("opportunities")
    op.drop_table("accounts")

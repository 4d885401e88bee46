"""Turns that are fair to everyone who might have had them, and who was given what"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0005"
down_revision: str | None = "0004"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None


def upgrade() -> None:
    op.add_column("pools", sa.Column("number", sa.BigInteger(), server_default="0", nullable=False))
    op.add_column("pools", sa.Column("state", sa.JSON(), server_default="{}", nullable=False))
    op.drop_column("pools", "last")
    op.drop_column("pools", "counts")
    op.create_table(
        "turns",
        sa.Column("id", sa.BigInteger(), autoincrement=True, nullable=False),
        sa.Column("lead_id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("how", sa.Text(), nullable=False),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("playbook_version", sa.Integer(), nullable=False),
        sa.Column("passed_over", sa.JSON(), nullable=False),
        sa.Column("pool", sa.Text(), nullable=True),
        sa.Column("number", sa.BigInteger(), nullable=True),
        sa.Column("member", sa.Text(), nullable=True),
        sa.Column("by", sa.Text(), nullable=True),
        sa.Column("eligible", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("turns_pool", "turns", ["pool", "number"], unique=True, postgresql_where=sa.text("pool IS NOT NULL"))
    op.create_index("turns_owner", "turns", ["owner", "at"])
    op.create_index("turns_lead", "turns", ["lead_id"])


def downgrade() -> None:
    op.drop_table("turns")
    op.add_column("pools", sa.Column("last", sa.Text(), nullable=True))
    op.add_column("pools", sa.Column("counts", sa.dialects.postgresql.JSONB(), server_default="{}", nullable=False))
    op.drop_column("pools", "state")
    op.drop_column("pools", "number")

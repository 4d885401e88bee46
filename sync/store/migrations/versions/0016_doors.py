"""What came through doors, and visits of companies"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0016"
down_revision: str | None = "0015"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "deliveries",
        sa.Column("door", sa.Text(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("first_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False, server_default="1"),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.Column("rule", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("door", "id"),
    )
    op.create_index("deliveries_first", "deliveries", ["first_at"])
    op.create_table(
        "visits",
        sa.Column("door", sa.Text(), nullable=False),
        sa.Column("delivery", sa.Text(), nullable=False),
        sa.Column("domain", sa.Text(), nullable=False),
        sa.Column("company", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("pages", sa.Integer(), nullable=True),
        sa.Column("seconds", sa.Double(), nullable=True),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("told", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("door", "delivery"),
    )
    op.create_index("visits_domain", "visits", ["domain", "at"])
    op.create_index("visits_untold", "visits", ["at"], postgresql_where=sa.text("told_at IS NULL"))


def downgrade() -> None:
    op.drop_table("visits")
    op.drop_table("deliveries")

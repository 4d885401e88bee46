"""Copies of opportunities are written beside accounts"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0014"
down_revision: str | None = "0013"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None


def upgrade() -> None:
    op.add_column("account_writes", sa.Column("about", sa.Text(), nullable=False, server_default="account"))
    op.add_column("account_writes", sa.Column("record", sa.Text(), nullable=True))
    op.add_column("account_writes", sa.Column("again_at", sa.DateTime(timezone=True), nullable=True))
    op.drop_constraint("account_writes_pkey", "account_writes")
    op.create_primary_key("account_writes_pkey", "account_writes", ["ref", "system"])
    op.create_index("account_writes_again", "account_writes", ["system", "again_at"], postgresql_where=sa.text("again_at IS NOT NULL"))


def downgrade() -> None:
    op.execute("DELETE FROM account_writes WHERE about <> 'account'")
    op.drop_constraint("account_writes_pkey", "account_writes")
    op.create_primary_key("account_writes_pkey", "account_writes", ["ref"])
    op.drop_index("account_writes_again", "account_writes")
    for name in ("again_at", "record", "about"):
        op.drop_column("account_writes", name)

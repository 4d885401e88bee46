"""Accounts and copies: fields that go to and fro are left alone, and what lacked a user or a field is told once it is there"""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0017"
down_revision: str | None = "0016"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None
NEW: dict[str, sa.types.TypeEngine[Any]] = {
    "flips": postgresql.JSONB(astext_type=sa.Text()),
    "frozen": postgresql.JSONB(astext_type=sa.Text()),
    "lacks": postgresql.ARRAY(sa.Text()),
}


def upgrade() -> None:
    for name, type_ in NEW.items():
        op.add_column("account_writes", sa.Column(name, type_, nullable=False, server_default="{}"))
    op.create_index("account_writes_lacks", "account_writes", ["system"], postgresql_where=sa.text("lacks <> '{}'::text[]"))


def downgrade() -> None:
    op.drop_index("account_writes_lacks", "account_writes")
    for name in NEW:
        op.drop_column("account_writes", name)

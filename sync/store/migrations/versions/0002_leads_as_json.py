"""Leads as JSON: read and written whole, never searched"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0002"
down_revision: str | None = "0001"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None


def upgrade() -> None:
    op.alter_column(
        "leads", "doc", type_=sa.JSON(), existing_type=postgresql.JSONB(), existing_nullable=False, postgresql_using="doc::json"
    )


def downgrade() -> None:
    op.alter_column(
        "leads", "doc", type_=postgresql.JSONB(), existing_type=sa.JSON(), existing_nullable=False, postgresql_using="doc::jsonb"
    )

"""How each version of the playbook came into force, and what its preview said"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0003"
down_revision: str | None = "0002"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None


def upgrade() -> None:
    op.add_column("playbooks", sa.Column("how", sa.Text(), server_default="start", nullable=False))
    op.add_column("playbooks", sa.Column("moved", postgresql.JSONB(astext_type=sa.Text()), nullable=True))
    op.create_index("leads_held", "leads", ["id"], unique=False, postgresql_where=sa.text("held"))


def downgrade() -> None:
    op.drop_index("leads_held", table_name="leads")
    op.drop_column("playbooks", "moved")
    op.drop_column("playbooks", "how")

"""Leads, too, are told later what lacked a user or a field; problems of refused accounts and copies name their system"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0018"
down_revision: str | None = "0017"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None
# A refusal of an account or a copy was kept under `account:REF`; since it is `SYSTEM:account:REF`, nothing closed the old ones any more.
OLD = "kind = 'write_refused' AND closed_at IS NULL AND key IN ('account:' || ref, 'opportunity:' || ref)"
AGAIN = "SELECT FROM problems n WHERE n.kind = o.kind AND n.closed_at IS NULL AND n.key = o.system || ':' || o.key"


def upgrade() -> None:
    op.create_table(
        "lacks",
        sa.Column("lead_id", postgresql.UUID(as_uuid=False), nullable=False),
        sa.Column("system", sa.Text(), nullable=False),
        sa.Column("what", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("lead_id", "system", "what"),
    )
    op.create_index("lacks_what", "lacks", ["system", "what"])
    op.execute(f"UPDATE problems o SET closed_at = now() WHERE {OLD} AND (o.system IS NULL OR EXISTS ({AGAIN}))")
    op.execute(f"UPDATE problems o SET key = o.system || ':' || o.key WHERE {OLD}")


def downgrade() -> None:
    op.drop_table("lacks")

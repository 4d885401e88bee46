"""Tasks for reps in the CRM"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0011"
down_revision: str | None = "0010"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None


def _text(name: str, *, default: str | None = None) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), nullable=False, server_default=default)


def _count(name: str, default: str) -> sa.Column[int]:
    return sa.Column(name, sa.Integer(), nullable=False, server_default=default)


def _time(name: str, *, needed: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=not needed)


def upgrade() -> None:
    op.create_table(
        "tasks",
        *(_text("key"), sa.Column("lead_id", sa.UUID(as_uuid=False), nullable=False)),
        *(_text(name) for name in ("system", "owner", "subject")),
        *(_text("body", default=""), _time("due", needed=True), _text("state"), _text("rule", default="")),
        *(_count("rev", "1"), _count("told_rev", "0"), sa.Column("record_id", sa.Text(), nullable=True)),
        *(_time("tried_at"), _time("claimed_until"), _count("attempts", "0")),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("key"),
    )
    op.create_index("tasks_ready", "tasks", ["system", "due"], postgresql_where=sa.text("told_rev < rev"))
    op.create_index("tasks_lead", "tasks", ["lead_id"])


def downgrade() -> None:
    op.drop_table("tasks")

"""Who is there, as people say it, and what was given to somebody else in one run"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0010"
down_revision: str | None = "0009"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None


def _text(name: str, *, needed: bool = True, default: str | None = None) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), nullable=not needed, server_default=default)


def _time(name: str) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=True)


def _now(name: str) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False)


def upgrade() -> None:
    op.create_table(
        "presence",
        sa.Column("id", sa.BigInteger(), autoincrement=True, nullable=False),
        *(_text("person"), _text("kind"), sa.Column("since", sa.DateTime(timezone=True), nullable=False), _time("until")),
        *(_text("cover", needed=False), sa.Column("weight", sa.Double(), nullable=True)),
        sa.Column("caps", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        *(_text("why", default=""), _text("by"), _text("source"), _now("at"), _time("ended_at"), _text("ended_by", needed=False)),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("presence_person", "presence", ["person", "id"])
    op.create_index("presence_now", "presence", ["person"], postgresql_where=sa.text("ended_at IS NULL"))
    op.create_table(
        "reassignments",
        *(_text("run"), sa.Column("lead_id", sa.UUID(as_uuid=False), nullable=False)),
        sa.Column("handoff_id", sa.UUID(as_uuid=False), nullable=True),
        *(_text(name) for name in ("what", "before", "after", "clocks", "by")),
        *(_text("reason", default=""), _now("at"), _time("undone_at"), _text("undone_by", needed=False)),
        sa.PrimaryKeyConstraint("run", "lead_id"),
    )
    op.create_index("reassignments_at", "reassignments", ["at"])


def downgrade() -> None:
    op.drop_table("reassignments")
    op.drop_table("presence")

"""The ledger of hand-offs: their offers and legs, whom to tell, what was answered, and how far each system was read"""

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0009"
down_revision: str | None = "0008"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), nullable=False)


def _uuid(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.UUID(as_uuid=False), nullable=False)


def _count(name: str, kind: type[sa.Integer] = sa.Integer) -> sa.Column[int]:
    return sa.Column(name, kind(), nullable=False)


def _time(name: str, *, needed: bool = False) -> sa.Column[datetime]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=not needed)


def _now(name: str) -> sa.Column[datetime]:
    return sa.Column(name, sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False)


def upgrade() -> None:
    op.create_table(
        "handoffs",
        *(_uuid("id"), _uuid("lead_id"), _count("cycle")),
        *(_text(name) for name in ("kind", "sla", "priority", "segment", "pool", "route", "rule", "source", "state", "owner")),
        _time("opened_at", needed=True),
        *(_time(name) for name in ("known_at", "accepted_at", "worked_at", "closed_at")),
        *(_text("closed_as"), _text("reason"), _text("comment"), _count("playbook_version"), _now("updated_at")),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("handoffs_lead", "handoffs", ["lead_id", "cycle"])
    op.create_index("handoffs_open", "handoffs", ["owner"], postgresql_where=sa.text("closed_at IS NULL"))
    op.create_index("handoffs_opened", "handoffs", ["opened_at"])
    op.create_table(
        "offers",
        *(_uuid("handoff_id"), _count("n"), _uuid("lead_id"), _text("owner"), _text("rule"), _time("at", needed=True), _time("known_at")),
        *(sa.Column("ended", sa.Text(), nullable=True), _time("ended_at"), _text("reason"), _text("comment"), _text("by")),
        sa.PrimaryKeyConstraint("handoff_id", "n"),
    )
    op.create_index("offers_owner", "offers", ["owner", "at"])
    op.create_table(
        "legs",
        *(
            _uuid("handoff_id"),
            _text("leg"),
            _uuid("lead_id"),
            _text("owner"),
            _time("started_at", needed=True),
            _time("due_at", needed=True),
        ),
        *(_time("done_at"), _time("breached_at"), _text("cause"), _count("elapsed_ms", sa.BigInteger), _count("paused_ms", sa.BigInteger)),
        *(_count("within_ms", sa.BigInteger), _count("version")),
        sa.PrimaryKeyConstraint("handoff_id", "leg"),
    )
    op.create_index("legs_due", "legs", ["due_at"])
    op.create_index("legs_breached", "legs", ["breached_at"], postgresql_where=sa.text("breached_at IS NOT NULL"))
    op.create_table(
        "notices",
        *(_text("id"), _uuid("lead_id"), _uuid("handoff_id"), _count("offer"), _text("kind"), _text("person"), _time("at", needed=True)),
        sa.Column("data", postgresql.JSONB(), server_default="{}", nullable=False),
        *(_time("sent_at"), _time("claimed_until"), sa.Column("attempts", sa.Integer(), server_default="0", nullable=False)),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("notices_ready", "notices", [sa.text("coalesce(claimed_until, at)")], postgresql_where=sa.text("sent_at IS NULL"))
    op.create_index("notices_handoff", "notices", ["handoff_id", "offer"])
    op.create_table(
        "answers",
        *(_text("id"), sa.Column("lead_id", sa.UUID(as_uuid=False), nullable=True), sa.Column("ok", sa.Boolean(), nullable=False)),
        *(_text("text"), _now("at")),
        sa.PrimaryKeyConstraint("id"),
    )
    op.add_column("problems", sa.Column("owner", sa.Text(), nullable=True))
    op.add_column("problems", sa.Column("labels", postgresql.JSONB(), server_default="{}", nullable=False))
    op.add_column("cursors", _time("seen_until"))


def downgrade() -> None:
    op.drop_column("cursors", "seen_until")
    op.drop_column("problems", "labels")
    op.drop_column("problems", "owner")
    for name in ("answers", "notices", "legs", "offers", "handoffs"):
        op.drop_table(name)

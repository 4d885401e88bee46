"""Alerts: what is said together, what was said to whom, and what is done from time to time"""

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0012"
down_revision: str | None = "0011"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None


def _time(name: str, *, needed: bool = False) -> sa.Column[datetime]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=not needed)


def _text(name: str, *, needed: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), nullable=not needed)


def _count(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.Integer(), server_default="0", nullable=False)


def upgrade() -> None:
    _problems()
    op.create_table(
        "alert_groups",
        _text("id", needed=True),
        sa.Column("token", sa.Text(), server_default=sa.text("replace(gen_random_uuid()::text, '-', '')"), nullable=False),
        _text("route", needed=True),
        sa.Column("labels", postgresql.JSONB(), nullable=False),
        sa.Column("interval_s", sa.Integer(), nullable=False),
        _time("opened_at", needed=True),
        *(_time(name) for name in ("due_at", "last_at", "held_until", "snoozed_until")),
        _count("said"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("token"),
    )
    op.create_index("alert_groups_due", "alert_groups", ["due_at"], postgresql_where=sa.text("due_at IS NOT NULL"))
    _messages()
    op.create_table("alert_ticks", _text("name", needed=True), _time("at", needed=True), sa.PrimaryKeyConstraint("name"))


def _problems() -> None:
    for name in ("told_at", "end_told_at"):
        op.add_column("problems", _time(name))
    op.add_column("problems", _text("alert_group"))
    op.create_index("problems_ungrouped", "problems", ["id"], postgresql_where=sa.text("alert_group IS NULL AND closed_at IS NULL"))
    op.create_index("problems_in_group", "problems", ["alert_group"], postgresql_where=sa.text("closed_at IS NULL"))
    untold = sa.text("closed_at IS NOT NULL AND told_at IS NOT NULL AND end_told_at IS NULL")
    op.create_index("problems_end_untold", "problems", ["alert_group"], postgresql_where=untold)


def _messages() -> None:
    op.create_table(
        "alert_messages",
        _text("id", needed=True),
        *(_text(name) for name in ("group_id", "notice_id")),
        *(_text("say", needed=True), _text("channel", needed=True), _text("address"), _text("role", needed=True), _text("person")),
        sa.Column("data", postgresql.JSONB(), server_default="{}", nullable=False),
        sa.Column("state", sa.Text(), server_default="waiting", nullable=False),
        *(_time("at", needed=True), _time("ready_at", needed=True), _time("claimed_until"), _time("first_at"), _count("attempts")),
        sa.Column("unsure", sa.Boolean(), server_default="false", nullable=False),
        *(_count("copies"), _text("changes"), _time("sent_at"), _time("reported_at"), _time("answered_at"), _text("ref")),
        sa.Column("sent", postgresql.JSONB(), nullable=True),
        _text("words"),
        sa.PrimaryKeyConstraint("id"),
    )
    for name, columns, where in (
        ("ready", [sa.text("coalesce(claimed_until, ready_at)")], "state = 'waiting'"),
        ("group", ["group_id", "at"], "group_id IS NOT NULL"),
        ("notice", ["notice_id"], "notice_id IS NOT NULL"),
        ("unreported", ["id"], "state = 'sent' AND say = 'offered' AND reported_at IS NULL"),
        ("ref", ["channel", "ref"], "ref IS NOT NULL"),
    ):
        op.create_index(f"alert_messages_{name}", "alert_messages", columns, postgresql_where=sa.text(where))


def downgrade() -> None:
    for name in ("alert_ticks", "alert_messages", "alert_groups"):
        op.drop_table(name)
    for name in ("problems_end_untold", "problems_in_group", "problems_ungrouped"):
        op.drop_index(name, "problems")
    for name in ("alert_group", "end_told_at", "told_at"):
        op.drop_column("problems", name)

"""Who keeps an alert quiet is kept, and whether its readers see it"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0015"
down_revision: str | None = "0014"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None


def upgrade() -> None:
    op.add_column("alert_groups", sa.Column("snoozed_by", sa.Text(), nullable=True))
    op.add_column("alert_groups", sa.Column("snooze_shown", sa.Boolean(), nullable=False, server_default="true"))


def downgrade() -> None:
    op.drop_column("alert_groups", "snooze_shown")
    op.drop_column("alert_groups", "snoozed_by")

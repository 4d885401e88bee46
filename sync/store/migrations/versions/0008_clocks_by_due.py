"""What is overdue is found without looking at every clock"""

from collections.abc import Sequence

from alembic import op

revision: str = "0008"
down_revision: str | None = "0007"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None


def upgrade() -> None:
    op.create_index("clocks_due", "clocks", ["due_at"])


def downgrade() -> None:
    op.drop_index("clocks_due", "clocks")

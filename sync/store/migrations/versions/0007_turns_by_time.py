"""What a pool gave lately is found by its time, however long it has been giving"""

from collections.abc import Sequence

from alembic import op

revision: str = "0007"
down_revision: str | None = "0006"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None


def upgrade() -> None:
    op.create_index("turns_given", "turns", ["pool", "at"])


def downgrade() -> None:
    op.drop_index("turns_given", "turns")

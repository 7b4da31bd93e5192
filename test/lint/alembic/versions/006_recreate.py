"""a table made anew, in batch mode

Revision ID: 1a2b3c4d5e06
Revises: 1a2b3c4d5e05
Create Date: 2024-03-06 10:00:00.000000

"""
from alembic import op
import sqlalchemy as sa

revision = '1a2b3c4d5e06'
down_revision = '1a2b3c4d5e05'
branch_labels = None
depends_on = None

orders = sa.Table(
    'orders', sa.MetaData(),
    sa.Column('id', sa.BigInteger(), primary_key=True),
    sa.Column('account_id', sa.BigInteger(), nullable=False),
    sa.Column('total', sa.Numeric(12, 3), nullable=False),
    sa.Index('ix_orders_account_id', 'account_id'),
)


def upgrade() -> None:
    with op.batch_alter_table('orders', recreate='always', copy_from=orders) as batch_op:
        batch_op.alter_column('total', type_=sa.Float())
        batch_op.add_column(sa.Column('weight', sa.Integer()), insert_after='id')


def downgrade() -> None:
    pass

"""columns, in batch mode

Revision ID: 1a2b3c4d5e02
Revises: 1a2b3c4d5e01
Create Date: 2024-03-02 10:00:00.000000

"""
from alembic import op
import sqlalchemy as sa

revision = '1a2b3c4d5e02'
down_revision = '1a2b3c4d5e01'
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table('orders') as batch_op:
        batch_op.add_column(sa.Column('state', sa.Text(), server_default='new', nullable=False))
        batch_op.add_column(sa.Column('token', sa.Text(), server_default=sa.text('gen_random_uuid()')))
        batch_op.alter_column('total', existing_type=sa.Numeric(10, 2), type_=sa.Numeric(12, 3))
        batch_op.alter_column('note', existing_type=sa.Text(), nullable=False)
        batch_op.create_index('ix_orders_state', ['state'])
        batch_op.create_check_constraint('orders_total_positive', 'total >= 0')
        batch_op.drop_column('note')


def downgrade() -> None:
    pass

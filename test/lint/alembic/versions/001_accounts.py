"""accounts and orders

Revision ID: 1a2b3c4d5e01
Revises:
Create Date: 2024-03-01 10:00:00.000000

"""
from alembic import op
import sqlalchemy as sa

revision = '1a2b3c4d5e01'
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    account = op.create_table(
        'account',
        sa.Column('id', sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column('email', sa.Text(), nullable=False),
        sa.Column('plan', sa.Enum('free', 'paid', name='plan_kind'), nullable=False),
        sa.Column('created_at', sa.DateTime(timezone=True), server_default=sa.text('now()'), nullable=False),
        sa.PrimaryKeyConstraint('id'),
        sa.UniqueConstraint('email', name='account_email_key'),
    )
    orders = op.create_table(
        'orders',
        sa.Column('id', sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column('account_id', sa.BigInteger(), nullable=False),
        sa.Column('total', sa.Numeric(10, 2), nullable=False),
        sa.Column('note', sa.Text()),
        sa.ForeignKeyConstraint(['account_id'], ['account.id']),
        sa.PrimaryKeyConstraint('id'),
        comment="what was ordered; and by whom",
    )
    op.create_index('ix_orders_account_id', 'orders', ['account_id'])
    op.bulk_insert(account, [
        {'id': 1, 'email': "o'brien; -- %s :name@example.org", 'plan': 'free'},
        {'id': 2, 'email': 'line\nbreak \\ $$ @example.org', 'plan': 'paid'},
    ])
    op.bulk_insert(orders, [{'id': n, 'account_id': 1 + n % 2, 'total': n, 'note': 'note ; %d' % n} for n in range(1, 4)])


def downgrade() -> None:
    op.drop_table('orders')
    op.drop_table('account')

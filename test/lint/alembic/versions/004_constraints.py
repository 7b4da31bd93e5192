"""constraints, the hard way and the soft way

Revision ID: 1a2b3c4d5e04
Revises: 1a2b3c4d5e03
Create Date: 2024-03-04 10:00:00.000000

"""
from alembic import op
import sqlalchemy as sa

revision = '1a2b3c4d5e04'
down_revision = '1a2b3c4d5e03'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column('orders', sa.Column('parent_id', sa.BigInteger()))
    op.create_foreign_key('orders_parent_fkey', 'orders', 'orders', ['parent_id'], ['id'])
    op.execute('ALTER TABLE orders ADD CONSTRAINT orders_parent_soft FOREIGN KEY (parent_id) REFERENCES orders (id) NOT VALID')
    op.create_unique_constraint('orders_state_token_key', 'orders', ['state', 'token'])
    op.alter_column('account', 'email', existing_type=sa.Text(), type_=sa.String(200), postgresql_using='lower(email)')
    op.alter_column('account', 'plan', new_column_name='tariff', existing_type=sa.Text())
    op.rename_table('account', 'customer')
    op.drop_constraint('account_email_key', 'customer')


def downgrade() -> None:
    pass

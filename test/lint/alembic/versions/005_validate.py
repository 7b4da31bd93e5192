"""validate, and a function

Revision ID: 1a2b3c4d5e05
Revises: 1a2b3c4d5e04
Create Date: 2024-03-05 10:00:00.000000

"""
from alembic import op

revision = '1a2b3c4d5e05'
down_revision = '1a2b3c4d5e04'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute('ALTER TABLE orders VALIDATE CONSTRAINT orders_parent_soft')
    op.execute("""
        CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $body$
        BEGIN
            -- DROP TABLE orders; within the body
            NEW.note := 'it''s; done';
            RETURN NEW;
        END
        $body$
    """)
    with op.get_context().autocommit_block():
        op.execute("ALTER TYPE plan_kind ADD VALUE 'gold'")


def downgrade() -> None:
    pass

# env.py: offline mode only; -x each=yes makes each migration a transaction of its own
from alembic import context

context.configure(
    url='postgresql://',
    literal_binds=True,
    transaction_per_migration=context.get_x_argument(as_dictionary=True).get('each') == 'yes',
)
with context.begin_transaction():
    context.run_migrations()

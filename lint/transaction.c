/*-------------------------------------------------------------------------
 *
 * transaction.c
 *	  What goes on from one statement to the next: the transaction, the locks
 *	  that it holds, and the timeouts that are set.
 *
 *-------------------------------------------------------------------------
 */
#include "linter.h"

#include <stdio.h>
#include <string.h>

/* A new file: nothing is set, and the tool has begun a transaction or not. */
void
begin_file(Linter *linter, bool transactional)
{
	linter->transaction = (Transaction) {0};
	if (transactional)
	{
		linter->transaction.number = ++linter->transactions;
		linter->transaction.implicit = true;
	}
}

static void
begin_transaction(Check *check)
{
	Transaction *transaction = &check->linter->transaction;

	if (transaction->number == 0)
	{
		transaction->number = ++check->linter->transactions;
		transaction->timeout_before = transaction->timeout_session;
	}
	transaction->implicit = false;
	transaction->begin = check->statement;
}

static void
end_transaction(Linter *linter, bool commit)
{
	Transaction *transaction = &linter->transaction;

	if (transaction->number == 0)
		return;
	if (!commit)
	{
		catalog_roll_back(&linter->catalog, transaction->number);
		transaction->timeout_session = transaction->timeout_before;
	}
	transaction->number = 0;
	transaction->implicit = false;
	transaction->begin = NULL;
	transaction->lock = NULL;
	transaction->afterwards = NULL;
	transaction->timeout_local = false;
}

/* whether the value of a timeout lets statements wait for ever */
static bool
is_no_timeout(const Node *value)
{
	const Node *number = tree_path(value, "A_Const.ival");
	const Node *string = tree_path(value, "A_Const.sval.sval");

	if (number != NULL)
		return tree_number(number, "ival", 0) == 0;
	if (string != NULL && string->text != NULL)
	{
		const char *text = string->text + strspn(string->text, " ");

		text += *text == '-' ? 1 : 0;
		return *text != '\0' && strspn(text, "0") > 0 && !(text[strspn(text, "0.")] >= '1' && text[strspn(text, "0.")] <= '9');
	}
	return false;
}

static bool
is_timeout(const char *name)
{
	return same_word(name, "lock_timeout") || same_word(name, "statement_timeout");
}

static void
set_timeout(Transaction *transaction, bool local, bool on)
{
	if (!local)
		transaction->timeout_session = on;
	else if (transaction->number != 0)
		transaction->timeout_local = on;
}

static void
follow_set(Transaction *transaction, const Node *node)
{
	const char *kind = tree_text(node, "kind");
	const char *name = tree_text(node, "name");
	const Node *args = tree_get(node, "args");
	const Node *value = args != NULL ? args->child : NULL;
	bool		local = tree_flag(node, "is_local");
	bool		to_value = kind != NULL && strcmp(kind, "VAR_SET_VALUE") == 0;

	if (kind != NULL && strcmp(kind, "VAR_RESET_ALL") == 0)
		transaction->timeout_session = transaction->timeout_local = transaction->zone_set = false;
	else if (is_timeout(name))
		set_timeout(transaction, local, to_value && !is_no_timeout(value));
	else if (same_word(name, "timezone"))
	{
		const Node *zone = tree_path(value, "A_Const.sval.sval");

		transaction->zone_set = to_value;
		transaction->zone_utc = zone != NULL &&
			(same_word(zone->text, "UTC") || same_word(zone->text, "GMT") || same_word(zone->text, "Etc/UTC"));
	}
}

/* SELECT set_config('lock_timeout', '2s', false) */
static void
follow_set_config(Transaction *transaction, const Node *select)
{
	const Node *targets = tree_get(select, "targetList");

	for (const Node *item = targets != NULL ? targets->child : NULL; item != NULL; item = item->next)
	{
		const Node *call = tree_path(item, "ResTarget.val.FuncCall");
		const char *function = tree_last_name(tree_get(call, "funcname"));
		const Node *name = tree_get(call, "args");
		const Node *value;
		const Node *local;
		const Node *text;

		if (!same_word(function, "set_config") || name == NULL || name->child == NULL)
			continue;
		name = name->child;
		value = name->next;
		local = value != NULL ? value->next : NULL;
		text = tree_path(name, "A_Const.sval.sval");
		if (text != NULL && is_timeout(text->text))
			set_timeout(transaction, tree_flag(tree_path(local, "A_Const.boolval"), "boolval"), !is_no_timeout(value));
	}
}

/*
 * Take up what the statement does to the transaction and its settings.
 */
void
follow_transaction(Check *check)
{
	Linter	   *linter = check->linter;
	const char *kind = tree_text(check->node, "kind");

	if (strcmp(check->kind, "VariableSetStmt") == 0)
		follow_set(&linter->transaction, check->node);
	else if (strcmp(check->kind, "SelectStmt") == 0)
		follow_set_config(&linter->transaction, check->node);
	else if (strcmp(check->kind, "DiscardStmt") == 0 && tree_is(check->node, "target", "DISCARD_ALL"))
		linter->transaction.timeout_session = linter->transaction.zone_set = false;
	if (strcmp(check->kind, "TransactionStmt") != 0 || kind == NULL)
		return;
	if (strcmp(kind, "TRANS_STMT_BEGIN") == 0 || strcmp(kind, "TRANS_STMT_START") == 0)
		begin_transaction(check);
	else if (strcmp(kind, "TRANS_STMT_COMMIT") == 0 || strcmp(kind, "TRANS_STMT_PREPARE") == 0 ||
			 strcmp(kind, "TRANS_STMT_ROLLBACK") == 0)
	{
		end_transaction(linter, strcmp(kind, "TRANS_STMT_ROLLBACK") != 0);
		if (tree_flag(check->node, "chain"))
			begin_transaction(check);
	}
}

/* A command of psql: a new connection starts from nothing. */
void
follow_psql(Linter *linter, const char *command)
{
	size_t		length = strcspn(command + 1, " \t\r\n");

	if (same_word_n(command + 1, length, "c") || same_word_n(command + 1, length, "connect"))
	{
		bool		told = linter->transaction.timeout_told;

		end_transaction(linter, false);
		linter->transaction = (Transaction) {.timeout_told = told};
	}
}

/* Report a statement that no transaction block may hold. */
void
check_no_transaction(Check *check, const char *what)
{
	if (check->linter->transaction.number != 0)
		report(check, "not-in-transaction", check->statement->start, what);
}

/* whether the statement writes rows in bulk, and to which table */
static const Node *
bulk_target(const Check *check)
{
	if (strcmp(check->kind, "UpdateStmt") == 0 || strcmp(check->kind, "DeleteStmt") == 0 ||
		strcmp(check->kind, "MergeStmt") == 0)
		return tree_get(check->node, "relation");
	if (strcmp(check->kind, "InsertStmt") == 0)
	{
		const Node *select = tree_path(check->node, "selectStmt.SelectStmt");

		if (select != NULL && tree_get(select, "valuesLists") == NULL && tree_get(select, "fromClause") != NULL)
			return tree_get(check->node, "relation");
	}
	if (strcmp(check->kind, "CopyStmt") == 0 && tree_flag(check->node, "is_from"))
		return tree_get(check->node, "relation");
	return NULL;
}

/*
 * What the transaction makes of the statement; and remember the lock that the
 * statement leaves held.
 */
void
check_context(Check *check)
{
	Linter	   *linter = check->linter;
	Transaction *transaction = &linter->transaction;
	const Node *target = bulk_target(check);
	int			column;

	if (target != NULL && transaction->number != 0 && transaction->lock != NULL && !is_new_table(check, target))
		report(check, "backfill-in-transaction", check->statement->start,
			   arena_printf(&linter->arena, "%s, while the %s lock of line %d is held", table_shown(check, target),
							transaction->lock, transaction->lock_line));
	if (check->lock == NULL)
		return;
	if (!transaction->timeout_session && !transaction->timeout_local && !transaction->timeout_told)
	{
		Finding    *finding = report(check, "require-lock-timeout", check->statement->start,
									 arena_printf(&linter->arena, "%s is asked for", check->lock));

		transaction->timeout_told = finding != NULL;
		if (finding != NULL)
			fix_lock_timeout(check, finding);
	}
	if (transaction->number != 0 && transaction->lock == NULL)
	{
		/* rules say more of it, "here", "on both tables" */
		size_t		length = strspn(check->lock, "ABCDEFGHIJKLMNOPQRSTUVWXYZ ");

		while (length > 0 && check->lock[length - 1] == ' ')
			length--;
		transaction->lock = arena_strndup(&linter->arena, check->lock, length);
		source_place(check->source, check->statement->start, &transaction->lock_line, &column);
	}
}

/* The end of the file: a BEGIN must have had its COMMIT. */
void
check_transaction_end(Check *check)
{
	Transaction *transaction = &check->linter->transaction;

	if (transaction->number != 0 && transaction->begin != NULL)
	{
		check->statement = transaction->begin;
		report(check, "uncommitted-transaction", transaction->begin->start, "the file ends before a COMMIT");
	}
	end_transaction(check->linter, true);
}

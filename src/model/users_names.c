/*-------------------------------------------------------------------------
 *
 * users_names.c
 *	  Strategy column: errors in the words of the statement that the user gave.
 *
 * Until the swap the new columns, and the indexes and constraints on them, have
 * names of ours.  An error that names one shall read as that of native ALTER
 * TABLE: which name each of them will get stands in the job's commands of the
 * swap.
 *
 * Locks: none.  Nothing is stored.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "lib/stringinfo.h"
#include "nodes/parsenodes.h"

#include "model/column.h"
#include "model/script.h"
#include "model/users_names.h"
#include "store/job_step.h"

static bool
is_part_of_name(char c)
{
	return IS_HIGHBIT_SET(c) || isalnum((unsigned char) c) || c == '_' || c == '$';
}

/* replace a name where it stands alone */
static char *
replace_name(char *text, const char *from, const char *to)
{
	StringInfoData buf;
	size_t		length = strlen(from);
	char	   *at = text;
	char	   *found;

	initStringInfo(&buf);
	while ((found = strstr(at, from)) != NULL)
	{
		bool		alone = (found == text || !is_part_of_name(found[-1])) &&
			!is_part_of_name(found[length]);

		appendBinaryStringInfo(&buf, at, (int) (found - at));
		appendStringInfoString(&buf, alone ? to : from);
		at = found + length;
	}
	appendStringInfoString(&buf, at);
	return buf.data;
}

/* the names that a command of the swap takes away and gives; false if it gives none */
static bool
names_of(const char *command, const char **from, const char **to)
{
	Node	   *node = osc_parse_command(command);

	if (IsA(node, RenameStmt))
	{
		RenameStmt *stmt = castNode(RenameStmt, node);

		*from = stmt->renameType == OBJECT_INDEX ? stmt->relation->relname : stmt->subname;
		*to = stmt->newname;
		return stmt->renameType == OBJECT_INDEX || stmt->renameType == OBJECT_TABCONSTRAINT;
	}
	if (IsA(node, AlterTableStmt))
	{
		AlterTableCmd *cmd = linitial_node(AlterTableCmd, castNode(AlterTableStmt, node)->cmds);

		if (cmd->subtype == AT_AddConstraint)
		{
			*from = castNode(Constraint, cmd->def)->indexname;
			*to = castNode(Constraint, cmd->def)->conname;
			return *from != NULL;
		}
	}
	return false;
}

/*
 * A message, detail or hint of a job's error, with the names of the user's
 * columns, indexes and constraints in the places of those that are made for
 * strategy column; as it is for jobs of other strategies, and NULL for NULL.  In
 * the current memory context.
 */
char *
osc_with_users_names(const OscJob *job, char *text)
{
	OscMember  *m = osc_column_member(job);
	const char *from;
	const char *to;
	ListCell   *lc;

	if (text == NULL || m == NULL)
		return text;
	foreach(lc, job->steps)
	{
		OscJobStep *step = lfirst(lc);

		/* what is in service keeps its name in messages: the swap gives "osc_old..." away */
		if (step->kind == OSC_STEP_FINAL && names_of(step->command, &from, &to) &&
			strstr(from, "osc_new") != NULL)
			text = replace_name(text, from, to);
	}
	foreach(lc, osc_columns_load(m->columns))
		text = replace_name(text, ((OscColumn *) lfirst(lc))->new_name, ((OscColumn *) lfirst(lc))->name);
	return text;
}

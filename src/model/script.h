/*-------------------------------------------------------------------------
 *
 * script.h
 *	  The statements of a job: parsed by the server's own parser, and tied to
 *	  the tables that they change.
 *
 *-------------------------------------------------------------------------
 */
#ifndef OSC_SCRIPT_H
#define OSC_SCRIPT_H

#include "access/attnum.h"
#include "nodes/parsenodes.h"
#include "store/job.h"

/* one statement of a script */
typedef struct OscStatement
{
	Node	   *node;			/* raw parse tree; never altered, copies are */
	const char *source;			/* the text that places in the tree refer to */
	char	   *text;			/* the statement alone, without semicolon */
	int			start;			/* where it begins in the source */
	Oid			relid;			/* the table; InvalidOid: it does not exist, and
								 * the statement says IF EXISTS */
	List	   *fills;			/* OscFill *: expressions for columns that it makes
								 * (model/backfill_spec.h) */
} OscStatement;

extern List *osc_parse_script(const char *ddl);
extern Node *osc_parse_command(const char *command);
extern void osc_resolve_script(List *script);
extern List *osc_script_of_job(const OscJob *job);
extern List *osc_statements_of(List *script, Oid relid);
extern List *osc_commands_of(List *statements);
extern AttrNumber osc_source_attnum(List *statements, const AlterTableCmd *cmd, Oid relid,
									bool *is_new);

#endif							/* OSC_SCRIPT_H */

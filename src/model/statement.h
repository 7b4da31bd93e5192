/*-------------------------------------------------------------------------
 *
 * statement.h
 *	  A statement of the user's, aimed at a relation and run.
 *
 *-------------------------------------------------------------------------
 */
#ifndef OSC_STATEMENT_H
#define OSC_STATEMENT_H

#include "model/script.h"
#include "nodes/parsenodes.h"

extern bool osc_column_has_default(const ColumnDef *def);
extern bool osc_column_is_serial(const ColumnDef *def);
extern bool osc_is_foreign_key(Oid relid, const char *name);
extern bool osc_copy_takes(const AlterTableCmd *cmd);
extern void osc_check_subcommands(List *cmds);
extern Node *osc_statement_for_shadow(const OscStatement *s, const char *nspname,
									  const char *relname);
extern Node *osc_statement_for_later_rows(const OscStatement *s, const char *nspname,
										  const char *relname);
extern void osc_alter_quietly(AlterTableStmt *stmt, Oid relid);
extern void osc_alter_by_text(Oid relid, const char *sql);
extern Node *osc_command_on(const char *command, Oid relid);
extern void osc_run_as_user(Node *node, const char *text);
extern void osc_run_statement(const OscStatement *s, bool in_swap);

#endif							/* OSC_STATEMENT_H */

/*-------------------------------------------------------------------------
 *
 * statement.h
 *	  The user's statement: parsed by the server's own parser, checked, and
 *	  aimed at a relation.
 *
 *-------------------------------------------------------------------------
 */
#ifndef OSC_STATEMENT_H
#define OSC_STATEMENT_H

#include "nodes/parsenodes.h"

extern AlterTableStmt *osc_parse_statement(const char *ddl);
extern void osc_check_subcommands(const AlterTableStmt *stmt);
extern AlterTableStmt *osc_statement_for(const AlterTableStmt *stmt,
										 const char *nspname, const char *relname,
										 bool for_shadow);
extern void osc_alter_quietly(AlterTableStmt *stmt, Oid relid);
extern void osc_alter_as_user(AlterTableStmt *stmt, const char *ddl);
extern AlterTableCmd *osc_find_type_change(const AlterTableStmt *stmt, const char *colname);

#endif							/* OSC_STATEMENT_H */

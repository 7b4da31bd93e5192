/*-------------------------------------------------------------------------
 *
 * recipes_tree.c
 *	  The commands that change a partitioned table without a copy.
 *
 * A partitioned table takes neither CREATE INDEX CONCURRENTLY, nor ADD
 * CONSTRAINT USING INDEX, nor (before 18) a foreign key that is NOT VALID.
 * Its leaves do.  So each leaf gets its own part first, without blocking
 * anybody and under the name that native would give it, and the swap puts the
 * parts together, which is a matter of catalogs.  What the parts are is seen
 * on empty clones of the tree, where the statement runs natively.
 *
 * A partition that is made or attached meanwhile gets its part of an index
 * from the index of the parent, which is there from the first step on.
 *
 * Locks: ACCESS SHARE on the tables.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/table.h"
#include "catalog/index.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_constraint.h"
#include "commands/defrem.h"
#include "lib/stringinfo.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "base/ident.h"
#include "base/run.h"
#include "finish/direct.h"
#include "model/tree.h"
#include "plan/recipes.h"
#include "plan/recipes_tree.h"
#include "plan/rehearse.h"

static char *
qualified(Oid relid, const char *name)
{
	return quote_qualified_identifier(get_namespace_name(get_rel_namespace(relid)), name);
}

/* names of new indexes that are taken in their schemas get a number, as natively */
static void
choose_names(OscPlan *plan, List *indexes)
{
	ListCell   *lc,
			   *o;

	foreach(lc, indexes)
	{
		OscTreeIndex *index = lfirst(lc);
		char	   *old = index->name;
		Oid			nsp = get_rel_namespace(index->relid);

		if (index->exists)
			continue;
		for (int n = 1;; n++)
		{
			bool		taken = OidIsValid(get_relname_relid(index->name, nsp)) ||
				osc_is_planned(plan, index->name);

			foreach(o, indexes)
			{
				OscTreeIndex *other = lfirst(o);

				if (other == index)
					break;
				taken = taken || (strcmp(other->name, index->name) == 0 &&
								  get_rel_namespace(other->relid) == nsp);
			}
			if (!taken)
				break;
			index->name = psprintf("%.*s%d", NAMEDATALEN - 5, old, n);
		}
		foreach(o, indexes)
		{
			OscTreeIndex *other = lfirst(o);

			if (other->parent_relid == index->relid && strcmp(other->parent_name, old) == 0)
				other->parent_name = index->name;
		}
	}
}

/* a leaf's own part of an index */
static void
build_leaf_index(OscPlan *plan, const OscPart *part, const OscTreeIndex *index)
{
	osc_plan_run(plan, OSC_INDEXING, OSC_STEP_TOP, index->relid, part,
				 psprintf("CREATE %sINDEX CONCURRENTLY %s ON %s %s", index->unique ? "UNIQUE " : "",
						  quote_identifier(index->name), osc_relation_name(index->relid), index->tail),
				 psprintf("DROP INDEX CONCURRENTLY %s", qualified(index->relid, index->name)));
}

static void
final(OscPlan *plan, const OscPart *part, Oid relid, char *command)
{
	osc_plan_run(plan, OSC_SWAPPING, OSC_STEP_FINAL, relid, part, command, NULL);
}

static void
attach_index(OscPlan *plan, const OscPart *part, const OscTreeIndex *index)
{
	final(plan, part, index->relid,
		  psprintf("ALTER INDEX %s ATTACH PARTITION %s", qualified(index->parent_relid, index->parent_name),
				   qualified(index->relid, index->name)));
}

/* the index of a partitioned table, without parts as yet */
static void
make_empty_index(OscPlan *plan, const OscPart *part, const OscTreeIndex *index)
{
	osc_plan_run(plan, OSC_INDEXING, OSC_STEP_SHORT, index->relid, part,
				 psprintf("CREATE %sINDEX %s ON ONLY %s %s", index->unique ? "UNIQUE " : "",
						  quote_identifier(index->name), osc_relation_name(index->relid), index->tail),
				 psprintf("DROP INDEX %s", qualified(index->relid, index->name)));
}

/* native has no index on a foreign table either */
static List *
without_foreign_tables(Relation rel, List *indexes)
{
	List	   *result = NIL;
	ListCell   *lc;

	foreach(lc, indexes)
	{
		OscTreeIndex *index = lfirst(lc);

		if (get_rel_relkind(index->relid) != RELKIND_FOREIGN_TABLE)
			result = lappend(result, index);
		else if (index->unique)
			ereport(ERROR,
					(errcode(ERRCODE_WRONG_OBJECT_TYPE),
					 errmsg("cannot create unique index on partitioned table \"%s\"",
							RelationGetRelationName(rel)),
					 errdetail("Table \"%s\" contains partitions that are foreign tables.",
							   RelationGetRelationName(rel)),
					 errhint("Detach the foreign tables first.")));
	}
	return result;
}

/*
 * CREATE INDEX on a partitioned table.
 */
void
osc_plan_tree_index(OscPlan *plan, const OscPart *part)
{
	Relation	rel = table_open(part->statement->relid, NoLock);
	List	   *proofs;
	List	   *indexes = without_foreign_tables(rel, osc_rehearsal_indexes(part->statement, &proofs));
	ListCell   *lc;

	if (castNode(IndexStmt, part->statement->node)->concurrent)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("cannot create index on partitioned table \"%s\" concurrently",
						RelationGetRelationName(rel)),
				 errhint("Leave out CONCURRENTLY: the job builds the indexes of the partitions that way.")));
	choose_names(plan, indexes);
	foreach(lc, indexes)
		if (((OscTreeIndex *) lfirst(lc))->partitioned && !((OscTreeIndex *) lfirst(lc))->exists)
			make_empty_index(plan, part, lfirst(lc));
	foreach(lc, indexes)
		if (!((OscTreeIndex *) lfirst(lc))->partitioned && !((OscTreeIndex *) lfirst(lc))->exists)
			build_leaf_index(plan, part, lfirst(lc));
	foreach(lc, indexes)
		if (OidIsValid(((OscTreeIndex *) lfirst(lc))->parent_relid))
			attach_index(plan, part, lfirst(lc));
	table_close(rel, NoLock);
}

/* give a leaf the constraint whose index has been built */
static void
add_leaf_key(OscPlan *plan, const OscPart *part, const OscTreeIndex *index)
{
	const char *name = quote_identifier(index->name);
	char	   *deferrable = strstr(index->constraint, " DEFERRABLE");

	final(plan, part, index->relid,
		  psprintf("ALTER TABLE %s ADD CONSTRAINT %s %s USING INDEX %s%s", osc_relation_name(index->relid),
				   name, index->contype == CONSTRAINT_PRIMARY ? "PRIMARY KEY" : "UNIQUE", name,
				   deferrable ? deferrable : ""));
}

/*
 * UNIQUE or PRIMARY KEY of a partitioned table: leaves first, then upwards.
 * The columns of a primary key are NOT NULL already (recipes.c).
 */
void
osc_plan_tree_key(OscPlan *plan, Relation rel, const OscPart *part)
{
	OscStatement s = *part->statement;
	AlterTableStmt *alter = copyObject(castNode(AlterTableStmt, s.node));
	List	   *proofs;
	List	   *indexes;

	alter->cmds = list_make1(copyObject(part->cmd));
	s.node = (Node *) alter;
	indexes = without_foreign_tables(rel, osc_rehearsal_indexes(&s, &proofs));
	choose_names(plan, indexes);
	for (int i = list_length(indexes) - 1; i >= 0; i--)
	{
		OscTreeIndex *index = list_nth(indexes, i);

		if (index->exists)
			continue;
		if (!index->partitioned)
		{
			build_leaf_index(plan, part, index);
			add_leaf_key(plan, part, index);
		}
	}
	for (int i = list_length(indexes) - 1; i >= 0; i--)
	{
		OscTreeIndex *index = list_nth(indexes, i);

		if (index->partitioned && !index->exists)
			final(plan, part, index->relid,
				  psprintf("ALTER TABLE ONLY %s ADD CONSTRAINT %s %s", osc_relation_name(index->relid),
						   quote_identifier(index->name), index->constraint));
	}
	for (int i = 0; i < list_length(indexes); i++)
		if (OidIsValid(((OscTreeIndex *) list_nth(indexes, i))->parent_relid))
			attach_index(plan, part, list_nth(indexes, i));
}

/* is there a foreign key on the leaf that native would take over?  columns: as an array's text */
static bool
leaf_has_foreign_key(Oid leaf, Oid referenced, const char *columns)
{
	OscStore	store;
	OscArgs		args = {0};
	bool		result;

	osc_store_open(&store);
	osc_arg_oid(&args, leaf);
	osc_arg_oid(&args, referenced);
	osc_arg_text(&args, columns);
	result = osc_sql("SELECT 1 FROM pg_constraint WHERE conrelid = $1 AND confrelid = $2 AND contype = 'f'"
					 " AND conparentid = 0 AND convalidated AND conkey = ARRAY(SELECT attnum FROM"
					 "  unnest($3::text[]) WITH ORDINALITY AS c(name, n) JOIN pg_attribute ON attrelid = $1"
					 "  AND attname::text = c.name ORDER BY n) LIMIT 1", &args) > 0;
	osc_store_close(&store);
	return result;
}

/* names (String) as the text of an array */
static char *
array_text(List *names)
{
	StringInfoData buf;
	ListCell   *lc;

	initStringInfo(&buf);
	foreach(lc, names)
	{
		appendStringInfoString(&buf, buf.len > 0 ? ",\"" : "{\"");
		for (const char *p = strVal(lfirst(lc)); *p; p++)
		{
			if (*p == '"' || *p == '\\')
				appendStringInfoChar(&buf, '\\');
			appendStringInfoChar(&buf, *p);
		}
		appendStringInfoChar(&buf, '"');
	}
	appendStringInfoChar(&buf, '}');
	return buf.data;
}

/* a foreign key of one leaf, proved */
static void
add_leaf_foreign_key(OscPlan *plan, const OscPart *part, Oid leaf, const char *name, const char *definition)
{
	char	   *alter = psprintf("ALTER TABLE %s", osc_relation_name(leaf));
	const char *quoted;

	if (ConstraintNameIsUsed(CONSTRAINT_RELATION, leaf, name))
		name = ChooseConstraintName(get_rel_name(leaf), NULL, "fkey", get_rel_namespace(leaf), NIL);
	quoted = quote_identifier(name);
	osc_plan_run(plan, OSC_PREPARING, OSC_STEP_SHORT, leaf, part,
				 psprintf("%s ADD CONSTRAINT %s %s NOT VALID", alter, quoted, definition),
				 psprintf("%s DROP CONSTRAINT %s", alter, quoted));
	osc_plan_run(plan, OSC_VALIDATING, OSC_STEP_SCAN, leaf, part,
				 psprintf("%s VALIDATE CONSTRAINT %s", alter, quoted), NULL);
}

/*
 * FOREIGN KEY of a partitioned table: each leaf gets it and has it validated;
 * the parent's takes those over without a look at the rows (tablecmds.c,
 * tryAttachPartitionForeignKey).  definition: without name and NOT VALID.
 */
void
osc_plan_tree_foreign_key(OscPlan *plan, Relation rel, const OscPart *part, const char *definition)
{
	Constraint *con = castNode(Constraint, part->cmd->def);
	const char *name = osc_constraint_name(plan, rel, con, con->fk_attrs);
	Oid			referenced = RangeVarGetRelid(con->pktable, NoLock, true);
	ListCell   *lc;

	foreach(lc, osc_descendants(RelationGetRelid(rel)))
		if (get_rel_relkind(lfirst_oid(lc)) == RELKIND_RELATION &&
			!leaf_has_foreign_key(lfirst_oid(lc), referenced, array_text(con->fk_attrs)))
			add_leaf_foreign_key(plan, part, lfirst_oid(lc), name, definition);
	final(plan, part, RelationGetRelid(rel),
		  psprintf("ALTER TABLE %s ADD CONSTRAINT %s %s", osc_relation_name(RelationGetRelid(rel)),
				   quote_identifier(name), definition));
}

/* the foreign keys of the parent, for the leaves of a table that is to be attached */
static void
add_parents_foreign_keys(OscPlan *plan, const OscPart *part, Oid parent, Oid attached)
{
	OscStore	store;
	OscArgs		args = {0};
	List	   *keys = NIL;
	ListCell   *lc,
			   *d;
	uint64		rows;

	osc_store_open(&store);
	osc_arg_oid(&args, parent);
	/* not the rows that stand for partitions of the table that is referred to */
	rows = osc_sql("SELECT k.conname::text AS name, pg_get_constraintdef(k.oid) AS definition, k.confrelid,"
				   "  ARRAY(SELECT attname::text FROM unnest(k.conkey) WITH ORDINALITY AS c(n, i)"
				   "   JOIN pg_attribute ON attrelid = k.conrelid AND attnum = c.n ORDER BY i)::text AS columns"
				   " FROM pg_constraint k LEFT JOIN pg_constraint p ON p.oid = k.conparentid"
				   " WHERE k.conrelid = $1 AND k.contype = 'f' AND (p.oid IS NULL OR p.conrelid <> $1)"
				   " ORDER BY k.oid", &args);
	for (uint64 i = 0; i < rows; i++)
	{
		char	   *name = osc_col_text(&store, i, "name");
		char	   *definition = osc_col_text(&store, i, "definition");
		char	   *columns = osc_col_text(&store, i, "columns");
		Oid			referenced = osc_col_oid(i, "confrelid");
		MemoryContext old = MemoryContextSwitchTo(store.caller);

		keys = lappend(keys, list_make4(makeString(name), makeString(definition), makeString(columns),
										makeInteger((int) referenced)));
		MemoryContextSwitchTo(old);
	}
	osc_store_close(&store);
	foreach(lc, keys)
		foreach(d, osc_descendants(attached))
		{
			List	   *key = lfirst(lc);

			if (get_rel_relkind(lfirst_oid(d)) == RELKIND_RELATION &&
				!leaf_has_foreign_key(lfirst_oid(d), (Oid) intVal(lfourth(key)), strVal(lthird(key))))
				add_leaf_foreign_key(plan, part, lfirst_oid(d), strVal(linitial(key)), strVal(lsecond(key)));
		}
}

/* a CHECK that proves a bound, for the time of the job; returns its name */
static char *
prove_bound(OscPlan *plan, const OscPart *part, const OscTreeProof *proof)
{
	char	   *name = ChooseConstraintName(get_rel_name(proof->relid), NULL, OSC_BOUND_PROOF,
											get_rel_namespace(proof->relid), NIL);
	char	   *alter = psprintf("ALTER TABLE %s", osc_relation_name(proof->relid));

	osc_plan_run(plan, OSC_PREPARING, OSC_STEP_SHORT, proof->relid, part,
				 psprintf("%s ADD CONSTRAINT %s CHECK (%s) NOT VALID", alter, quote_identifier(name),
						  proof->condition),
				 psprintf("%s DROP CONSTRAINT %s", alter, quote_identifier(name)));
	osc_plan_run(plan, OSC_VALIDATING, OSC_STEP_SCAN, proof->relid, part,
				 psprintf("%s VALIDATE CONSTRAINT %s", alter, quote_identifier(name)), NULL);
	return name;
}

/*
 * ATTACH PARTITION: the rows are proved to be within their bound by a CHECK,
 * those of a default partition to be outside of it, and the indexes and
 * foreign keys that the new partition lacks are made before.
 */
void
osc_plan_attach(OscPlan *plan, Relation rel, const OscPart *part)
{
	List	   *proofs;
	List	   *indexes = osc_rehearsal_indexes(part->statement, &proofs);
	List	   *names = NIL;
	ListCell   *lc,
			   *n;

	choose_names(plan, indexes);
	foreach(lc, proofs)
	{
		OscTreeProof *proof = lfirst(lc);

		names = lappend(names, proof->condition ? prove_bound(plan, part, proof) : NULL);
		if (!get_rel_relispartition(proof->relid))
			add_parents_foreign_keys(plan, part, RelationGetRelid(rel), proof->relid);
	}
	foreach(lc, indexes)
	{
		OscTreeIndex *index = lfirst(lc);

		if (index->partitioned || index->exists)
			continue;
		build_leaf_index(plan, part, index);
		if (index->contype)
			add_leaf_key(plan, part, index);
	}
	final(plan, part, RelationGetRelid(rel), part->statement->text);
	forboth(lc, proofs, n, names)
		if (lfirst(n))
			final(plan, part, ((OscTreeProof *) lfirst(lc))->relid,
				  psprintf("ALTER TABLE %s DROP CONSTRAINT %s",
						   osc_relation_name(((OscTreeProof *) lfirst(lc))->relid),
						   quote_identifier(lfirst(n))));
}

/*
 * REINDEX of a partitioned table or index: leaf by leaf.  options: of REINDEX,
 * in parentheses.
 */
void
osc_plan_tree_reindex(OscPlan *plan, Relation rel, const OscPart *part, const char *options)
{
	ReindexStmt *stmt = castNode(ReindexStmt, part->statement->node);
	bool		whole = stmt->kind == REINDEX_OBJECT_TABLE;
	Oid			top = whole ? RelationGetRelid(rel) : RangeVarGetRelid(stmt->relation, NoLock, false);
	ListCell   *lc;

	foreach(lc, osc_descendants(top))
	{
		char		relkind = get_rel_relkind(lfirst_oid(lc));

		if (relkind != RELKIND_RELATION && relkind != RELKIND_INDEX)
			continue;
		osc_plan_run(plan, OSC_INDEXING, OSC_STEP_TOP,
					 whole ? lfirst_oid(lc) : IndexGetRelation(lfirst_oid(lc), false), part,
					 psprintf("REINDEX %s%s CONCURRENTLY %s", options, whole ? "TABLE" : "INDEX",
							  osc_relation_name(lfirst_oid(lc))), NULL);
	}
}

/*-------------------------------------------------------------------------
 *
 * column_back.c
 *	  Strategy column: whether there is a way back, and what osc_revert() leaves
 *	  to be proved.
 *
 * The old columns follow the new ones until clean-up, so that the swap can be
 * taken back.  An old unique index is kept only where two different new values
 * can never be equal old ones, and where the new ones are unique: a statement
 * that drops a unique constraint has no way back, for rows written since may
 * violate it.
 *
 * What the old columns have that the new ones do not prove comes back as far as
 * it can be proved when the swap has been taken back: CHECK constraints and
 * foreign keys, and a NOT NULL that the statement drops (drive/revert.c).
 *
 * Locks: ACCESS SHARE on the table, held by the caller.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/nbtree.h"
#include "catalog/pg_am.h"
#include "nodes/nodeFuncs.h"
#include "parser/parse_coerce.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "base/ident.h"
#include "finish/direct.h"
#include "plan/column_plan.h"
#include "plan/recipes.h"

static OscColumn *
column_of(const OscColumnPlan *p, AttrNumber attnum)
{
	ListCell   *lc;

	foreach(lc, p->columns)
		if (((OscColumn *) lfirst(lc))->old_att == attnum)
			return lfirst(lc);
	return NULL;
}

/* are equal values of the index's key images of each other (nbtutils.c, _bt_allequalimage)? */
static bool
equal_is_same(Relation index, int i)
{
	Oid			proc = get_opfamily_proc(index->rd_opfamily[i], index->rd_opcintype[i],
										 index->rd_opcintype[i], BTEQUALIMAGE_PROC);

	return OidIsValid(proc) &&
		DatumGetBool(OidFunctionCall1Coll(proc, index->rd_indcollation[i], ObjectIdGetDatum(index->rd_opcintype[i])));
}

/* have both columns the same bytes, so that an index on either says the same? */
static bool
same_bytes(const OscColumnPlan *p, const OscColumn *c)
{
	Oid			old_type = osc_column_is_added(c) ? InvalidOid : TupleDescAttr(RelationGetDescr(p->rel), c->old_att - 1)->atttypid;
	Oid			new_type = exprType(c->forward);

	return IsBinaryCoercible(old_type, new_type) && IsBinaryCoercible(new_type, old_type);
}

/*
 * May the unique index on old columns stay in force while these follow the new
 * ones?  Then a client's write can violate it only where it violates the new
 * one as well.
 */
static bool
old_index_may_stay(const OscColumnPlan *p, Relation index)
{
	bool		plain = index->rd_rel->relam == BTREE_AM_OID &&
		RelationGetIndexPredicate(index) == NIL && RelationGetIndexExpressions(index) == NIL;
	ListCell   *lc;
	bool		all_same = true;

	foreach(lc, p->columns)
		all_same = all_same && same_bytes(p, lfirst(lc));
	if (all_same)
		return true;
	for (int i = 0; plain && i < index->rd_index->indnkeyatts; i++)
		if (column_of(p, index->rd_index->indkey.values[i]) && !equal_is_same(index, i))
			plain = false;
	return plain;
}

/* are these columns, of an index with the key key, all in the key of? */
static bool
all_in(const char *key, const char *of)
{
	char	   *all = psprintf(" %s ", of);
	char	   *rest = pstrdup(key);

	for (char *attnum = strtok(rest, " "); attnum; attnum = strtok(NULL, " "))
		if (strstr(all, psprintf(" %s ", attnum)) == NULL)
			return false;
	return true;
}

/*
 * Are values that the unique index holds apart held apart after the statement,
 * too?  If not, rows that are written after the swap may be equal in it.
 */
static bool
stays_unique(const OscColumnPlan *p, const OscColumnIndex *x)
{
	ListCell   *lc;

	/* native makes it again */
	if (x->contype == '\0' || !osc_is_dropped(p, x->name))
		return true;
	foreach(lc, p->after.indexes)
	{
		OscColumnIndex *y = lfirst(lc);

		if (y->unique && x->key && y->key && all_in(y->key, x->key) &&
			(!x->nulls_not_distinct || y->nulls_not_distinct || y->contype == 'p'))
			return true;
	}
	return false;
}

/*
 * Refuse indexes of the old columns that cannot be dealt with, and find out
 * whether these columns can follow the new ones: else there is no way back.
 */
void
osc_check_way_back(OscColumnPlan *p)
{
	ListCell   *lc;

	foreach(lc, p->before.indexes)
	{
		OscColumnIndex *x = lfirst(lc);
		Relation	index;

		if (!x->valid)
			osc_refuse_column(psprintf("index \"%s\" is not valid", x->name), "Drop it, or rebuild it with REINDEX CONCURRENTLY.");
		if (x->contype == 'x')
			osc_refuse_column(psprintf("\"%s\" is an exclusion constraint", x->name), OSC_USE_COPY);
		if (x->deferrable)
			/* the indexes of before the swap, and of after it, could not wait for the commit */
			osc_refuse_column(psprintf("constraint \"%s\" is deferrable", x->name), OSC_USE_COPY);
		index = index_open(get_relname_relid(x->name, RelationGetNamespace(p->rel)), AccessShareLock);
		if (x->unique && !old_index_may_stay(p, index))
			p->way_back = false;
		if (x->unique && !stays_unique(p, x))
			p->no_way_back = psprintf("the statement drops constraint \"%s\", and rows written since may violate it", x->name);
		index_close(index, NoLock);
	}
	if (p->no_way_back)
		p->way_back = false;
	else if (!p->way_back)
		p->no_way_back = "there is no cast back, or one that could violate a unique index";
	if (!p->way_back)
		foreach(lc, p->columns)
			((OscColumn *) lfirst(lc))->inverse = NULL;
}

/*
 * A constraint that osc_revert() brings back is validated when that is over.
 */
void
osc_validate_after_revert(OscColumnPlan *p, Oid relid, const char *name)
{
	OscPlanStep *step;

	if (!p->way_back)
		return;
	step = osc_plan_run(p->plan, OSC_CLEANING, OSC_STEP_SCAN, relid, &p->part,
						psprintf("ALTER TABLE %s VALIDATE CONSTRAINT %s", osc_relation_name(relid),
								 quote_identifier(name)), NULL);
	step->note = pstrdup("only after osc_revert(), which brings the constraint back NOT VALID");
}

/*
 * NOT NULL of the old column, which the statement drops: the first of four
 * commands that are run after osc_revert(), by drive/revert.c.
 */
void
osc_not_null_after_revert(OscColumnPlan *p, const OscColumn *c)
{
	const char *name = quote_identifier(psprintf("%s_%s", c->old_name, OSC_NOT_NULL_PROOF));
	const char *column = quote_identifier(c->name);
	char	   *parts[4];

	if (!p->way_back)
		return;
	parts[0] = psprintf("ADD CONSTRAINT %s CHECK (%s IS NOT NULL) NOT VALID", name, column);
	parts[1] = psprintf("VALIDATE CONSTRAINT %s", name);
	parts[2] = psprintf("ALTER COLUMN %s SET NOT NULL", column);
	parts[3] = psprintf("DROP CONSTRAINT %s", name);
	for (int i = 0; i < 4; i++)
	{
		OscPlanStep *step = osc_plan_run(p->plan, OSC_CLEANING, OSC_STEP_SCAN, RelationGetRelid(p->rel), &p->part,
										 psprintf("ALTER TABLE %s %s", p->name, parts[i]), NULL);

		if (i != 1)
			step->cost = "catalog only";
		step->note = pstrdup("only after osc_revert(), if no row has a NULL there: the statement drops NOT NULL");
	}
}

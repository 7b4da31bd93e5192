/*-------------------------------------------------------------------------
 *
 * relinfo.h
 *	  What we need to know of a relation before and while we copy it.
 *
 *-------------------------------------------------------------------------
 */
#ifndef OSC_RELINFO_H
#define OSC_RELINFO_H

#include "access/attnum.h"
#include "access/sysattr.h"
#include "catalog/pg_attribute.h"
#include "executor/tuptable.h"
#include "nodes/parsenodes.h"
#include "utils/relcache.h"

/*
 * What finds each row of a relation: the columns of a unique index; or the
 * row's place, which is then the only column, and there is no index.
 */
typedef struct OscKey
{
	Oid			index;
	int			natts;
	AttrNumber	attnums[INDEX_MAX_KEYS];	/* in the order of the index */
} OscKey;

#define OSC_PLACE_ATTNUM SelfItemPointerAttributeNumber
#define osc_key_is_place(key) \
	((key)->natts == 1 && (key)->attnums[0] == OSC_PLACE_ATTNUM)

extern const FormData_pg_attribute *osc_key_column(TupleDesc desc, AttrNumber attnum);
extern Datum osc_key_value(TupleTableSlot *row, AttrNumber attnum, bool *isnull);
extern Oid	osc_lookup_table(const RangeVar *name, bool missing_ok);
extern void osc_check_access_method(Relation rel);
extern void osc_check_table(Relation rel);
extern const char *osc_whole_row_user(Relation rel);
extern List *osc_candidate_keys(Relation rel);
extern char *osc_row_type_is_stored(Relation rel);
extern OscKey *osc_find_key(Relation rel, const OscKey *wanted);
extern void osc_check_dependents(Relation rel, List *statements);
extern char *osc_fingerprint(Oid relid);
extern List *osc_index_oids(Relation rel);

#endif							/* OSC_RELINFO_H */

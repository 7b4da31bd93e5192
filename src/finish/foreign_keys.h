/*-------------------------------------------------------------------------
 *
 * foreign_keys.h
 *	  Foreign keys that the statement makes anew.
 *
 *-------------------------------------------------------------------------
 */
#ifndef OSC_FOREIGN_KEYS_H
#define OSC_FOREIGN_KEYS_H

#include "base/locks.h"
#include "nodes/parsenodes.h"
#include "store/job.h"

/* a foreign key on a column whose type changes */
typedef struct OscForeignKey
{
	Oid			constraint;
	Oid			referencing;
	Oid			referenced;
	char	   *name;
	bool		validated;
	bool		is_new;			/* added, or to be validated, by the script */
} OscForeignKey;

extern List *osc_affected_foreign_keys(List *keys, Oid relid, List *statements);
extern List *osc_foreign_keys_of(Oid relid);
extern List *osc_note_new_foreign_keys(List *keys, Oid relid, List *before, List *cmds);
extern void osc_new_foreign_keys_lock(List *cmds, OscLockSet *set);
extern void osc_merged_foreign_keys_lock(Oid relid, List *cmds, OscLockSet *set);
extern void osc_foreign_keys_lock(List *keys, OscLockSet *set);
extern void osc_foreign_keys_unvalidate(List *keys);
extern void osc_foreign_keys_unvalidate_remade(List *keys);
extern List *osc_foreign_key_parts(Oid constraint, bool of_partitions);
extern void osc_foreign_key_set_validated(Oid constraint, bool validated);
extern char *osc_foreign_keys_to_json(List *keys);
extern bool osc_validate_next_foreign_key(OscJob *job, OscMember *m);

#endif							/* OSC_FOREIGN_KEYS_H */

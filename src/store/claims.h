/*-------------------------------------------------------------------------
 *
 * claims.h
 *	  Which tables jobs have, as of now.
 *
 *-------------------------------------------------------------------------
 */
#ifndef OSC_CLAIMS_H
#define OSC_CLAIMS_H

#include "nodes/pg_list.h"

/* a table of a job whose work a change of the table would spoil */
typedef struct OscClaim
{
	int64		job_id;
	Oid			relid;
	char	   *relname;		/* as the job knows it */
	char	   *fingerprint;	/* of the definition; NULL: not taken yet */
	bool		kept;			/* swapped; only osc_cleanup() is due */
	bool		reached;		/* a partition that the script does not name, of a
								 * job that copies */
	bool		follows_tree;	/* partitions may come to it and go, under a job that
								 * copies and has not swapped */
	bool		in_place;		/* strategy column: constraints are made anew by name */
} OscClaim;

extern List *osc_claims(void);

#endif							/* OSC_CLAIMS_H */

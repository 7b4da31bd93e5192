/*-------------------------------------------------------------------------
 *
 * harm.h
 *	  Whether somebody else's DDL would spoil the work of a job.
 *
 *-------------------------------------------------------------------------
 */
#ifndef OSC_HARM_H
#define OSC_HARM_H

#include "nodes/nodes.h"
#include "store/claims.h"

typedef enum OscHarm
{
	OSC_NO_HARM,
	OSC_HARM_TABLE,				/* the table is changed or dropped */
	OSC_HARM_PARTITION,			/* a table joins or leaves its tree */
} OscHarm;

extern OscHarm osc_statement_harm(const Node *stmt, const OscClaim *claim);
extern bool osc_drops_extension(const Node *stmt);
extern bool osc_drop_harm(const OscClaim *claim);

#endif							/* OSC_HARM_H */

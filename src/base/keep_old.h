/*-------------------------------------------------------------------------
 *
 * keep_old.h
 *	  How long a job keeps what its swap replaced.
 *
 *-------------------------------------------------------------------------
 */
#ifndef OSC_KEEP_OLD_H
#define OSC_KEEP_OLD_H

/* the meaning of a value of online_schema.keep_old */
typedef enum OscKeepOld
{
	OSC_KEEP_AUTO,				/* as the strategy thinks fit; a copy: not at all */
	OSC_KEEP_OFF,
	OSC_KEEP_INTERVAL,
	OSC_KEEP_CLEANUP,			/* until osc_cleanup() */
} OscKeepOld;

extern bool osc_keep_old_parse(const char *text, OscKeepOld *keep, double *ms);

#endif							/* OSC_KEEP_OLD_H */

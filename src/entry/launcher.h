/*-------------------------------------------------------------------------
 *
 * launcher.h
 *	  Resuming jobs after a restart.
 *
 *-------------------------------------------------------------------------
 */
#ifndef OSC_LAUNCHER_H
#define OSC_LAUNCHER_H

extern void osc_register_launcher(void);

#endif							/* OSC_LAUNCHER_H */

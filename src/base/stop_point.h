/*-------------------------------------------------------------------------
 *
 * stop_point.h
 *	  Named moments at which a test can hold, break or kill a process.
 *
 * They exist only in a build made with STOP_POINTS=1; in a release build the
 * macros are empty.  OSC_PROTECTED(name) is true, unless a test switched that
 * protection off to see its own check turn red.
 *
 *-------------------------------------------------------------------------
 */
#ifndef OSC_STOP_POINT_H
#define OSC_STOP_POINT_H

#ifdef OSC_STOP_POINTS
extern void osc_stop_point(const char *name);
extern bool osc_protection_is_on(const char *name);
extern void osc_define_stop_point_settings(void);

#define OSC_STOP_POINT(name) osc_stop_point(name)
#define OSC_PROTECTED(name) osc_protection_is_on(name)
#else
#define OSC_STOP_POINT(name) ((void) 0)
#define OSC_PROTECTED(name) (true)
#endif

#endif							/* OSC_STOP_POINT_H */

/*-------------------------------------------------------------------------
 *
 * window.h
 *	  A part of the day.
 *
 *-------------------------------------------------------------------------
 */
#ifndef OSC_WINDOW_H
#define OSC_WINDOW_H

extern bool osc_window_is_valid(const char *text);
extern bool osc_window_is_open(const char *text);

#endif							/* OSC_WINDOW_H */

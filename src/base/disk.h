/*-------------------------------------------------------------------------
 *
 * disk.h
 *	  Free space of the volumes that tablespaces lie on.
 *
 *-------------------------------------------------------------------------
 */
#ifndef OSC_DISK_H
#define OSC_DISK_H

extern void osc_disk_space(Oid tablespace, int64 *available, int64 *total);

#endif							/* OSC_DISK_H */

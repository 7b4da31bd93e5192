/*-------------------------------------------------------------------------
 *
 * storage.h
 *	  Exchanging the storage of two relations.
 *
 *-------------------------------------------------------------------------
 */
#ifndef OSC_STORAGE_H
#define OSC_STORAGE_H

extern void osc_exchange_storage(Oid r1, Oid r2, bool carry_statistics);

#endif							/* OSC_STORAGE_H */

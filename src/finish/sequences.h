/*-------------------------------------------------------------------------
 *
 * sequences.h
 *	  Sequences that a copy has drawn values from.
 *
 *-------------------------------------------------------------------------
 */
#ifndef OSC_SEQUENCES_H
#define OSC_SEQUENCES_H

extern void osc_carry_sequences(Oid source, Oid shadow);

#endif							/* OSC_SEQUENCES_H */

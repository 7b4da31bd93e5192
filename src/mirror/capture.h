/*-------------------------------------------------------------------------
 *
 * capture.h
 *	  Noting which keys of the source change.
 *
 *-------------------------------------------------------------------------
 */
#ifndef OSC_CAPTURE_H
#define OSC_CAPTURE_H

#include "access/transam.h"
#include "model/relinfo.h"
#include "store/job.h"

extern FullTransactionId osc_capture_install(const OscMember *m, const OscKey *key, Oid log);
extern void osc_capture_switch_log(const OscMember *m, Oid log);
extern void osc_capture_stop(const OscMember *m);
extern char *osc_capture_state(const OscMember *m);
extern bool osc_capture_is_intact(const OscMember *m);
extern void osc_capture_remove(const OscMember *m);
extern bool osc_fence_passed(FullTransactionId fence, char **waiting_for);

#endif							/* OSC_CAPTURE_H */

/*-------------------------------------------------------------------------
 *
 * online_schema.c
 *	  Library entry: settings, callbacks, the launcher.
 *
 * With shared_preload_libraries the postmaster loads the library and starts
 * the launcher (launcher.c); without it, a session loads the library with its
 * first osc_* call, or its first write to a table under a job.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "fmgr.h"
#include "miscadmin.h"

#include "base/settings.h"
#include "drive/driver.h"
#include "entry/launcher.h"
#include "mirror/two_names.h"

PG_MODULE_MAGIC;

void		_PG_init(void);

void
_PG_init(void)
{
	osc_define_settings();
	osc_init_worker_requests();
	osc_init_two_names();
	if (process_shared_preload_libraries_in_progress)
		osc_register_launcher();
}

/*-------------------------------------------------------------------------
 *
 * keep_old.c
 *	  How long a job keeps what its swap replaced: reading the values of
 *	  online_schema.keep_old.
 *
 * auto, off, cleanup, or an interval as SQL writes it.  A setting's check must
 * not raise errors, so the interval is read by the parser's own parts
 * (datetime.c) and not by its input function.  No locks.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/datetime.h"
#include "utils/timestamp.h"

#include "base/keep_old.h"

#define LONGEST_MS (10.0 * DAYS_PER_YEAR * SECS_PER_DAY * 1000)

/* an interval above 0 and up to ten years, in ms */
static bool
read_interval(const char *text, double *ms)
{
	char		buffer[MAXDATELEN];
	char	   *field[MAXDATEFIELDS];
	int			ftype[MAXDATEFIELDS];
	int			nf,
				dtype;
	struct pg_itm_in itm = {0};

	if (ParseDateTime(text, buffer, sizeof(buffer), field, ftype, MAXDATEFIELDS, &nf) != 0 ||
		DecodeInterval(field, ftype, nf, INTERVAL_FULL_RANGE, &dtype, &itm) != 0 ||
		dtype != DTK_DELTA)
		return false;
	*ms = itm.tm_usec / 1000.0 +
		(itm.tm_mday + (itm.tm_mon + itm.tm_year * (double) MONTHS_PER_YEAR) * DAYS_PER_MONTH) *
		SECS_PER_DAY * 1000.0;
	return *ms > 0 && *ms <= LONGEST_MS;
}

/*
 * Read a value; false if it is none.  *ms is set for an interval.
 */
bool
osc_keep_old_parse(const char *text, OscKeepOld *keep, double *ms)
{
	*ms = 0;
	if (pg_strcasecmp(text, "auto") == 0)
		*keep = OSC_KEEP_AUTO;
	else if (pg_strcasecmp(text, "off") == 0)
		*keep = OSC_KEEP_OFF;
	else if (pg_strcasecmp(text, "cleanup") == 0)
		*keep = OSC_KEEP_CLEANUP;
	else
	{
		*keep = OSC_KEEP_INTERVAL;
		return read_interval(text, ms);
	}
	return true;
}

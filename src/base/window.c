/*-------------------------------------------------------------------------
 *
 * window.c
 *	  A part of the day, such as '22:00-05:00': online_schema.swap_window.
 *
 * From the first minute to before the last, in the time zone that is in force
 * (a job's own, while it takes a step).  One that ends before it begins goes
 * over midnight.  The empty text is the whole day.  No locks.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <ctype.h>

#include "utils/timestamp.h"

#include "base/window.h"

#define MINUTES_OF_DAY (24 * 60)

/* read HH:MM and move on; -1 if it is none */
static int
read_minute(const char **s)
{
	int			hour,
				minute;

	if (!isdigit((unsigned char) (*s)[0]) || !isdigit((unsigned char) (*s)[1]) ||
		(*s)[2] != ':' ||
		!isdigit((unsigned char) (*s)[3]) || !isdigit((unsigned char) (*s)[4]))
		return -1;
	hour = ((*s)[0] - '0') * 10 + (*s)[1] - '0';
	minute = ((*s)[3] - '0') * 10 + (*s)[4] - '0';
	*s += 5;
	if (minute > 59 || hour * 60 + minute > MINUTES_OF_DAY)
		return -1;
	return hour * 60 + minute;
}

static bool
read_window(const char *text, int *from, int *to)
{
	*from = read_minute(&text);
	if (*from < 0 || *from == MINUTES_OF_DAY || *text++ != '-')
		return false;
	*to = read_minute(&text);
	return *to >= 0 && *text == '\0' && *from != *to;
}

/* is it empty, or two times of day, HH:MM-HH:MM, that differ? */
bool
osc_window_is_valid(const char *text)
{
	int			from,
				to;

	return text[0] == '\0' || read_window(text, &from, &to);
}

/*
 * Is it that part of the day now, in the time zone in force?  The text is
 * valid.
 */
bool
osc_window_is_open(const char *text)
{
	int			from,
				to,
				tz,
				now;
	struct pg_tm tm;
	fsec_t		fsec;

	if (text[0] == '\0' || !read_window(text, &from, &to))
		return true;
	if (timestamp2tm(GetCurrentTimestamp(), &tz, &tm, &fsec, NULL, NULL) != 0)
		return true;
	now = tm.tm_hour * 60 + tm.tm_min;
	return from < to ? now >= from && now < to : now >= from || now < to;
}

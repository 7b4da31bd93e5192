/*-------------------------------------------------------------------------
 *
 * sqitch.c
 *	  The order of the deploy scripts of a sqitch project.
 *
 * sqitch runs scripts in the order of sqitch.plan, whatever their names.  A
 * line of it is a change ("users [schema] 2024-... # note"), a tag ("@v1.0
 * ..."), a pragma ("%project=..."), a comment or empty.  A change that stands
 * there again was reworked: deploy/users.sql belongs to the last line of its
 * name, and deploy/users@v1.0.sql to the last one before the tag.
 *
 *-------------------------------------------------------------------------
 */
#include "sqitch.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* a script, and the line of the plan that it belongs to */
typedef struct Script
{
	char	   *name;
	size_t		line;			/* SIZE_MAX: none */
	size_t		place;			/* among the names, where lines are equal */
} Script;

/* the changes and tags of a plan, in order: "users", "@v1.0" */
static void
read_plan(const char *plan, Arena *arena, List *entries)
{
	while (*plan != '\0')
	{
		size_t		length = strcspn(plan, "\r\n");
		const char *end = plan + length;
		const char *word = plan;

		while (word < end && is_space(*word))
			word++;
		/* a change may be marked as deployed or reverted there */
		if (word < end && (*word == '+' || *word == '-'))
			word++;
		length = strcspn(word, " \t\r\n[#");
		if (length > 0 && *word != '%')
			list_push(entries, arena_strndup(arena, word, length));
		plan = end + strspn(end, "\r\n");
	}
}

/* the last entry of these bytes before a place */
static size_t
last_before(const List *entries, size_t before, const char *name, size_t length)
{
	for (size_t i = before; i-- > 0;)
	{
		const char *entry = entries->items[i];

		if (strlen(entry) == length && memcmp(entry, name, length) == 0)
			return i;
	}
	return SIZE_MAX;
}

/* the line of a script, by its path below deploy/ without ".sql" */
static size_t
line_of(const List *entries, const char *path, size_t length)
{
	size_t		line = last_before(entries, entries->count, path, length);
	const char *tag = memchr(path, '@', length);

	if (line == SIZE_MAX && tag != NULL)
	{
		size_t		tagged = last_before(entries, entries->count, tag, length - (size_t) (tag - path));

		if (tagged != SIZE_MAX)
			line = last_before(entries, tagged, path, (size_t) (tag - path));
	}
	return line;
}

static int
compare_scripts(const void *a, const void *b)
{
	const Script *left = a;
	const Script *right = b;

	if (left->line != right->line)
		return left->line < right->line ? -1 : 1;
	return left->place < right->place ? -1 : left->place > right->place;
}

/*
 * Sort the names of the .sql files below a folder of deploy scripts in the
 * order of the plan, those that it does not name last.
 */
void
sqitch_sort(const char *plan, const char *deploy, void **names, size_t count, Arena *arena)
{
	List		entries = {0};
	Script	   *scripts;

	if (count == 0)
		return;
	scripts = xmalloc(count * sizeof(Script));
	read_plan(plan, arena, &entries);
	for (size_t i = 0; i < count; i++)
	{
		const char *path = (char *) names[i] + strlen(deploy);

		path += strspn(path, "/");
		scripts[i] = (Script) {names[i], line_of(&entries, path, strlen(path) - strlen(".sql")), i};
	}
	qsort(scripts, count, sizeof(Script), compare_scripts);
	for (size_t i = 0; i < count; i++)
		names[i] = scripts[i].name;
	free(scripts);
	list_clear(&entries);
}

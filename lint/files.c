/*-------------------------------------------------------------------------
 *
 * files.c
 *	  Finding, reading and writing files.
 *
 * A folder stands for all *.sql below it, in the order in which people number
 * migrations; hidden folders are passed over.  Of a sqitch project it is the
 * deploy scripts, in the order of its plan.
 *
 *-------------------------------------------------------------------------
 */
#include "files.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sqitch.h"

#define MAX_FOLDERS 64			/* one in the other: links may go in circles */
#define CHUNK ((size_t) 64 * 1024)

static bool
ends_with(const char *name, const char *ending)
{
	size_t		length = strlen(name);
	size_t		tail = strlen(ending);

	return length > tail && same_word(name + length - tail, ending);
}

static int
compare_names(const void *a, const void *b)
{
	return natural_compare(*(const char *const *) a, *(const char *const *) b);
}

/* the names from a place on, below this folder, in the order of a sqitch plan if it has one */
static void
sort_by_plan(const char *folder, List *names, size_t from, Arena *arena)
{
	size_t		length = strlen(folder);
	char	   *plan;
	FileText	text;

	while (length > 0 && folder[length - 1] == '/')
		length--;
	if (length < 6 || strncmp(folder + length - 6, "deploy", 6) != 0 || (length > 6 && folder[length - 7] != '/'))
		return;
	plan = arena_printf(arena, "%s/../sqitch.plan", folder);
	if (access(plan, R_OK) != 0)
		return;
	text = read_file(plan, arena);
	if (text.data != NULL)
		sqitch_sort(text.data, folder, names->items + from, names->count - from, arena);
}

static bool
walk_folder(const char *path, int depth, Arena *arena, List *names, const char **message)
{
	DIR		   *folder = depth < MAX_FOLDERS ? opendir(path) : NULL;
	struct dirent *entry;
	List		entries = {0};
	size_t		before = names->count;
	bool		good = true;
	bool		sqitch;

	if (folder == NULL)
	{
		*message = arena_printf(arena, "could not read folder \"%s\": %s", path,
								depth < MAX_FOLDERS ? strerror(errno) : "too many folders in one another");
		return false;
	}
	while ((entry = readdir(folder)) != NULL)
		if (entry->d_name[0] != '.')
			list_push(&entries, arena_strdup(arena, entry->d_name));
	closedir(folder);
	if (entries.count > 0)
		qsort(entries.items, entries.count, sizeof(void *), compare_names);
	sqitch = access(arena_printf(arena, "%s/sqitch.plan", path), F_OK) == 0;
	for (size_t i = 0; good && i < entries.count; i++)
	{
		const char *name = entries.items[i];
		char	   *full = arena_printf(arena, "%s%s%s", path, path[strlen(path) - 1] == '/' ? "" : "/", name);
		struct stat status;

		if (stat(full, &status) != 0)
			continue;			/* a link to nowhere */
		if (S_ISDIR(status.st_mode))
			good = (sqitch && (strcmp(name, "revert") == 0 || strcmp(name, "verify") == 0)) ||
				walk_folder(full, depth + 1, arena, names, message);
		else if (S_ISREG(status.st_mode) && ends_with(name, ".sql"))
			list_push(names, full);
	}
	list_clear(&entries);
	sort_by_plan(path, names, before, arena);
	return good;
}

/*
 * Add the files that a path stands for to a list of names: itself, or the SQL
 * files of a folder.  False with a message if there are none to be had.
 */
bool
find_files(const char *path, Arena *arena, List *names, const char **message)
{
	struct stat status;
	size_t		before = names->count;

	if (stat(path, &status) != 0)
	{
		*message = arena_printf(arena, "could not open: %s", strerror(errno));
		return false;
	}
	if (!S_ISDIR(status.st_mode))
	{
		list_push(names, arena_strdup(arena, path));
		return true;
	}
	if (!walk_folder(path, 0, arena, names, message))
		return false;
	if (names->count == before)
	{
		*message = "there is no SQL file in this folder";
		return false;
	}
	return true;
}

/* Read a file, "-" for standard input.  The text lives in the arena. */
FileText
read_file(const char *path, Arena *arena)
{
	FileText	result = {0};
	Text		text = {0};
	FILE	   *file = strcmp(path, "-") == 0 ? stdin : fopen(path, "rb");
	char	   *buffer;
	size_t		got;

	if (file == NULL)
	{
		result.message = arena_printf(arena, "could not open: %s", strerror(errno));
		return result;
	}
	buffer = xmalloc(CHUNK);
	while ((got = fread(buffer, 1, CHUNK, file)) > 0)
		text_add(&text, buffer, got);
	free(buffer);
	if (ferror(file))
		result.message = arena_printf(arena, "could not read: %s", strerror(errno));
	else
	{
		result.length = text.length;
		result.data = arena_strndup(arena, text.data != NULL ? text.data : "", text.length);
	}
	if (file != stdin)
		fclose(file);
	text_free(&text);
	return result;
}

/*
 * Write a file so that it is there whole or as it was: beside it, then in its
 * place.  False with a message if that fails.
 */
bool
write_file(const char *path, const char *data, size_t length, Arena *arena, const char **message)
{
	char	   *real = realpath(path, NULL);
	char	   *temporary = arena_printf(arena, "%s.osc-lint.XXXXXX", real != NULL ? real : path);
	struct stat status;
	int			descriptor = -1;
	FILE	   *file = NULL;
	bool		good = real != NULL && stat(real, &status) == 0 && (descriptor = mkstemp(temporary)) >= 0 &&
		fchmod(descriptor, status.st_mode & 07777) == 0 && (file = fdopen(descriptor, "wb")) != NULL;

	if (good)
	{
		good = fwrite(data, 1, length, file) == length;
		good = fclose(file) == 0 && good;
		descriptor = -1;
	}
	good = good && rename(temporary, real) == 0;
	if (!good)
	{
		*message = arena_printf(arena, "could not write: %s", strerror(errno));
		if (descriptor >= 0)
			close(descriptor);
		unlink(temporary);
	}
	free(real);
	return good;
}

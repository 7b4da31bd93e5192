/*-------------------------------------------------------------------------
 *
 * files.h
 *	  Finding, reading and writing files.
 *
 *-------------------------------------------------------------------------
 */
#ifndef LINT_FILES_H
#define LINT_FILES_H

#include "util.h"

/* a file's bytes, terminated; data NULL: it could not be read */
typedef struct FileText
{
	char	   *data;
	size_t		length;
	const char *message;		/* why not */
} FileText;

extern bool find_files(const char *path, Arena *arena, List *names, const char **message);
extern FileText read_file(const char *path, Arena *arena);
extern bool write_file(const char *path, const char *data, size_t length, Arena *arena, const char **message);

#endif							/* LINT_FILES_H */

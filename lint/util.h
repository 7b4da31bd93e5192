/*-------------------------------------------------------------------------
 *
 * util.h
 *	  Memory in arenas, growing strings, and small things on text.
 *
 *-------------------------------------------------------------------------
 */
#ifndef LINT_UTIL_H
#define LINT_UTIL_H

#include <stdbool.h>
#include <stddef.h>

/* memory that is freed all at once */
typedef struct Arena
{
	struct ArenaBlock *blocks;
} Arena;

extern void *arena_alloc(Arena *arena, size_t size);
extern char *arena_strndup(Arena *arena, const char *text, size_t length);
extern char *arena_strdup(Arena *arena, const char *text);
extern char *arena_printf(Arena *arena, const char *format,...) __attribute__((format(printf, 2, 3)));
extern void arena_free(Arena *arena);

/* a string that grows; data is always terminated */
typedef struct Text
{
	char	   *data;
	size_t		length;
	size_t		size;
} Text;

extern void text_add(Text *text, const char *bytes, size_t length);
extern void text_puts(Text *text, const char *string);
extern void text_printf(Text *text, const char *format,...) __attribute__((format(printf, 2, 3)));
extern void text_free(Text *text);

/* an array of pointers that grows */
typedef struct List
{
	void	  **items;
	size_t		count;
	size_t		size;
} List;

extern void list_push(List *list, void *item);
extern void list_clear(List *list);

extern void *xmalloc(size_t size);
extern void *xrealloc(void *memory, size_t size);
extern bool same_word(const char *a, const char *b);
extern bool same_word_n(const char *a, size_t length, const char *b);
extern bool text_in(const char *word, const char *const *words);
extern size_t utf8_fault(const char *bytes, size_t length);
extern int	natural_compare(const char *a, const char *b);
extern bool is_space(char c);
extern bool is_ident_start(char c);
extern bool is_ident_char(char c);

#endif							/* LINT_UTIL_H */

/*-------------------------------------------------------------------------
 *
 * util.c
 *	  Memory in arenas, growing strings, and small things on text.
 *
 * Running out of memory ends the program with status 2, as everything else
 * that keeps a file from being read.
 *
 *-------------------------------------------------------------------------
 */
#include "util.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define BLOCK_SIZE ((size_t) 64 * 1024)

typedef struct ArenaBlock
{
	struct ArenaBlock *next;
	size_t		used;
	size_t		size;
	max_align_t data[];
} ArenaBlock;

/* Memory, or the end of the program. */
void *
xmalloc(size_t size)
{
	return xrealloc(NULL, size);
}

/* The same for more or less of it. */
void *
xrealloc(void *memory, size_t size)
{
	void	   *result = realloc(memory, size > 0 ? size : 1);

	if (result == NULL)
	{
		fputs("osc-lint: out of memory\n", stderr);
		exit(2);
	}
	return result;
}

/* Memory of zeros that lives until arena_free(). */
void *
arena_alloc(Arena *arena, size_t size)
{
	ArenaBlock *block = arena->blocks;
	void	   *result;

	size = (size + sizeof(max_align_t) - 1) / sizeof(max_align_t) * sizeof(max_align_t);
	if (block == NULL || block->size - block->used < size)
	{
		size_t		room = size > BLOCK_SIZE ? size : BLOCK_SIZE;

		block = xmalloc(sizeof(ArenaBlock) + room);
		block->next = arena->blocks;
		block->used = 0;
		block->size = room;
		arena->blocks = block;
	}
	result = (char *) block->data + block->used;
	block->used += size;
	memset(result, 0, size);
	return result;
}

/* A copy in the arena. */
char *
arena_strndup(Arena *arena, const char *text, size_t length)
{
	char	   *copy = arena_alloc(arena, length + 1);

	memcpy(copy, text, length);
	return copy;
}

/* A copy in the arena; NULL stays NULL. */
char *
arena_strdup(Arena *arena, const char *text)
{
	return text == NULL ? NULL : arena_strndup(arena, text, strlen(text));
}

/* A string in the arena, as by printf. */
char *
arena_printf(Arena *arena, const char *format,...)
{
	va_list		args;
	int			length;
	char	   *result;

	va_start(args, format);
	length = vsnprintf(NULL, 0, format, args);
	va_end(args);
	result = arena_alloc(arena, (size_t) length + 1);
	va_start(args, format);
	vsnprintf(result, (size_t) length + 1, format, args);
	va_end(args);
	return result;
}

/* Free all that was taken from it; it can be used again. */
void
arena_free(Arena *arena)
{
	while (arena->blocks != NULL)
	{
		ArenaBlock *next = arena->blocks->next;

		free(arena->blocks);
		arena->blocks = next;
	}
}

/* Append bytes. */
void
text_add(Text *text, const char *bytes, size_t length)
{
	if (text->size < text->length + length + 1)
	{
		text->size = (text->length + length + 1) * 2;
		text->data = xrealloc(text->data, text->size);
	}
	memcpy(text->data + text->length, bytes, length);
	text->length += length;
	text->data[text->length] = '\0';
}

/* Append a string. */
void
text_puts(Text *text, const char *string)
{
	text_add(text, string, strlen(string));
}

/* Append as by printf. */
void
text_printf(Text *text, const char *format,...)
{
	va_list		args;
	int			length;
	char	   *piece;

	va_start(args, format);
	length = vsnprintf(NULL, 0, format, args);
	va_end(args);
	piece = xmalloc((size_t) length + 1);
	va_start(args, format);
	vsnprintf(piece, (size_t) length + 1, format, args);
	va_end(args);
	text_add(text, piece, (size_t) length);
	free(piece);
}

/* Free it; it is empty afterwards. */
void
text_free(Text *text)
{
	free(text->data);
	*text = (Text) {0};
}

/* Append an item. */
void
list_push(List *list, void *item)
{
	if (list->count == list->size)
	{
		list->size = list->size > 0 ? list->size * 2 : 8;
		list->items = xrealloc(list->items, list->size * sizeof(void *));
	}
	list->items[list->count++] = item;
}

/* Free the list, not its items. */
void
list_clear(List *list)
{
	free(list->items);
	*list = (List) {0};
}

/* Equal but for the case of letters; NULL equals nothing. */
bool
same_word(const char *a, const char *b)
{
	return a != NULL && b != NULL && strcasecmp(a, b) == 0;
}

/* The same for a piece of text. */
bool
same_word_n(const char *a, size_t length, const char *b)
{
	return strlen(b) == length && strncasecmp(a, b, length) == 0;
}

/* Whether a list of words that ends with NULL holds the word. */
bool
text_in(const char *word, const char *const *words)
{
	if (word == NULL)
		return false;
	for (; *words != NULL; words++)
		if (strcmp(word, *words) == 0)
			return true;
	return false;
}

/* length of the well-formed sequence at the start, 0 if there is none */
static size_t
utf8_sequence(const unsigned char *s, size_t left)
{
	size_t		n;
	uint32_t	code;

	if (s[0] < 0x80)
		return s[0] == 0 ? 0 : 1;
	if (s[0] >= 0xC2 && s[0] <= 0xDF)
		n = 2;
	else if ((s[0] & 0xF0) == 0xE0)
		n = 3;
	else if (s[0] >= 0xF0 && s[0] <= 0xF4)
		n = 4;
	else
		return 0;
	if (left < n)
		return 0;
	code = s[0] & (0xFFu >> (n + 1));
	for (size_t i = 1; i < n; i++)
	{
		if ((s[i] & 0xC0) != 0x80)
			return 0;
		code = code << 6 | (s[i] & 0x3F);
	}
	if ((n == 3 && (code < 0x800 || (code >= 0xD800 && code <= 0xDFFF))) ||
		(n == 4 && (code < 0x10000 || code > 0x10FFFF)))
		return 0;
	return n;
}

/* Where text stops being UTF-8 without NUL bytes; its length if it is all well. */
size_t
utf8_fault(const char *bytes, size_t length)
{
	size_t		i = 0;

	while (i < length)
	{
		size_t		n = utf8_sequence((const unsigned char *) bytes + i, length - i);

		if (n == 0)
			break;
		i += n;
	}
	return i;
}

/* Order of file names as people see it: V2 before V10. */
int
natural_compare(const char *a, const char *b)
{
	while (*a != '\0' && *b != '\0')
	{
		if (*a >= '0' && *a <= '9' && *b >= '0' && *b <= '9')
		{
			size_t		na;
			size_t		nb;
			int			order;

			a += strspn(a, "0");
			b += strspn(b, "0");
			na = strspn(a, "0123456789");
			nb = strspn(b, "0123456789");
			if (na != nb)
				return na < nb ? -1 : 1;
			order = strncmp(a, b, na);
			if (order != 0)
				return order;
			a += na;
			b += nb;
			continue;
		}
		if (*a != *b)
			return (unsigned char) *a < (unsigned char) *b ? -1 : 1;
		a++;
		b++;
	}
	return (*a != '\0') - (*b != '\0');
}

/* What the server's scanner takes for white space. */
bool
is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' || c == '\v';
}

/* What may begin a name. */
bool
is_ident_start(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (unsigned char) c >= 0x80;
}

/* What may go on with a name. */
bool
is_ident_char(char c)
{
	return is_ident_start(c) || (c >= '0' && c <= '9') || c == '$';
}

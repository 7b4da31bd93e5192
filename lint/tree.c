/*-------------------------------------------------------------------------
 *
 * tree.c
 *	  The parse tree of one statement, as libpg_query's JSON tells it.
 *
 * The JSON comes from libpg_query itself, so it is well formed; it may be
 * nested deeply (a chain of operators), so neither the reader nor the walk
 * recurses.  Fields that have their default value are absent.
 *
 *-------------------------------------------------------------------------
 */
#include "tree.h"

#include <stdlib.h>
#include <string.h>

/* what a reader is at */
typedef struct Reader
{
	Arena	   *arena;
	const char *at;
} Reader;

/* append a code point as UTF-8; returns where it ends */
static char *
put_code_point(char *out, unsigned long code)
{
	if (code < 0x80)
		*out++ = (char) code;
	else if (code < 0x800)
	{
		*out++ = (char) (0xC0 | code >> 6);
		*out++ = (char) (0x80 | (code & 0x3F));
	}
	else
	{
		*out++ = (char) (0xE0 | code >> 12);
		*out++ = (char) (0x80 | (code >> 6 & 0x3F));
		*out++ = (char) (0x80 | (code & 0x3F));
	}
	return out;
}

/* a string in double quotes; the reader stands on the first of them */
static const char *
read_string(Reader *reader)
{
	const char *end = reader->at + 1;
	char	   *result;
	char	   *out;

	while (*end != '"' && *end != '\0')
		end += end[0] == '\\' && end[1] != '\0' ? 2 : 1;
	/* an escape never takes fewer bytes than what it stands for */
	result = out = arena_alloc(reader->arena, (size_t) (end - reader->at));
	for (const char *in = reader->at + 1; in < end; in++)
	{
		if (*in != '\\')
		{
			*out++ = *in;
			continue;
		}
		in++;
		switch (*in)
		{
			case 'n':
				*out++ = '\n';
				break;
			case 't':
				*out++ = '\t';
				break;
			case 'r':
				*out++ = '\r';
				break;
			case 'b':
				*out++ = '\b';
				break;
			case 'f':
				*out++ = '\f';
				break;
			case 'u':
				{
					char		digits[5] = {0};

					for (int i = 0; i < 4 && in + 1 < end; i++)
						digits[i] = *++in;
					out = put_code_point(out, strtoul(digits, NULL, 16));
					break;
				}
			default:
				*out++ = *in;
		}
	}
	reader->at = *end == '"' ? end + 1 : end;
	return result;
}

/* a number, true, false or null */
static const char *
read_word(Reader *reader)
{
	size_t		length = strcspn(reader->at, ",]} \t\r\n");
	const char *result = arena_strndup(reader->arena, reader->at, length);

	reader->at += length;
	return result;
}

static Node *
add_child(Reader *reader, Node *parent, const char *key)
{
	Node	   *node = arena_alloc(reader->arena, sizeof(Node));

	node->key = key;
	if (parent->last != NULL)
		parent->last->next = node;
	else
		parent->child = node;
	parent->last = node;
	return node;
}

/*
 * Read JSON.  The result lives in the arena.
 */
Node *
tree_parse(Arena *arena, const char *json)
{
	Reader		reader = {arena, json};
	Node	   *root = arena_alloc(arena, sizeof(Node));
	List		open = {0};
	Node	   *parent = root;
	const char *key = NULL;

	list_push(&open, root);
	while (*reader.at != '\0' && open.count > 0)
	{
		switch (*reader.at)
		{
			case '{':
			case '[':
				parent = add_child(&reader, parent, key);
				key = NULL;
				list_push(&open, parent);
				reader.at++;
				break;
			case '}':
			case ']':
				open.count--;
				parent = open.count > 0 ? open.items[open.count - 1] : root;
				reader.at++;
				break;
			case '"':
				{
					const char *text = read_string(&reader);

					if (*reader.at == ':')
						key = text;
					else
					{
						add_child(&reader, parent, key)->text = text;
						key = NULL;
					}
					break;
				}
			case ':':
			case ',':
			case ' ':
			case '\t':
			case '\r':
			case '\n':
				reader.at++;
				break;
			default:
				add_child(&reader, parent, key)->text = read_word(&reader);
				key = NULL;
		}
	}
	list_clear(&open);
	return root->child != NULL ? root->child : root;
}

/* The field of an object, or NULL; of NULL it is NULL. */
const Node *
tree_get(const Node *node, const char *key)
{
	if (node == NULL)
		return NULL;
	for (const Node *child = node->child; child != NULL; child = child->next)
		if (child->key != NULL && strcmp(child->key, key) == 0)
			return child;
	return NULL;
}

/* The same along a path of names with dots between them. */
const Node *
tree_path(const Node *node, const char *path)
{
	while (node != NULL)
	{
		size_t		length = strcspn(path, ".");
		const Node *child = node->child;

		while (child != NULL &&
			   (child->key == NULL || strlen(child->key) != length || strncmp(child->key, path, length) != 0))
			child = child->next;
		node = child;
		if (path[length] == '\0')
			break;
		path += length + 1;
	}
	return node;
}

/* The text of a field, or NULL. */
const char *
tree_text(const Node *node, const char *key)
{
	const Node *field = tree_get(node, key);

	return field == NULL ? NULL : field->text;
}

/* Whether a field is true. */
bool
tree_flag(const Node *node, const char *key)
{
	return tree_is(node, key, "true");
}

/* Whether a field has that text. */
bool
tree_is(const Node *node, const char *key, const char *text)
{
	const char *found = tree_text(node, key);

	return found != NULL && strcmp(found, text) == 0;
}

/* A field's number. */
long
tree_number(const Node *node, const char *key, long missing)
{
	const char *found = tree_text(node, key);

	return found == NULL ? missing : strtol(found, NULL, 10);
}

/* The text of a String node, or NULL. */
const char *
tree_string(const Node *node)
{
	const Node *value = tree_path(node, "String.sval");

	return value == NULL ? NULL : value->text;
}

/* The last of a list of String nodes: the name without its schema. */
const char *
tree_last_name(const Node *names)
{
	const char *result = NULL;

	if (names != NULL)
		for (const Node *name = names->child; name != NULL; name = name->next)
			result = tree_string(name);
	return result;
}

/*
 * Visit all nodes below and including the root, parents first: start with a
 * node of NULL and an empty stack, go on with the node returned until it is
 * NULL.  The caller frees the stack.
 */
const Node *
tree_walk(const Node *root, const Node *node, List *stack)
{
	if (node == NULL)
		return root;
	if (node != root && node->next != NULL)
		list_push(stack, (void *) node->next);
	if (node->child != NULL)
		return node->child;
	return stack->count > 0 ? stack->items[--stack->count] : NULL;
}

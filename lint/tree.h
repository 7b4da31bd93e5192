/*-------------------------------------------------------------------------
 *
 * tree.h
 *	  The parse tree of one statement, as libpg_query's JSON tells it.
 *
 *-------------------------------------------------------------------------
 */
#ifndef LINT_TREE_H
#define LINT_TREE_H

#include "util.h"

/*
 * A value: an object or array has children, in order; any other has text
 * (numbers and booleans as they are written).
 */
typedef struct Node
{
	const char *key;			/* name in the object around it; NULL in an array */
	const char *text;
	struct Node *child;
	struct Node *next;
	struct Node *last;			/* the last child, while the tree is built */
} Node;

extern Node *tree_parse(Arena *arena, const char *json);
extern const Node *tree_get(const Node *node, const char *key);
extern const Node *tree_path(const Node *node, const char *path);
extern const char *tree_text(const Node *node, const char *key);
extern bool tree_flag(const Node *node, const char *key);
extern bool tree_is(const Node *node, const char *key, const char *text);
extern long tree_number(const Node *node, const char *key, long missing);
extern const char *tree_string(const Node *node);
extern const char *tree_last_name(const Node *names);
extern const Node *tree_walk(const Node *root, const Node *node, List *stack);

#endif							/* LINT_TREE_H */

/*-------------------------------------------------------------------------
 *
 * row_error.c
 *	  The key of the row that an error is about, as a line of context.
 *
 * Between begin and end, an error raised while a row is being mapped gets the
 * context line "row with key (id)=(42) of table "t"", or, where rows have no
 * key, "row with ctid (0,1) of table "t"".  The key's output functions run in
 * the error's context, as those of COPY do.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/rel.h"

#include "mirror/row_error.h"

static void
row_error_callback(void *arg)
{
	OscRowErrorContext *context = arg;

	if (context->busy || context->map->current == NULL)
		return;
	context->busy = true;
	if (osc_key_is_place(&context->map->mapping->key))
		errcontext("row with ctid (%u,%u) of table \"%s\"",
				   ItemPointerGetBlockNumberNoCheck(&context->map->current->tts_tid),
				   ItemPointerGetOffsetNumberNoCheck(&context->map->current->tts_tid),
				   RelationGetRelationName(context->map->source));
	else
		errcontext("row with key %s of table \"%s\"",
				   osc_key_to_string(context->map, context->map->current),
				   RelationGetRelationName(context->map->source));
	context->busy = false;
}

/* from now on errors tell the row that the mapping has at work */
void
osc_row_errors_begin(OscRowErrorContext *context, OscMapExec *map)
{
	context->map = map;
	context->busy = false;
	context->callback.callback = row_error_callback;
	context->callback.arg = context;
	context->callback.previous = error_context_stack;
	error_context_stack = &context->callback;
}

void
osc_row_errors_end(OscRowErrorContext *context)
{
	error_context_stack = context->callback.previous;
}

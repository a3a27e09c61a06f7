#include "fastcgi/request_context.h"

#include <stdlib.h>

#include "base/arena.h"
#include "fastcgi/application.h"
#include "fastcgi/conn_answer.h"

struct request_context *
request_context_new(const struct application *app)
{
	struct request_context *context =
	    calloc(1, sizeof(*context) + app->request_bytes);

	if (context == NULL)
		abort();
	context->arena = arena_new();
	conn_init(&context->conn);
	return context;
}

void
request_context_free(struct request_context *context)
{
	if (context == NULL)
		return;
	conn_leave(&context->conn);
	arena_free(context->arena);
	free(context);
}

void
request_context_begin(
    struct request_context *context, const struct application *app)
{
	context->source = conn_source(&context->conn);
	context->refusal = ERR_OK;
	app->begin(
	    app->ctx, context->request, context->arena, &context->source);
}

void
request_context_refuse(struct request_context *context, enum err e)
{
	context->refusal = e;
}

static void
answer(struct request_context *context, const struct application *app)
{
	int64_t started_us = context->conn.started_us;
	const struct response *p;

	if (context->refusal == ERR_OK)
		p = app->handle(app->ctx, context->request, started_us);
	else
		p = app->refuse(
		    app->ctx, context->request, started_us, context->refusal);
	app->done(app->ctx, context->request,
	    conn_answer(&context->conn, context->arena, p));
}

bool
request_context_answer(struct request_context *context,
    const struct application *app, bool may_keep)
{
	bool kept;

	answer(context, app);
	kept = conn_finish(&context->conn, may_keep);
	arena_reset(context->arena);
	return kept;
}

bool
request_context_answer_last(
    struct request_context *context, const struct application *app)
{
	answer(context, app);
	body_buffer_free(&context->conn.body.received);
	arena_reset(context->arena);
	return context->conn.in.fd >= 0;
}

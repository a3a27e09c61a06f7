#include "fastcgi/seat.h"

#include <stdlib.h>

#include "base/arena.h"
#include "fastcgi/application.h"

struct seat *
seat_new(const struct application *app)
{
	struct seat *seat = calloc(1, sizeof(*seat) + app->request_bytes);

	if (seat == NULL)
		abort();
	seat->arena = arena_new();
	conn_init(&seat->conn);
	return seat;
}

void
seat_free(struct seat *seat)
{
	if (seat == NULL)
		return;
	conn_leave(&seat->conn);
	arena_free(seat->arena);
	free(seat);
}

void
seat_begin(struct seat *seat, const struct application *app)
{
	seat->source = conn_source(&seat->conn);
	seat->refusal = ERR_OK;
	app->begin(app->ctx, seat->request, seat->arena, &seat->source);
}

void
seat_refuse(struct seat *seat, enum err e)
{
	seat->refusal = e;
}

static void
answer(struct seat *seat, const struct application *app)
{
	int64_t begun_us = seat->conn.begun_us;
	const struct response *p;

	if (seat->refusal == ERR_OK)
		p = app->handle(app->ctx, seat->request, begun_us);
	else
		p = app->refuse(
		    app->ctx, seat->request, begun_us, seat->refusal);
	app->done(
	    app->ctx, seat->request, conn_answer(&seat->conn, seat->arena, p));
}

bool
seat_answer(struct seat *seat, const struct application *app, bool may_keep)
{
	bool kept;

	answer(seat, app);
	kept = conn_finish(&seat->conn, may_keep);
	arena_reset(seat->arena);
	return kept;
}

bool
seat_answer_last(struct seat *seat, const struct application *app)
{
	answer(seat, app);
	arena_reset(seat->arena);
	return seat->conn.fd >= 0;
}

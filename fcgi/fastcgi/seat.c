#include "fastcgi/seat.h"

#include <stdlib.h>

#include "base/arena.h"
#include "base/log.h"
#include "web/access.h"
#include "web/service.h"

struct seat *
seat_new(void)
{
	struct seat *seat = calloc(1, sizeof(*seat));

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
	arena_free(seat->arena);
	free(seat);
}

void
seat_begin(struct seat *seat, const struct service *s)
{
	seat->source = conn_source(&seat->conn);
	seat->req = (struct req){
		.arena = seat->arena,
		.source = &seat->source,
		.app = s->app,
	};
}

void
seat_refuse(struct seat *seat, enum err e)
{
	seat->req.refusal = e;
}

static void
answer(struct seat *seat, const struct service *s)
{
	seat->req.begun_us = seat->conn.begun_us;
	service_handle(s, &seat->req);
	access_end(
	    &seat->req, conn_answer(&seat->conn, seat->arena, &seat->req));
	log_set_request(NULL, NULL);
}

bool
seat_answer(struct seat *seat, const struct service *s, bool may_keep)
{
	bool kept;

	answer(seat, s);
	kept = conn_finish(&seat->conn, may_keep);
	arena_reset(seat->arena);
	return kept;
}

bool
seat_answer_last(struct seat *seat, const struct service *s)
{
	answer(seat, s);
	arena_reset(seat->arena);
	return seat->conn.fd >= 0;
}

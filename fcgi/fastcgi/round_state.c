#include "fastcgi/round_state.h"

#include "base/arena.h"
#include "fastcgi/conn.h"
#include "fastcgi/connection_table.h"
#include "fastcgi/request_context.h"

bool
round_may_keep(const struct round *r)
{
	return !atomic_load(r->draining);
}

void
round_park(struct request_context **context)
{
	(*context)->client->context = *context;
	*context = NULL;
}

void
round_take_parked(
    struct client_connection *client, struct request_context **place)
{
	request_context_free(*place);
	*place = client->context;
	client->context = NULL;
}

void
round_end_request(struct round *r, struct request_context **context)
{
	struct client_connection *client = (*context)->client;

	conn_leave(&(*context)->conn);
	arena_reset((*context)->arena);
	connection_close(r->table, client);
}

void
round_refuse(
    struct round *r, struct request_context **context, bool whole, enum err e)
{
	struct client_connection *client = (*context)->client;
	struct conn *c = &(*context)->conn;

	c->nonblocking = true;
	request_context_refuse(*context, e);
	client->since_us = r->now_us;
	if (!whole && request_context_answer_last(*context, r->app)) {
		client->answered = true;
		round_park(context);
		return;
	}
	if (whole &&
	    request_context_answer(*context, r->app, round_may_keep(r)) &&
	    !conn_has_more(c)) {
		conn_leave(c);
		return;
	}
	conn_leave(c);
	connection_close(r->table, client);
}

#include "fastcgi/round.h"

#include <stdbool.h>

#include "fastcgi/conn.h"
#include "fastcgi/connection_table.h"
#include "fastcgi/request_context.h"
#include "fastcgi/round_body.h"
#include "fastcgi/thread_pool.h"

void
round_release(struct round *r)
{
	for (int i = 0; i < ROUND_MAX; i++)
		request_context_free(r->contexts[i]);
}

static void
give_to_pool(struct round *r, struct request_context **context)
{
	struct client_connection *client = (*context)->client;
	enum err e;

	connection_lend(client);
	e = thread_pool_push(r->pool, context);
	if (e == ERR_OK)
		return;
	connection_take_back(client);
	round_refuse(r, context, /* whole= */ true, e);
}

/*
 * Continues a request depending on how much of it was read; returns false when
 * the request can be answered.
 */
static bool
go_on(struct round *r, struct request_context **context, enum conn_state state)
{
	switch (state) {
	case CONN_WHOLE:
		return false;
	case CONN_BODY:
		return round_begin_body(r, context);
	case CONN_HEAD:
		round_park(context);
		break;
	case CONN_NOTHING:
		conn_leave(&(*context)->conn);
		break;
	case CONN_OVER:
		round_end_request(r, context);
		break;
	}
	return true;
}

/* Begins a request that was received together with the previous one. */
static enum conn_state
read_next(struct round *r, struct request_context *context)
{
	context->conn.nonblocking = false;
	context->client->since_us = r->now_us;
	request_context_begin(context, r->app);
	conn_begin(&context->conn, context->arena);
	return conn_read_on(&context->conn, context->arena);
}

static void
answer(struct round *r, struct request_context **context)
{
	struct client_connection *client = (*context)->client;
	struct conn *c = &(*context)->conn;

	c->nonblocking = true;
	if (!request_context_answer(*context, r->app, round_may_keep(r))) {
		connection_close(r->table, client);
	} else if (conn_has_more(c)) {
		if (!go_on(r, context, read_next(r, *context)))
			give_to_pool(r, context);
	} else {
		conn_leave(c);
		client->since_us = r->now_us;
	}
}

/*
 * Skips the rest of a request that was answered before it had arrived
 * completely.
 */
static void
skip(struct round *r, struct client_connection *client,
    struct request_context **place)
{
	enum conn_state state = conn_skip_now(&client->context->conn);

	if (state == CONN_NOTHING)
		return;
	if (state == CONN_OVER || !client->context->conn.head.keep ||
	    !round_may_keep(r)) {
		connection_close(r->table, client);
		return;
	}
	/*
	 * nginx has sent the whole request, and may use the connection for
	 * another one.
	 */
	round_take_parked(client, place);
	client->answered = false;
	client->since_us = r->now_us;
	if (!conn_has_more(&(*place)->conn))
		conn_leave(&(*place)->conn);
	else if (!go_on(r, place, read_next(r, *place)))
		r->n++;
}

static enum conn_state
begin_request(struct round *r, struct client_connection *client,
    struct request_context **place)
{
	struct request_context *context;

	if (*place == NULL)
		*place = request_context_new(r->app);
	context = *place;
	context->client = client;
	conn_open(&context->conn, client->fd);
	request_context_begin(context, r->app);
	client->used = true;
	client->since_us = r->now_us;
	return conn_read_now(&context->conn, context->arena);
}

static enum conn_state
resume_request(struct client_connection *client, struct request_context **place)
{
	round_take_parked(client, place);
	return conn_read_on(&(*place)->conn, (*place)->arena);
}

void
round_receive(struct round *r, struct client_connection *client)
{
	struct request_context **place = &r->contexts[r->n];
	enum conn_state state;

	if (client->closing) {
		connection_close(r->table, client);
		return;
	}
	if (client->answered) {
		skip(r, client, place);
		return;
	}
	if (client->paused) { /* the only event of a paused connection is its
		                 end */
		connection_close(r->table, client);
		return;
	}
	if (client->body) {
		if (!round_go_on_with_body(r, client, place))
			r->n++;
		return;
	}
	state = client->context != NULL ? resume_request(client, place)
	                                : begin_request(r, client, place);
	if (!go_on(r, place, state))
		r->n++;
}

/* Selects the requests of the round that the loop answers by itself. */
static void
choose(struct round *r, bool *ret_ready)
{
	const struct application *app = r->app;
	void *requests[ROUND_MAX];

	for (size_t i = 0; i < r->n; i++) {
		requests[i] = r->contexts[i]->request;
		ret_ready[i] = app->is_nonblocking(app->ctx, requests[i]);
	}
	if (r->n > 0)
		app->prefetch(app->ctx, requests, ret_ready, r->n);
}

void
round_serve(struct round *r)
{
	const struct application *app = r->app;
	bool ready[ROUND_MAX] = { false };

	choose(r, ready);
	for (size_t i = 0; i < r->n; i++) {
		ready[i] = ready[i] && app->is_still_ready(
					   app->ctx, r->contexts[i]->request);
		if (ready[i])
			answer(r, &r->contexts[i]);
	}
	/*
	 * Give requests to threads after the others were answered, because
	 * waking a thread takes time.
	 */
	for (size_t i = 0; i < r->n; i++) {
		if (!ready[i])
			give_to_pool(r, &r->contexts[i]);
	}
	r->n = 0;
}

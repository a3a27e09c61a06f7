#include "fastcgi/round.h"

#include <malloc.h>
#include <stdbool.h>

#include "base/arena.h"
#include "base/attr.h"
#include "fastcgi/bodies.h"
#include "fastcgi/body_room.h"
#include "fastcgi/conn.h"
#include "fastcgi/connection_table.h"
#include "fastcgi/request_context.h"
#include "fastcgi/thread_pool.h"

enum { TRIM_BODIES = 32 };

void
round_release(struct round *r)
{
	for (int i = 0; i < ROUND_MAX; i++)
		request_context_free(r->contexts[i]);
}

static bool
may_keep(const struct round *r)
{
	return !atomic_load(r->draining);
}

/*
 * Stores the context with its connection until the rest of the request arrives.
 */
static void
park(struct request_context **context)
{
	(*context)->client->context = *context;
	*context = NULL;
}

/*
 * Moves the context that is stored in the connection into the round, and frees
 * the unused one there.
 */
static void
take_parked(struct client_connection *client, struct request_context **place)
{
	request_context_free(*place);
	*place = client->context;
	client->context = NULL;
}

/*
 * Closes a connection whose request cannot be answered: the web server has
 * disconnected, or the bytes that it sent are not FastCGI.
 */
static void
end_request(struct round *r, struct request_context **context)
{
	struct client_connection *client = (*context)->client;

	conn_leave(&(*context)->conn);
	arena_reset((*context)->arena);
	connection_close(r->table, client);
}

/*
 * Answers a request with an error.  The response does not wait for the rest of
 * the body, which is skipped when it arrives.  The connection stays open for
 * that: otherwise nginx might fail to send the body before it has read the
 * response, and answer 502 by itself.
 */
static void
refuse(
    struct round *r, struct request_context **context, bool whole, enum err e)
{
	struct client_connection *client = (*context)->client;
	struct conn *c = &(*context)->conn;

	c->nonblocking = true;
	request_context_refuse(*context, e);
	client->since_us = r->now_us;
	if (!whole && request_context_answer_last(*context, r->app)) {
		client->answered = true;
		park(context);
		return;
	}
	if (whole && request_context_answer(*context, r->app, may_keep(r)) &&
	    !conn_has_more(c)) {
		conn_leave(c);
		return;
	}
	conn_leave(c);
	connection_close(r->table, client);
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
	refuse(r, context, /* whole= */ true, e);
}

/* -- bodies on their way -- */

/*
 * Refuses a request whose body is still arriving.  The connection must not be
 * closed here, because an event of this round may still refer to it.
 */
static void
cut_off(struct round *r, struct client_connection *client, enum err e)
{
	struct request_context *context = client->context;

	connection_await_no_body(r->table, client);
	context->conn.nonblocking = true;
	request_context_refuse(context, e);
	client->since_us = r->now_us;
	if (request_context_answer_last(context, r->app))
		client->answered = true;
	else
		/*
		 * The event that reports the end of the connection closes it.
		 */
		client->closing = true;
}

/*
 * Returns true when one more request may wait for its body, if necessary in
 * place of another.
 */
static bool
make_room(struct round *r, const struct client_connection *client)
{
	struct client_connection *other;

	if (r->table->bodies < BODIES_MAX)
		return true;
	other = bodies_find_connection(r->table, client, r->now_us);
	if (other == NULL)
		return false;
	cut_off(r, other, ERR_TIMEOUT);
	return true;
}

/*
 * Takes room for the body; if there is not enough, takes it from slow bodies.
 */
static bool
take_room(struct round *r, struct client_connection *client)
{
	struct client_connection *other;

	while (!body_room_take(client->context->arena, client->body_bytes)) {
		other = bodies_find_room(r->table, client, r->now_us);
		if (other == NULL)
			return false;
		cut_off(r, other, ERR_TIMEOUT);
	}
	client->body_us = r->now_us;
	return true;
}

/*
 * Receives what has arrived of a body.  Returns false when the request has
 * arrived completely; its context is then in *context.
 */
static bool
go_on_with_body(struct round *r, struct client_connection *client,
    struct request_context **context)
{
	enum conn_state state = conn_receive_body(
	    &client->context->conn, client->context->arena, client->body_bytes);
	enum err e = ERR_OK;

	if (state == CONN_BODY && bodies_is_endless(client))
		e = ERR_TOO_LARGE;
	else if (state == CONN_BODY && !client->body && !make_room(r, client))
		e = ERR_UNAVAILABLE;
	if (e == ERR_OK && state == CONN_BODY) {
		connection_await_body(r->table, client);
		return true;
	}
	connection_await_no_body(r->table, client);
	take_parked(client, context);
	if (e != ERR_OK)
		refuse(r, context, /* whole= */ false, e);
	else if (state == CONN_OVER)
		end_request(r, context);
	return e != ERR_OK || state == CONN_OVER;
}

/* Lets a body wait for room.  Until it has room, nothing of it is received. */
static void
pause_body(struct round *r, struct client_connection *client,
    struct request_context **context)
{
	if (make_room(r, client)) {
		connection_await_body(r->table, client);
		connection_pause(r->table, client);
		return;
	}
	take_parked(client, context);
	refuse(r, context, /* whole= */ false, ERR_UNAVAILABLE);
}

/*
 * Resumes the paused bodies for which there is room now.  The next round
 * receives what has arrived of them.
 */
static void
resume_paused(struct round *r)
{
	static const enum body_class classes[] = { BODY_SMALL, BODY_LARGE };

	for (size_t i = 0; i < COUNT_OF(classes); i++) {
		struct client_connection *client;

		while ((client = bodies_find_paused(r->table, classes[i])) !=
			   NULL &&
		       take_room(r, client))
			connection_resume(r->table, client);
	}
}

/*
 * Called when the parameters have arrived, and the body has not.  A request for
 * which the thread pool has no room is refused now, and not only when its body
 * has arrived.
 */
static bool
begin_body(struct round *r, struct request_context **context)
{
	const struct application *app = r->app;
	struct client_connection *client = (*context)->client;
	enum err e;

	client->flow = app->flow_key(app->ctx, (*context)->request);
	e = thread_pool_check(r->pool, client->flow);
	if (e != ERR_OK) {
		refuse(r, context, /* whole= */ false, e);
		return true;
	}
	client->body_bytes = conn_bytes_to_keep(
	    &(*context)->conn, app->body_max(app->ctx, (*context)->request));
	park(context);
	if (!bodies_must_queue(r->table, client) && take_room(r, client))
		return go_on_with_body(r, client, context);
	pause_body(r, client, context);
	return true;
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
		return begin_body(r, context);
	case CONN_HEAD:
		park(context);
		break;
	case CONN_NOTHING:
		conn_leave(&(*context)->conn);
		break;
	case CONN_OVER:
		end_request(r, context);
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
	if (!request_context_answer(*context, r->app, may_keep(r))) {
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
	    !may_keep(r)) {
		connection_close(r->table, client);
		return;
	}
	/*
	 * nginx has sent the whole request, and may use the connection for
	 * another one.
	 */
	take_parked(client, place);
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
	take_parked(client, place);
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
		if (!go_on_with_body(r, client, place))
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

/*
 * Returns memory to the system after many bodies have arrived at the same time:
 * free() keeps memory that lies between pieces that are still in use.
 */
static void
trim(struct round *r)
{
	if (r->table->bodies > r->bodies_peak)
		r->bodies_peak = r->table->bodies;
	if (r->bodies_peak < TRIM_BODIES ||
	    r->table->bodies > r->bodies_peak / 2)
		return;
	r->bodies_peak = r->table->bodies;
	malloc_trim(0);
}

static void
cut_off_late(struct round *r, struct client_connection *client)
{
	bool ending = r->bodies_end_us != 0 && r->now_us >= r->bodies_end_us;

	if (ending || bodies_is_paused_long(client, r->now_us))
		cut_off(r, client, ERR_UNAVAILABLE);
	else if (bodies_is_late(client, r->app->body_timeout_us, r->now_us))
		cut_off(r, client, ERR_TIMEOUT);
}

void
round_sweep_bodies(struct round *r)
{
	if (r->table->paused > 0)
		resume_paused(r);
	if (r->now_us < r->body_sweep_us)
		return;
	r->body_sweep_us = r->now_us + ROUND_BODY_SWEEP_MS * 1000;
	trim(r);
	for (int i = 0; i < CONNECTIONS_MAX && r->table->bodies > 0; i++) {
		if (r->table->connections[i].body)
			cut_off_late(r, &r->table->connections[i]);
	}
	body_room_trim();
}

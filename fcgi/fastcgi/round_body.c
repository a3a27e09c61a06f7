#include "fastcgi/round_body.h"

#include <malloc.h>

#include "base/attr.h"
#include "fastcgi/bodies.h"
#include "fastcgi/body_room.h"
#include "fastcgi/conn.h"
#include "fastcgi/connection_table.h"
#include "fastcgi/request_context.h"
#include "fastcgi/round_state.h"
#include "fastcgi/thread_pool.h"

enum { TRIM_BODIES = 32 };

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

bool
round_go_on_with_body(struct round *r, struct client_connection *client,
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
	round_take_parked(client, context);
	if (e != ERR_OK)
		round_refuse(r, context, /* whole= */ false, e);
	else if (state == CONN_OVER)
		round_end_request(r, context);
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
	round_take_parked(client, context);
	round_refuse(r, context, /* whole= */ false, ERR_UNAVAILABLE);
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

bool
round_begin_body(struct round *r, struct request_context **context)
{
	const struct application *app = r->app;
	struct client_connection *client = (*context)->client;
	enum err e;

	client->flow = app->flow_key(app->ctx, (*context)->request);
	e = thread_pool_check(r->pool, client->flow);
	if (e != ERR_OK) {
		round_refuse(r, context, /* whole= */ false, e);
		return true;
	}
	client->body_bytes = conn_bytes_to_keep(
	    &(*context)->conn, app->body_max(app->ctx, (*context)->request));
	round_park(context);
	if (!bodies_must_queue(r->table, client) && take_room(r, client))
		return round_go_on_with_body(r, client, context);
	pause_body(r, client, context);
	return true;
}

/*
 * Returns memory to the system after many bodies have arrived at the same time:
 * free() keeps memory that lies between pieces that are still in use.
 */
static void
trim(struct round *r)
{
	struct connection_table *t = r->table;

	if (t->bodies_peak < TRIM_BODIES || t->bodies > t->bodies_peak / 2)
		return;
	t->bodies_peak = t->bodies;
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

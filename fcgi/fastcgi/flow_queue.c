#include "fastcgi/flow_queue.h"

#include <assert.h>
#include <stddef.h>
#include <stdlib.h>

#include "fastcgi/request_context.h"

enum { BUCKETS = 256 }; /* lists in the hash table; a power of two */

struct flow {
	uint64_t key;
	/*
	 * The next flow with the same hash; for a spare flow, the next spare
	 * one.
	 */
	struct flow *bucket_next;
	struct flow *turn_next; /* the next flow in turn, of those that may have
	                           a thread */
	struct request_context *first;
	struct request_context **last; /* where the next request is linked */
	int waiting;
	int running;
};

struct flow_queue {
	struct flow_queue_options options;
	int count; /* number of requests, waiting and running */
	int ready; /* the result of flow_queue_ready() */
	struct flow *buckets[BUCKETS];
	struct flow *turn_first;
	struct flow **turn_last;
	struct flow *spare;
	/*
	 * There are options.max flows: enough, because each flow in use has at
	 * least one request.
	 */
	struct flow flows[];
};

struct flow_queue *
flow_queue_new(const struct flow_queue_options *options)
{
	size_t n = (size_t)options->max;
	struct flow_queue *q = calloc(1, sizeof(*q) + n * sizeof(struct flow));

	assert(options->running_max > 0 && options->flow_max > 0);
	assert(options->max > 0);
	if (q == NULL)
		abort();
	q->options = *options;
	q->turn_last = &q->turn_first;
	for (size_t i = n; i-- > 0;) {
		q->flows[i].bucket_next = q->spare;
		q->spare = &q->flows[i];
	}
	return q;
}

void
flow_queue_free(struct flow_queue *q)
{
	assert(q == NULL || q->count == 0);
	free(q);
}

/* -- flows by key -- */

static struct flow **
bucket_of(struct flow_queue *q, uint64_t key)
{
	return &q->buckets[key % BUCKETS];
}

static struct flow *
find_flow(const struct flow_queue *q, uint64_t key)
{
	struct flow *f = q->buckets[key % BUCKETS];

	while (f != NULL && f->key != key)
		f = f->bucket_next;
	return f;
}

static struct flow *
add_flow(struct flow_queue *q, uint64_t key)
{
	struct flow *f = q->spare, **bucket = bucket_of(q, key);

	assert(
	    f != NULL); /* there are as many flows as there can be requests */
	q->spare = f->bucket_next;
	*f = (struct flow){ .key = key, .bucket_next = *bucket };
	f->last = &f->first;
	*bucket = f;
	return f;
}

static void
remove_flow(struct flow_queue *q, struct flow *f)
{
	struct flow **at = bucket_of(q, f->key);

	while (*at != f)
		at = &(*at)->bucket_next;
	*at = f->bucket_next;
	f->bucket_next = q->spare;
	q->spare = f;
}

/* -- turns -- */

/* How many of the flow's waiting requests may be given a thread now. */
static int
ready_of(const struct flow_queue *q, const struct flow *f)
{
	int room = q->options.running_max - f->running;

	return f->waiting < room ? f->waiting : room;
}

static void
append_turn(struct flow_queue *q, struct flow *f)
{
	f->turn_next = NULL;
	*q->turn_last = f;
	q->turn_last = &f->turn_next;
}

static struct flow *
take_turn(struct flow_queue *q)
{
	struct flow *f = q->turn_first;

	if (f == NULL)
		return NULL;
	q->turn_first = f->turn_next;
	if (q->turn_first == NULL)
		q->turn_last = &q->turn_first;
	return f;
}

static enum err
look(const struct flow_queue *q, const struct flow *f)
{
	if (q->count == q->options.max)
		return ERR_UNAVAILABLE;
	if (f != NULL && f->waiting + f->running >= q->options.flow_max)
		return ERR_RATE_LIMITED;
	return ERR_OK;
}

enum err
flow_queue_look(const struct flow_queue *q, uint64_t key)
{
	return look(q, find_flow(q, key));
}

enum err
flow_queue_push(
    struct flow_queue *q, uint64_t key, struct request_context *context)
{
	struct flow *f = find_flow(q, key);
	enum err e = look(q, f);
	int before;

	if (e != ERR_OK)
		return e;
	if (f == NULL)
		f = add_flow(q, key);
	before = ready_of(q, f);
	context->flow = f;
	context->next = NULL;
	*f->last = context;
	f->last = &context->next;
	f->waiting++;
	q->count++;
	q->ready += ready_of(q, f) - before;
	if (before == 0 && ready_of(q, f) > 0)
		append_turn(q, f);
	return ERR_OK;
}

struct request_context *
flow_queue_pop(struct flow_queue *q)
{
	struct flow *f = take_turn(q);
	struct request_context *context;

	if (f == NULL)
		return NULL;
	q->ready -= ready_of(q, f);
	context = f->first;
	f->first = context->next;
	if (f->first == NULL)
		f->last = &f->first;
	context->next = NULL;
	f->waiting--;
	f->running++;
	q->ready += ready_of(q, f);
	if (ready_of(q, f) > 0)
		append_turn(q, f);
	return context;
}

void
flow_queue_done(struct flow_queue *q, struct request_context *context)
{
	struct flow *f = context->flow;
	int before = ready_of(q, f);

	assert(f->running > 0);
	f->running--;
	q->count--;
	context->flow = NULL;
	q->ready += ready_of(q, f) - before;
	if (before == 0 && ready_of(q, f) > 0)
		append_turn(q, f);
	if (f->running + f->waiting == 0)
		remove_flow(q, f);
}

int
flow_queue_ready(const struct flow_queue *q)
{
	return q->ready;
}

bool
flow_queue_is_empty(const struct flow_queue *q)
{
	return q->count == 0;
}

#include "job/job_print.h"

#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/str.h"
#include "base/utf8.h"
#include "job/job_admin.h"
#include "job/job_queues.h"
#include "job/text_table.h"

enum { ERROR_SHOWN_MAX = 60 /* bytes of an error message that a list shows */ };

/* Returns the first line of an error message, cut to ERROR_SHOWN_MAX bytes. */
static const char *
shorten(struct arena *a, const char *text)
{
	size_t len;

	if (text == NULL)
		return NULL;
	len = utf8_cut(text, strcspn(text, "\n"), ERROR_SHOWN_MAX);
	return arena_printf(
	    a, "%.*s%s", (int)len, text, text[len] != '\0' ? " ..." : "");
}

void
job_print_list(
    struct arena *a, struct buf *b, const struct job_view *jobs, int64_t count)
{
	static const char *const headings[] = { "ID", "STATE", "KIND", "QUEUE",
		"ATTEMPT", "RUN AT", "LAST ERROR", NULL };
	struct text_table table;

	text_table_init(&table, a, headings);
	for (int64_t i = 0; i < count; i++) {
		const struct job_view *j = &jobs[i];
		const char *const cells[] = { j->id, j->state, j->kind,
			j->queue,
			arena_printf(a, "%lld/%lld", (long long)j->attempt,
			    (long long)j->max_attempts),
			j->run_at, shorten(a, j->last_error) };

		text_table_add(&table, cells);
	}
	text_table_write(&table, b);
}

static void
put_line(struct arena *a, struct buf *b, const char *name, const char *value)
{
	if (value != NULL)
		buf_printf(b, "%-10s %s\n", name, text_printable(a, value));
}

static void
put_attempts(struct arena *a, struct buf *b, const struct objects *attempts)
{
	static const char *const headings[] = { "ATTEMPT", "STARTED", "ENDED",
		"OUTCOME", "WORKER", "ERROR", NULL };
	const struct job_attempt *items = attempts->items;
	struct text_table table;

	if (attempts->count == 0)
		return;
	text_table_init(&table, a, headings);
	for (size_t i = 0; i < attempts->count; i++) {
		const struct job_attempt *one = &items[i];
		const char *const cells[] = { arena_i64(a, one->attempt),
			one->started_at, one->ended_at, one->outcome,
			one->worker, one->error };

		text_table_add(&table, cells);
	}
	buf_putc(b, '\n');
	text_table_write(&table, b);
}

void
job_print_detail(struct arena *a, struct buf *b, const struct job_view *j)
{
	put_line(a, b, "id", j->id);
	put_line(a, b, "kind", j->kind);
	put_line(a, b, "queue", j->queue);
	put_line(a, b, "state",
	    j->cancel_requested && j->finished_at == NULL
		? "running, asked to stop"
		: j->state);
	put_line(a, b, "priority", arena_i64(a, j->priority));
	put_line(a, b, "attempt",
	    arena_printf(a, "%lld of %lld", (long long)j->attempt,
		(long long)j->max_attempts));
	for (size_t i = 0; i < j->tags.count; i++)
		put_line(a, b, "tag", j->tags.items[i]);
	put_line(a, b, "created", j->created_at);
	put_line(a, b, "run at", j->run_at);
	put_line(a, b, "started", j->started_at);
	put_line(a, b, "finished", j->finished_at);
	put_line(a, b, "worker", j->worker);
	put_line(a, b, "request", j->request_id);
	put_line(a, b, "trace", j->trace_id);
	put_line(a, b, "payload", j->payload);
	put_line(a, b, "result", j->result);
	put_attempts(a, b, &j->attempts);
}

void
job_print_queues(struct arena *a, struct buf *b,
    const struct job_queue_view *queues, int count)
{
	static const char *const headings[] = { "QUEUE", "STATE", "LIMIT",
		"AVAILABLE", "SCHEDULED", "RETRYABLE", "RUNNING", "OLDEST",
		NULL };
	struct text_table table;

	text_table_init(&table, a, headings);
	for (int i = 0; i < count; i++) {
		const struct job_queue_view *q = &queues[i];
		const char *const cells[] = { q->name,
			q->paused ? "paused" : "open",
			q->concurrency != 0 ? arena_i64(a, q->concurrency)
					    : NULL,
			arena_i64(a, q->available), arena_i64(a, q->scheduled),
			arena_i64(a, q->retryable), arena_i64(a, q->running),
			q->oldest_at != NULL ? arena_printf(a, "%lld s",
						   (long long)q->oldest_age_s)
					     : NULL };

		text_table_add(&table, cells);
	}
	text_table_write(&table, b);
}

void
job_print_schedules(
    struct arena *a, struct buf *b, const struct job_schedule_list *list)
{
	static const char *const headings[] = { "SCHEDULE", "CRON", "TIME ZONE",
		"KIND", "NEXT", "LAST", NULL };
	struct text_table table;

	text_table_init(&table, a, headings);
	for (int i = 0; i < list->count; i++) {
		const struct job_schedule_view *s = &list->items[i];
		const char *const cells[] = { s->name, s->cron, s->timezone,
			s->kind, s->next_at, s->last_at };

		text_table_add(&table, cells);
	}
	text_table_write(&table, b);
}

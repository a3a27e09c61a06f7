#include "job/job_set.h"

#include <assert.h>
#include <stddef.h>
#include <string.h>

#include "base/arena.h"
#include "base/json.h"
#include "base/log.h"
#include "base/str.h"
#include "job/cron.h"
#include "job/job_kind.h"
#include "job/log_events.h"

enum { NAME_MAX_BYTES = 100, ATTEMPTS_MAX = 1000 };

const struct job_kind *
job_set_kind_at(const struct job_set *set, int index)
{
	int n = 0;

	for (const struct job_kind *const *list = set->kinds; *list != NULL;
	     list++) {
		for (const struct job_kind *k = *list; k->name != NULL; k++) {
			if (n++ == index)
				return k;
		}
	}
	return NULL;
}

int
job_set_count_kinds(const struct job_set *set)
{
	int n = 0;

	while (job_set_kind_at(set, n) != NULL)
		n++;
	return n;
}

int
job_set_kind_index(const struct job_set *set, const char *name)
{
	int n = 0;

	for (const struct job_kind *const *list = set->kinds; *list != NULL;
	     list++) {
		for (const struct job_kind *k = *list; k->name != NULL; k++) {
			if (strcmp(k->name, name) == 0)
				return n;
			n++;
		}
	}
	return -1;
}

const struct job_kind *
job_set_kind(const struct job_set *set, const char *name)
{
	int index = job_set_kind_index(set, name);

	return index < 0 ? NULL : job_set_kind_at(set, index);
}

static int
add_queue(struct job_queue out[JOB_QUEUES_MAX], int n, const char *name,
    int64_t concurrency)
{
	for (int i = 0; i < n; i++) {
		if (str_eq(out[i].name, name))
			return n;
	}
	assert(n < JOB_QUEUES_MAX);
	out[n] = (struct job_queue){ name, concurrency };
	return n + 1;
}

int
job_set_queues(const struct job_set *set, struct job_queue out[JOB_QUEUES_MAX])
{
	const struct job_kind *kind;
	int n = 0;

	for (const struct job_queue *q = set->queues;
	     q != NULL && q->name != NULL; q++)
		n = add_queue(out, n, q->name, q->concurrency);
	for (int i = 0; (kind = job_set_kind_at(set, i)) != NULL; i++)
		n = add_queue(out, n, job_kind_queue(kind), 0);
	/* SQL puts jobs that name no queue into this one. */
	return add_queue(out, n, "default", 0);
}

/* -- checking -- */

static bool
log_problem(const char *what, const char *name, const char *problem)
{
	log_event(LOG_ERROR, EVENT_JOB_DECLARATION_INVALID,
	    LOG_TEXT("declaration", what), LOG_TEXT("name", name),
	    LOG_TEXT("problem", problem));
	return false;
}

/* Checks a name. The CHECK constraints of the tables require the same. */
static bool
is_name(const char *name)
{
	size_t len = strlen(name);

	if (len > NAME_MAX_BYTES || name[0] < 'a' || name[0] > 'z')
		return false;
	return strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789._-") == len;
}

static bool
check_kind(const struct job_set *set, int index, const struct job_kind *k)
{
	bool good = true;

	if (!is_name(k->name) || !is_name(job_kind_queue(k)))
		good = log_problem("kind", k->name,
		    "its name and its queue's may have only a-z, 0-9, '.', '_' "
		    "and '-'");
	if (job_set_kind_index(set, k->name) != index)
		good = log_problem("kind", k->name, "its name is used twice");
	if ((k->handle == NULL) == (k->program == NULL))
		good = log_problem("kind", k->name,
		    "it must have either a handler or a program");
	if (k->program != NULL && strchr(k->program, '/') != NULL)
		good = log_problem("kind", k->name,
		    "its program must be a file name without '/'");
	if (k->time_limit_s < 0 || k->max_attempts < 0 ||
	    k->max_attempts > ATTEMPTS_MAX || k->backoff.base_s < 0 ||
	    k->backoff.max_s < 0 ||
	    (k->backoff.max_s > 0 && k->backoff.max_s < k->backoff.base_s))
		good = log_problem("kind", k->name, "a number is out of range");
	return good;
}

static bool
is_json(const char *text)
{
	struct arena *a = arena_new();
	const char *problem;
	bool good =
	    text == NULL || json_read(a, text, strlen(text), &problem) != NULL;

	arena_free(a);
	return good;
}

static bool
check_schedule(const struct job_set *set, const struct job_schedule *s)
{
	const char *problem;
	struct cron cron;
	bool good = true;

	if (!cron_read(s->cron, &cron, &problem))
		good = log_problem("schedule", s->name, problem);
	if (job_set_kind(set, s->kind) == NULL)
		good = log_problem(
		    "schedule", s->name, "its kind is not declared");
	if (s->single && s->catch_up == CATCH_UP_ALL)
		good = log_problem("schedule", s->name,
		    "CATCH_UP_ALL and single exclude each other");
	if (!is_json(s->payload))
		good = log_problem(
		    "schedule", s->name, "its payload is not valid JSON");
	for (const struct job_schedule *i = set->schedules; i != s; i++) {
		if (str_eq(i->name, s->name))
			good = log_problem(
			    "schedule", s->name, "its name is used twice");
	}
	return good;
}

bool
job_set_check(const struct job_set *set)
{
	int n = job_set_count_kinds(set);
	bool good = true;

	if (n > JOB_KINDS_MAX)
		return log_problem("kind", job_set_kind_at(set, n - 1)->name,
		    "there are too many kinds");
	for (int i = 0; i < n; i++)
		good &= check_kind(set, i, job_set_kind_at(set, i));
	for (const struct job_queue *q = set->queues;
	     q != NULL && q->name != NULL; q++) {
		if (!is_name(q->name) || q->concurrency < 0)
			good = log_problem("queue", q->name,
			    "its name or its concurrency is not valid");
	}
	for (const struct job_schedule *s = set->schedules;
	     s != NULL && s->name != NULL; s++)
		good &= check_schedule(set, s);
	return good;
}

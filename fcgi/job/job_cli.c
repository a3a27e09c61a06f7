#include "job/job_cli.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/attr.h"
#include "base/buf.h"
#include "base/str.h"
#include "base/uuid.h"
#include "job/job_admin.h"
#include "job/job_audit.h"
#include "job/job_print.h"
#include "job/job_queues.h"
#include "job/job_service.h"
#include "job/job_view.h"

enum {
	EXIT_FAILED = 1,
	EXIT_USAGE = 2,
	LIMIT_DEFAULT = 50,
	LIMIT_MAX = 10000,
	OUTPUT_MAX_BYTES = 256 << 20,
};

/* The command line of `SERVICE jobs`, and what the command needs to run. */
struct cli {
	struct job_service *service;
	const struct job_set *set;
	struct db *db;
	struct arena *arena;
	bool json;
	struct job_filter filter;
	char **words; /* the arguments after the verb, without options */
	int nwords;
	struct buf out;
};

static int
usage(const struct cli *c)
{
	const char *name = c->service->name;

	fprintf(stderr,
	    "usage: %s jobs list [--state STATE] [--kind KIND]"
	    " [--queue QUEUE] [--tag TAG]\n"
	    "           [--limit N]\n"
	    "       %s jobs show ID\n"
	    "       %s jobs retry|cancel ID ...\n"
	    "       %s jobs enqueue KIND [PAYLOAD-JSON]\n"
	    "       %s jobs queues\n"
	    "       %s jobs pause|resume QUEUE\n"
	    "       %s jobs schedules\n"
	    "All commands accept --json.\n",
	    name, name, name, name, name, name, name);
	return EXIT_USAGE;
}

static int
fail(const struct cli *c, const char *what)
{
	fprintf(stderr, "%s: %s\n", c->service->name, what);
	return EXIT_FAILED;
}

static int
fail_by(const struct cli *c, enum err e)
{
	return fail(c, e == ERR_UNAVAILABLE
			   ? "the database does not answer"
			   : "failed; see the log for the reason");
}

static int
finish(struct cli *c)
{
	if (buf_failed(&c->out))
		return fail(c, "the output is too large; use --limit");
	return fputs(c->out.data, stdout) == EOF || fflush(stdout) != 0
	           ? fail(c, "cannot write the output")
	           : 0;
}

/* Prints the items as a JSON array, one item per line. */
static int
finish_json(
    struct cli *c, const struct schema *schema, const void *items, size_t count)
{
	const char *item = items;

	buf_putc(&c->out, '[');
	for (size_t i = 0; i < count; i++, item += schema->size) {
		buf_puts(&c->out, i > 0 ? ",\n" : "\n");
		schema_write(schema, &c->out, item);
	}
	buf_puts(&c->out, "\n]\n");
	return finish(c);
}

/* -- list -- */

/*
 * Collects pages of jobs until the limit is reached. A page may be short
 * although another follows (job_admin.h).
 */
static enum err
collect(struct cli *c, struct job_view *items, int64_t *ret_count)
{
	struct job_filter f = c->filter;
	int64_t count = 0;
	struct job_list page;
	enum err e;

	do {
		f.limit = c->filter.limit - count;
		e = job_admin_list(c->db, c->arena, &f, &page);
		if (e != ERR_OK)
			return e;
		memcpy(items + count, page.items,
		    (size_t)page.count * sizeof(*items));
		count += page.count;
		f.before_id = page.next;
	} while (page.next != NULL && count < c->filter.limit);
	*ret_count = count;
	return ERR_OK;
}

static int
run_list(struct cli *c)
{
	struct job_view *jobs;
	int64_t count;
	enum err e;

	if (c->nwords != 0)
		return usage(c);
	jobs = arena_alloc(c->arena, (size_t)c->filter.limit * sizeof(*jobs));
	e = collect(c, jobs, &count);
	if (e != ERR_OK)
		return fail_by(c, e);
	if (c->json)
		return finish_json(c, &job_summary_schema, jobs, (size_t)count);
	job_print_list(c->arena, &c->out, jobs, count);
	return finish(c);
}

/* -- show -- */

/* Reports that no job has this id; also used for a text that is not a UUID. */
static int
fail_no_job(const struct cli *c, const char *id)
{
	fprintf(stderr, "%s: there is no job %s\n", c->service->name, id);
	return EXIT_FAILED;
}

static int
show(struct cli *c, const char *id)
{
	struct job_detail whole;
	struct job_view job;
	enum err e;

	e = uuid_valid(id) ? job_admin_find(c->db, c->arena, id, &job)
	                   : ERR_NOT_FOUND;
	if (e == ERR_NOT_FOUND)
		return fail_no_job(c, id);
	if (e != ERR_OK)
		return fail_by(c, e);
	if (c->json) {
		job_view_detail(c->arena, &job, &whole);
		schema_write(&job_detail_schema, &c->out, &whole);
		buf_putc(&c->out, '\n');
	} else {
		job_print_detail(c->arena, &c->out, &job);
	}
	return finish(c);
}

static int
run_show(struct cli *c)
{
	return c->nwords == 1 ? show(c, c->words[0]) : usage(c);
}

/* -- retry, cancel, enqueue -- */

typedef enum err change_job(struct db *db, struct arena *a,
    const struct audit_who *who, const char *id, enum job_refusal *ret_refusal);

/*
 * Prints the changed job, or an error message. Returns false if the job was not
 * changed.
 */
static bool
change(struct cli *c, change_job *how, const char *id)
{
	const struct audit_who who = audit_who_of_command(c->arena);
	enum job_refusal refusal;
	struct job_view job;
	enum err e;

	e = uuid_valid(id) ? how(c->db, c->arena, &who, id, &refusal)
	                   : ERR_NOT_FOUND;
	if (e == ERR_OK)
		e = job_admin_find(c->db, c->arena, id, &job);
	if (e == ERR_NOT_FOUND)
		(void)fail_no_job(c, id);
	else if (e == ERR_CONFLICT)
		fprintf(stderr, "%s: %s: %s\n", c->service->name, id,
		    job_refusal_message(refusal));
	else if (e != ERR_OK)
		(void)fail_by(c, e);
	else if (c->json)
		schema_write(&job_summary_schema, &c->out, &job);
	else
		buf_printf(&c->out, "%s %s", job.id,
		    job.cancel_requested ? "running, asked to stop"
					 : job.state);
	if (e == ERR_OK)
		buf_putc(&c->out, '\n');
	return e == ERR_OK;
}

static int
change_all(struct cli *c, change_job *how)
{
	int status = 0;

	if (c->nwords == 0)
		return usage(c);
	for (int i = 0; i < c->nwords; i++) {
		if (!change(c, how, c->words[i]))
			status = EXIT_FAILED;
	}
	return finish(c) == 0 ? status : EXIT_FAILED;
}

static int
run_retry(struct cli *c)
{
	return change_all(c, job_audit_retry);
}

static int
run_cancel(struct cli *c)
{
	return change_all(c, job_audit_cancel);
}

static int
run_enqueue(struct cli *c)
{
	const struct audit_who who = audit_who_of_command(c->arena);
	struct job_payload_problem problem;
	struct job_audit_order order;
	const char *id;
	enum err e;

	if (c->nwords != 1 && c->nwords != 2)
		return usage(c);
	order = (struct job_audit_order){
		.set = c->set,
		.kind = c->words[0],
		.payload = c->nwords == 2 ? c->words[1] : "{}",
	};
	e = job_audit_enqueue(c->db, c->arena, &who, &order, &id, &problem);
	if (e == ERR_NOT_FOUND)
		return fail(c, "there is no kind of that name");
	if (e == ERR_FORBIDDEN)
		return fail(
		    c, "only the service itself may enqueue jobs of that kind");
	if (e == ERR_INVALID)
		return fail(
		    c, arena_printf(c->arena, "payload: %s%s%s", problem.field,
			   *problem.field != '\0' ? " " : "", problem.message));
	return e == ERR_OK ? show(c, id) : fail_by(c, e);
}

/* -- queues and schedules -- */

static int
show_queues(struct cli *c, const struct job_queue_view *queues, int count)
{
	if (c->json)
		return finish_json(c, &job_queue_schema, queues, (size_t)count);
	job_print_queues(c->arena, &c->out, queues, count);
	return finish(c);
}

static int
run_queues(struct cli *c)
{
	struct job_queue_list list;
	enum err e;

	if (c->nwords != 0)
		return usage(c);
	e = job_queues_list(c->db, c->arena, c->set, &list);
	return e == ERR_OK ? show_queues(c, list.items, list.count)
	                   : fail_by(c, e);
}

static int
set_paused(struct cli *c, bool paused)
{
	const struct audit_who who = audit_who_of_command(c->arena);
	struct job_queue_view queue;
	enum err e;

	if (c->nwords != 1)
		return usage(c);
	e = job_audit_pause(c->db, c->arena, &who, c->set, c->words[0], paused);
	if (e == ERR_OK)
		e = job_queues_find(
		    c->db, c->arena, c->set, c->words[0], &queue);
	if (e == ERR_NOT_FOUND)
		return fail(c, "there is no queue of that name");
	return e == ERR_OK ? show_queues(c, &queue, 1) : fail_by(c, e);
}

static int
run_pause(struct cli *c)
{
	return set_paused(c, /* paused= */ true);
}

static int
run_resume(struct cli *c)
{
	return set_paused(c, /* paused= */ false);
}

static int
run_schedules(struct cli *c)
{
	struct job_schedule_list list;
	enum err e;

	if (c->nwords != 0)
		return usage(c);
	e = job_schedules_list(c->db, c->arena, &list);
	if (e != ERR_OK)
		return fail_by(c, e);
	if (c->json)
		return finish_json(
		    c, &job_schedule_schema, list.items, (size_t)list.count);
	job_print_schedules(c->arena, &c->out, &list);
	return finish(c);
}

/* -- the command line -- */

static bool
is_state(const char *text)
{
	for (int i = 0; job_states[i] != NULL; i++) {
		if (str_eq(job_states[i], text))
			return true;
	}
	return false;
}

/*
 * Reads the options, which may stand anywhere among the arguments. Returns
 * false for wrong usage.
 */
static bool
read_options(struct cli *c, int argc, char **argv)
{
	const struct {
		const char *name;
		const char **value;
	} texts[] = {
		{ "--state", &c->filter.state },
		{ "--kind", &c->filter.kind },
		{ "--queue", &c->filter.queue },
		{ "--tag", &c->filter.tag },
	};

	for (int i = 0; i < argc; i++) {
		size_t n = 0;

		while (n < COUNT_OF(texts) && !str_eq(argv[i], texts[n].name))
			n++;
		if (str_eq(argv[i], "--json")) {
			c->json = true;
		} else if (n < COUNT_OF(texts) && i + 1 < argc) {
			*texts[n].value = argv[++i];
		} else if (str_eq(argv[i], "--limit") && i + 1 < argc) {
			if (!str_i64(argv[++i], 1, LIMIT_MAX, &c->filter.limit))
				return false;
		} else if (argv[i][0] == '-') {
			return false;
		} else {
			c->words[c->nwords++] = argv[i];
		}
	}
	return c->filter.state == NULL || is_state(c->filter.state);
}

static int
run_verb(struct cli *c, const char *verb)
{
	static const struct {
		const char *name;
		int (*run)(struct cli *c);
	} verbs[] = {
		{ "list", run_list },
		{ "show", run_show },
		{ "retry", run_retry },
		{ "cancel", run_cancel },
		{ "enqueue", run_enqueue },
		{ "queues", run_queues },
		{ "pause", run_pause },
		{ "resume", run_resume },
		{ "schedules", run_schedules },
	};

	for (size_t i = 0; i < COUNT_OF(verbs); i++) {
		if (str_eq(verbs[i].name, verb))
			return verbs[i].run(c);
	}
	return usage(c);
}

int
job_cli(struct job_service *service, int argc, char **argv)
{
	struct arena *a = arena_new();
	struct cli c = {
		.service = service,
		.set = service->set,
		.db = service->db,
		.arena = a,
		.filter = { .limit = LIMIT_DEFAULT },
		.words = arena_alloc(a, (size_t)argc * sizeof(*c.words)),
	};
	int status;

	buf_init(&c.out, a, OUTPUT_MAX_BYTES);
	status = argc > 1 && read_options(&c, argc - 2, argv + 2)
	             ? run_verb(&c, argv[1])
	             : usage(&c);
	arena_free(a);
	return status;
}

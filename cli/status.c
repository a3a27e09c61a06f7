#include "status.h"

#include <stdbool.h>
#include <stdio.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/json.h"
#include "http_client/http_client.h"

#include "disk.h"
#include "health.h"
#include "lock.h"
#include "message.h"
#include "options.h"
#include "record.h"
#include "site.h"
#include "stack.h"

enum { STATUS_FAILED = 1, STATUS_NOT_RUNNING = 3 };
enum {
	JSON_MAX_BYTES = 1024 * 1024,
};

/* Writes a duration with its two largest units: "3d4h", "5m12s", "9s". */
static const char *
duration(struct arena *a, int64_t s)
{
	if (s < 0) /* negative if the system clock was set back */
		s = 0;
	if (s >= 86400)
		return arena_printf(a, "%lldd%lldh", (long long)(s / 86400),
		    (long long)(s % 86400 / 3600));
	if (s >= 3600)
		return arena_printf(a, "%lldh%lldm", (long long)(s / 3600),
		    (long long)(s % 3600 / 60));
	if (s >= 60)
		return arena_printf(
		    a, "%lldm%llds", (long long)(s / 60), (long long)(s % 60));
	return arena_printf(a, "%llds", (long long)s);
}

struct view {
	const struct stack *stack;
	const struct record *record;
	pid_t supervisor;
	struct health *health; /* of each process; only services have one */
	bool *is_service;
	struct disk disk; /* of the stack's directory */
};

static void
look(struct view *v, struct arena *a)
{
	const struct record *r = v->record;

	http_client_init();
	v->health = arena_alloc(a, (size_t)r->nprocesses * sizeof(*v->health));
	v->is_service =
	    arena_alloc(a, (size_t)r->nprocesses * sizeof(*v->is_service));
	for (int i = 0; i < r->nprocesses; i++) {
		v->is_service[i] =
		    spec_find(&v->stack->spec, r->processes[i].name) != NULL;
		if (v->is_service[i])
			v->health[i] =
			    health_ask(a, "unix:" SITE_STACK_MONITORING,
				r->processes[i].name);
	}
	if (!disk_read(".", &v->disk))
		v->disk.free_percent = 100;
}

static void
print_table(struct arena *a, const struct view *v)
{
	int64_t now_s = clock_now_ms() / 1000;
	const struct record_process *c;

	printf("%s, supervised by process %ld, in %s\n", v->record->url,
	    (long)v->supervisor, v->stack->dir);
	printf(
	    "health and metrics: curl --unix-socket %s/" SITE_STACK_MONITORING
	    " http://localhost/health/SERVICE\n\n",
	    v->stack->dir);
	printf("%-16s %8s %-9s %9s %8s  %s\n", "NAME", "PID", "STATE", "FOR",
	    "RESTARTS", "SOCKET");
	for (int i = 0; i < v->record->nprocesses; i++) {
		c = &v->record->processes[i];
		printf("%-16s %8ld %-9s %9s %8lld  %s\n", c->name, (long)c->pid,
		    c->state, duration(a, now_s - c->changed_at_s),
		    (long long)c->restarts, c->socket);
	}
	for (int i = 0; i < v->record->nprocesses; i++)
		if (v->is_service[i] && v->health[i].problem[0] != '\0')
			printf("\n%s is %s: %s\n", v->record->processes[i].name,
			    v->health[i].ready ? "ready, but degraded"
					       : "not ready",
			    v->health[i].problem);
	if (v->disk.is_low)
		printf(
		    "\nThe disk of %s is nearly full: %lld MiB (%lld %%) are "
		    "free.\n",
		    v->stack->dir, (long long)v->disk.free_mib,
		    (long long)v->disk.free_percent);
}

static void
put_process(struct buf *b, const struct view *v, int i)
{
	const struct record_process *c = &v->record->processes[i];

	buf_puts(b, i > 0 ? ",{\"name\":" : "{\"name\":");
	json_write_string(b, c->name);
	buf_printf(b, ",\"pid\":%ld,\"state\":", (long)c->pid);
	json_write_string(b, c->state);
	buf_printf(b, ",\"changedAt\":%lld,\"restarts\":%lld,\"socket\":",
	    (long long)c->changed_at_s, (long long)c->restarts);
	json_write_string(b, c->socket[0] != '\0' ? c->socket : NULL);
	if (v->is_service[i])
		buf_printf(b, ",\"ready\":%s,\"health\":%s",
		    v->health[i].ready ? "true" : "false",
		    v->health[i].answer != NULL ? v->health[i].answer : "null");
	buf_putc(b, '}');
}

static void
print_json(struct arena *a, const struct view *v)
{
	struct buf b;

	buf_init(&b, a, JSON_MAX_BYTES);
	buf_puts(&b, "{\"url\":");
	json_write_string(&b, v->record->url);
	buf_puts(&b, ",\"dir\":");
	json_write_string(&b, v->stack->dir);
	buf_puts(&b, ",\"monitoring\":");
	json_write_string(&b,
	    arena_printf(a, "unix:%s/" SITE_STACK_MONITORING, v->stack->dir));
	buf_printf(&b,
	    ",\"supervisor\":%ld,\"disk\":{\"freeMiB\":%lld,"
	    "\"freePercent\":%lld},\"processes\":[",
	    (long)v->supervisor, (long long)v->disk.free_mib,
	    (long long)v->disk.free_percent);
	for (int i = 0; i < v->record->nprocesses; i++)
		put_process(&b, v, i);
	printf("%s]}\n", b.data);
}

static int
not_running(const struct stack *s, bool as_json)
{
	if (as_json)
		printf("{\"url\":null,\"processes\":[]}\n");
	else
		print_message("nothing runs in %s", s->dir);
	return STATUS_NOT_RUNNING;
}

static int
show(const struct stack *s, bool as_json)
{
	struct record record = { .url = "" };
	struct view v = { .stack = s, .record = &record };

	v.supervisor = lock_holder();
	if (v.supervisor == 0)
		return not_running(s, as_json);
	if (!record_read(s->arena, &record) && !as_json) {
		/*
		 * The lock is held, but there is no record: the supervisor
		 * writes it after it has taken the lock.
		 */
		print_message("process %ld is starting or stopping in %s",
		    (long)v.supervisor, s->dir);
		return 0;
	}
	look(&v, s->arena);
	if (as_json)
		print_json(s->arena, &v);
	else
		print_table(s->arena, &v);
	return 0;
}

int
status_command(int argc, char **argv)
{
	struct arena *a = arena_new();
	struct options options;
	struct stack s;
	int status = STATUS_FAILED;

	if (!options_read(&options, argc, argv, OPTIONS_DIR | OPTIONS_JSON,
		/* args_max= */ 0))
		status = OPTIONS_USAGE;
	else if (!stack_open(&s, a, options.dir))
		status = STATUS_FAILED;
	else if (!stack_is_made(&s))
		status = not_running(&s, options.json);
	else if (stack_enter(&s))
		status = show(&s, options.json);
	arena_free(a);
	return status;
}

#include "status.h"

#include <stdbool.h>
#include <stdio.h>

#include "base/arena.h"
#include "base/clock.h"

#include "lock.h"
#include "message.h"
#include "options.h"
#include "record.h"
#include "stack.h"

enum { STATUS_FAILED = 1, STATUS_NOT_RUNNING = 3 };

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

static void
print(struct arena *a, const struct stack *s, pid_t supervisor,
    const struct record *r)
{
	const struct record_process *c;
	int64_t now_s = clock_now_ms() / 1000;
	int i;

	printf("%s, supervised by process %ld, in %s\n\n", r->url,
	    (long)supervisor, s->dir);
	printf("%-16s %8s %-9s %9s %8s  %s\n", "NAME", "PID", "STATE", "FOR",
	    "RESTARTS", "SOCKET");
	for (i = 0; i < r->nprocesses; i++) {
		c = &r->processes[i];
		printf("%-16s %8ld %-9s %9s %8lld  %s\n", c->name, (long)c->pid,
		    c->state, duration(a, now_s - c->changed_at_s),
		    (long long)c->restarts, c->socket);
	}
}

static int
show(const struct stack *s)
{
	pid_t supervisor = lock_holder();
	struct record record;

	if (supervisor == 0) {
		print_message("nothing runs in %s", s->dir);
		return STATUS_NOT_RUNNING;
	}
	if (!record_read(s->arena, &record)) {
		/*
		 * The lock is held, but there is no record: the supervisor
		 * writes it after it has taken the lock.
		 */
		print_message("process %ld is starting or stopping in %s",
		    (long)supervisor, s->dir);
		return 0;
	}
	print(s->arena, s, supervisor, &record);
	return 0;
}

int
status_command(int argc, char **argv)
{
	struct arena *a = arena_new();
	struct options options;
	struct stack s;
	int status = STATUS_FAILED;

	if (options_read(&options, argc, argv, OPTIONS_DIR,
		/* args_max= */ 0) &&
	    stack_open(&s, a, options.dir)) {
		if (!stack_is_made(&s)) {
			print_message("nothing runs in %s", s.dir);
			status = STATUS_NOT_RUNNING;
		} else if (stack_enter(&s)) {
			status = show(&s);
		}
	}
	arena_free(a);
	return status;
}

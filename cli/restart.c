#include "restart.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <time.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/str.h"

#include "down.h"
#include "env_file.h"
#include "file_set.h"
#include "lock.h"
#include "message.h"
#include "nginx.h"
#include "options.h"
#include "proc_info.h"
#include "record.h"
#include "service_named.h"
#include "settings.h"
#include "site.h"
#include "stack.h"
#include "start_options.h"

/*
 * How long to wait until the old workers have ended. A service whose drain
 * timeout is longer may still be draining then.
 */
static const int64_t reload_patience_us = 60 * INT64_C(1000000);

/* Opens the stack, and reads what runs in it. */
static bool
open_running(
    struct stack *s, struct arena *a, const char *dir, struct record *ret)
{
	if (!stack_open(s, a, dir) || !stack_enter(s))
		return false;
	if (lock_holder() != 0 && record_read(a, ret))
		return true;
	print_error("nothing runs in %s; \"kedge up\" starts it", s->dir);
	return false;
}

/* -- restart -- */

/*
 * Executes "kedge up" in place of this process: so the lock, which down() has
 * taken, is released.
 */
static void
start(struct arena *a, const struct stack *s, const char *port)
{
	const struct start_options o = start_options_read(a);
	const char *const words[] = { "kedge", "up", "--detach", "--dir",
		s->dir, "--port", port, o.force ? "--force" : NULL,
		o.listen != NULL ? "--listen" : NULL, o.listen,
		o.web != NULL ? "--web" : NULL, o.web };
	char *argv[COUNT_OF(words) + 1] = { NULL };
	size_t n = 0;

	for (size_t i = 0; i < COUNT_OF(words); i++)
		if (words[i] != NULL)
			argv[n++] = arena_strdup(a, words[i]);
	execv("/proc/self/exe", argv);
	print_error("cannot run \"kedge up\": %s", strerror(errno));
}

static void
tell_file_wins(const char *name)
{
	print_message("%s is taken from %s, not from the environment of the "
		      "last start",
	    name, settings_path());
}

/*
 * Takes the variables of the last start. False: "kedge up" would not accept
 * them, and the services would be stopped and not started again.
 */
static bool
check_settings(struct stack *s, const char *port)
{
	const struct site site = site_of_stack(s, (int)strtol(port, NULL, 10));
	struct file_set files;
	const char *name;

	file_set_init(&files, s->arena);
	if (!settings_load_running(
		s->arena, &s->spec, lock_holder(), tell_file_wins) ||
	    !start_options_apply(s) || !spec_take_proxies(s->arena, &s->spec) ||
	    !nginx_add(&site, &files))
		return false;
	/* "kedge up" reads the file itself. */
	for (int i = 0; (name = settings_name(i)) != NULL; i++)
		unsetenv(name);
	return true;
}

int
restart_command(int argc, char **argv)
{
	struct arena *a = arena_new();
	struct options options;
	struct record record;
	struct stack s;
	const char *port;
	int status = 1;

	if (!options_read(
		&options, argc, argv, OPTIONS_DIR, /* args_max= */ 0)) {
		status = OPTIONS_USAGE;
	} else if (open_running(&s, a, options.dir, &record)) {
		port = strrchr(record.url, ':') + 1;
		if (check_settings(&s, port) && down(&s))
			start(a, &s, port);
	}
	arena_free(a);
	return status;
}

/* -- reload -- */

enum { WORKERS_MAX = 1024 };

/* The worker processes of the services that are replaced. */
struct workers {
	const struct record *record;
	const char *only; /* the service; NULL: all */
	const struct spec *spec;
	struct proc_info old[WORKERS_MAX];
	int count;
};

static bool
is_reloaded(const struct workers *w, const struct record_process *p)
{
	if (p->pid == 0)
		return false;
	if (w->only != NULL)
		return str_eq(p->name, w->only);
	return spec_find(w->spec, p->name) != NULL || str_eq(p->name, "nginx");
}

static void
note_worker(void *ctx, const struct proc_info *p)
{
	struct workers *w = ctx;

	for (int i = 0; i < w->record->nprocesses; i++)
		if (is_reloaded(w, &w->record->processes[i]) &&
		    p->parent == w->record->processes[i].pid &&
		    w->count < WORKERS_MAX)
			w->old[w->count++] = *p;
}

/* Sends SIGHUP, unless the process has ended and another one has its id. */
static bool
send_hup(const struct record_process *p)
{
	int fd = pidfd_open(p->pid, 0);
	struct proc_info info;
	bool ok;

	if (fd == -1) {
		print_error("%s has just ended", p->name);
		return false;
	}
	ok = proc_info_find(p->pid, &info) &&
	     info.started_ticks == p->started_ticks &&
	     pidfd_send_signal(fd, SIGHUP, NULL, 0) == 0;
	if (!ok)
		print_error("cannot signal %s (process %ld): %s", p->name,
		    (long)p->pid, strerror(errno));
	close(fd);
	return ok;
}

static bool
runs_still(const struct proc_info *old)
{
	struct proc_info now;

	return proc_info_find(old->pid, &now) &&
	       now.started_ticks == old->started_ticks && now.state != 'Z';
}

/* Waits until the old workers have ended. */
static bool
wait_for_end(const struct workers *w)
{
	const struct timespec pause = { .tv_nsec = 20 * 1000 * 1000 };
	int64_t end_us = clock_monotonic_us() + reload_patience_us;
	int left;

	do {
		left = 0;
		for (int i = 0; i < w->count; i++)
			if (runs_still(&w->old[i]))
				left++;
		if (left == 0)
			return true;
		(void)nanosleep(&pause, NULL);
	} while (clock_monotonic_us() < end_us);
	print_error("%d of %d old workers still run after %d s: they finish "
		    "long requests, or a new binary was refused; \"kedge "
		    "logs\" tells",
	    left, w->count, (int)(reload_patience_us / 1000000));
	return false;
}

static bool
reload(struct workers *w)
{
	int n = 0;

	proc_info_each(note_worker, w);
	for (int i = 0; i < w->record->nprocesses; i++) {
		if (!is_reloaded(w, &w->record->processes[i]))
			continue;
		if (!send_hup(&w->record->processes[i]))
			return false;
		n++;
	}
	if (n == 0) {
		print_error("%s does not run",
		    w->only != NULL ? w->only : "no service");
		return false;
	}
	return wait_for_end(w);
}

bool
restart_workers(const struct stack *s, const char *service)
{
	struct workers *w = arena_alloc(s->arena, sizeof(*w));
	struct record record;

	*w = (struct workers){
		.record = &record, .spec = &s->spec, .only = service
	};
	if (lock_holder() != 0 && record_read(s->arena, &record))
		return reload(w);
	print_error("nothing runs in %s", s->dir);
	return false;
}

/*
 * New processes get the environment with which their master was started. So
 * tells which variables have changed since then.
 */
static void
tell_changes(const struct stack *s, const struct spec_service *service)
{
	struct arena *a = s->arena;
	const char *own = arena_printf(a, "%s_", service->variable);
	struct environment e = { 0 };
	const char *name;

	if (!environment_parse_if_exists(
		a, arena_printf(a, "env/%s.env", service->name), &e))
		return;
	for (int i = 0; (name = settings_name(i)) != NULL; i++)
		if (str_has_prefix(name, own) &&
		    !str_eq(environment_find(&e, name), getenv(name)))
			print_message("%s was changed after the start: "
				      "\"kedge restart\" makes it take effect",
			    name);
}

static void
tell_all_changes(const struct stack *s, const struct spec_service *only)
{
	if (!settings_load(s->arena, &s->spec))
		return;
	for (int i = 0; i < s->spec.nservices; i++)
		if (only == NULL || only == &s->spec.services[i])
			tell_changes(s, &s->spec.services[i]);
}

int
reload_command(int argc, char **argv)
{
	struct arena *a = arena_new();
	struct workers *w = arena_alloc(a, sizeof(*w));
	struct options options;
	struct record record;
	struct stack s;
	int status = 1;

	*w = (struct workers){ .record = &record, .spec = &s.spec };
	if (!options_read(
		&options, argc, argv, OPTIONS_DIR, /* args_max= */ 1)) {
		status = OPTIONS_USAGE;
	} else if (open_running(&s, a, options.dir, &record)) {
		w->only = options.nargs > 0 ? options.args[0] : NULL;
		if (w->only != NULL && !str_eq(w->only, "nginx") &&
		    service_named(&s.spec, w->only) == NULL) {
			status = OPTIONS_USAGE;
		} else {
			status = reload(w) ? 0 : 1;
			if (status == 0)
				print_message(
				    "%d workers were replaced", w->count);
			tell_all_changes(&s, w->only != NULL
						 ? spec_find(&s.spec, w->only)
						 : NULL);
		}
	}
	arena_free(a);
	return status;
}

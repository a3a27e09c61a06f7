#include "record.h"

#include <signal.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/str.h"

#include "file.h"
#include "message.h"
#include "proc_info.h"
#include "process.h"

#define RECORD_FILE "run/children"

static const char *
state_name(const struct process *c)
{
	static const char *const names[] = {
		[PROCESS_WAITING] = "waiting",
		[PROCESS_STARTING] = "starting",
		[PROCESS_READY] = "ready",
		[PROCESS_STOPPING] = "stopping",
		[PROCESS_STOPPED] = "stopped",
	};

	return names[c->state];
}

static void
write_process(
    struct buf *b, const struct process *c, int64_t now_us, int64_t now_ms)
{
	struct proc_info p = { 0 };

	if (c->pid != 0)
		(void)proc_info_find(c->pid, &p);
	buf_printf(b, "%s\t%s\t%ld\t%lld\t%lld\t%d\t%s\n", c->name,
	    state_name(c), (long)c->pid, (long long)p.started_ticks,
	    (long long)((now_ms - (now_us - c->changed_us) / 1000) / 1000),
	    c->restarts, c->socket != NULL ? c->socket : "");
}

bool
record_write(const char *url, const struct process *processes, int count)
{
	int64_t now_us = clock_monotonic_us();
	int64_t now_ms = clock_now_ms();
	struct arena *a = arena_new();
	struct buf b;
	bool ok;
	int i;

	buf_init(&b, a, FILE_MAX_BYTES);
	buf_printf(&b, "%s\n", url);
	for (i = 0; i < count; i++)
		if (!processes[i].once)
			write_process(&b, &processes[i], now_us, now_ms);
	ok = file_write(a, RECORD_FILE, 0600, b.data);
	arena_free(a);
	return ok;
}

void
record_remove(void)
{
	unlink(RECORD_FILE);
	unlink(RECORD_URL_FILE);
	unlink(RECORD_PID_FILE);
}

/*
 * Returns the text up to the next character `end`, and moves *at behind that
 * character. NULL: there is no further part.
 */
static char *
next_part(char **at, char end)
{
	char *part = *at;
	char *stop = strchr(part, end);

	if (stop == NULL)
		return NULL;
	*stop = '\0';
	*at = stop + 1;
	return part;
}

static bool
read_process(char *line, struct record_process *ret)
{
	char *at = line;
	const char *pid, *ticks, *changed, *restarts;
	int64_t n;

	ret->name = next_part(&at, '\t');
	ret->state = next_part(&at, '\t');
	pid = next_part(&at, '\t');
	ticks = next_part(&at, '\t');
	changed = next_part(&at, '\t');
	restarts = next_part(&at, '\t');
	ret->socket = at;
	if (restarts == NULL || !str_i64(pid, 0, INT32_MAX, &n) ||
	    !str_i64(ticks, 0, INT64_MAX, &ret->started_ticks) ||
	    !str_i64(changed, 0, INT64_MAX, &ret->changed_at_s) ||
	    !str_i64(restarts, 0, INT32_MAX, &ret->restarts))
		return false;
	ret->pid = (pid_t)n;
	return true;
}

static int
count_lines(const char *text)
{
	int n = 0;

	for (; *text != '\0'; text++)
		if (*text == '\n')
			n++;
	return n;
}

bool
record_read(struct arena *a, struct record *ret_record)
{
	char *at = file_find(a, RECORD_FILE, /* ret_len= */ NULL);
	struct record r = { 0 };
	char *line;
	int room;

	if (at == NULL)
		return false;
	room = count_lines(at);
	r.url = next_part(&at, '\n');
	if (r.url == NULL)
		return false;
	r.processes = arena_alloc(a, sizeof(*r.processes) * (size_t)room);
	while ((line = next_part(&at, '\n')) != NULL)
		if (!read_process(line, &r.processes[r.nprocesses++]))
			return false;
	*ret_record = r;
	return true;
}

struct leftover_search {
	const struct record *record;
	const char *dir;
	bool kill;
	int found;
};

/*
 * Whether the process is one that the record lists; or is in the process group
 * of such a process and works in the stack's directory.
 */
static bool
is_leftover(const struct leftover_search *s, const struct proc_info *p)
{
	const struct record_process *c;
	int i;

	for (i = 0; i < s->record->nprocesses; i++) {
		c = &s->record->processes[i];
		if (c->pid == 0 || p->group != c->pid)
			continue;
		if (p->pid == c->pid)
			return p->started_ticks == c->started_ticks;
		return proc_info_is_in(p->pid, s->dir);
	}
	return false;
}

static void
visit_process(void *ctx, const struct proc_info *p)
{
	struct leftover_search *s = ctx;

	if (p->state == 'Z' || p->pid == getpid() || !is_leftover(s, p))
		return;
	s->found++;
	if (s->kill)
		(void)kill(p->pid, SIGKILL);
}

void
record_clear_leftovers(struct arena *a, const char *dir)
{
	static const int64_t wait_us = 3 * 1000 * 1000;
	const struct timespec pause = { .tv_nsec = 10 * 1000 * 1000 };
	int64_t give_up_us = clock_monotonic_us() + 2 * wait_us;
	int64_t kill_us = clock_monotonic_us() + wait_us;
	struct record record;
	struct leftover_search s = { .record = &record, .dir = dir };

	if (!record_read(a, &record)) {
		record_remove();
		return;
	}
	do {
		s.found = 0;
		s.kill = clock_monotonic_us() > kill_us;
		proc_info_each(visit_process, &s);
		if (s.found > 0)
			(void)nanosleep(&pause, NULL);
	} while (s.found > 0 && clock_monotonic_us() < give_up_us);
	if (s.found > 0)
		print_error(
		    "%d processes of an earlier run have not ended", s.found);
	record_remove();
}

#include "logs_journal.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/str.h"

#include "logs_line.h"
#include "logs_merge.h"
#include "logs_split.h"
#include "message.h"
#include "tool.h"

enum { ARGS_MAX = 64, PART = 64 * 1024 };

/* The beginning of the last line that journalctl --show-cursor prints. */
static const char cursor_start[] = "-- cursor: ";

struct logs_journal {
	struct arena *arena;
	struct arena *scratch;
	struct logs_journal_options o;
	struct logs_merge *merge;
	struct logs_split *split;
	const char *cursor; /* of the last line; NULL: there was none */
	const char *began_at; /* in seconds of the Unix epoch */
	char time[LOGS_TIME_LEN + 1];
	char name[64]; /* of the log of the last line */
	bool is_service;
	int fd;
};

/* -- lines -- */

/*
 * Finds the parts of a line in the form short-iso-precise:
 * "2026-11-30T21:15:00.123456+0000 HOST kedge-core[123]: TEXT". Newer versions
 * of systemd write +00:00. Returns TEXT; NULL: the line continues another one.
 */
static const char *
take_head(struct logs_journal *j, const char *line)
{
	const char *name, *end, *text;
	size_t len;

	if (strlen(line) < LOGS_TIME_LEN || line[4] != '-' || line[10] != 'T')
		return NULL;
	name = strchr(line, ' ');
	if (name != NULL)
		name = strchr(name + 1, ' ');
	end = name != NULL ? strstr(name, ": ") : NULL;
	if (end == NULL)
		return NULL;
	text = end + 2;
	name++;
	len = strcspn(name, "[:");
	memcpy(j->time, line, LOGS_TIME_LEN);
	j->time[LOGS_TIME_LEN] = '\0';
	if (len > strlen("kedge-") && str_has_prefix(name, "kedge-")) {
		name += strlen("kedge-");
		len -= strlen("kedge-");
	}
	str_copy(j->name, sizeof(j->name),
	    arena_strndup(j->scratch, name,
		len < sizeof(j->name) ? len : sizeof(j->name) - 1));
	j->is_service =
	    spec_find(j->o.spec, arena_strndup(j->scratch, j->name,
				     strcspn(j->name, "-"))) != NULL;
	return text;
}

static void
take_line(void *ctx, const char *line)
{
	struct logs_journal *j = ctx;
	struct logs_line l;
	const char *text;

	arena_reset(j->scratch);
	if (str_has_prefix(line, cursor_start)) {
		j->cursor = arena_strdup(j->arena, line + strlen(cursor_start));
		return;
	}
	if (*line == '\0' || str_has_prefix(line, "-- "))
		return; /* "-- Boot ID --" */
	text = take_head(j, line);
	l = logs_line_read(j->scratch,
	    &(struct logs_place){
		.name = j->name, .time = j->time, .is_service = j->is_service },
	    text != NULL ? text : line + strspn(line, " "));
	logs_merge_add(j->merge, &l);
}

/* -- journalctl -- */

struct args {
	const char *list[ARGS_MAX];
	int count;
};

static void
put(struct args *args, const char *arg)
{
	if (args->count < ARGS_MAX - 1)
		args->list[args->count++] = arg;
}

/* The units of one log: of a service, or of "redis-SERVICE". */
static void
put_units(struct logs_journal *j, struct args *args, const char *name)
{
	struct arena *a = j->arena;

	put(args, "-u");
	if (str_has_prefix(name, "redis-")) {
		put(args, arena_printf(a, "kedge-redis@%s.service",
			      name + strlen("redis-")));
		return;
	}
	put(args, arena_printf(a, "kedge-%s.service", name));
	put(args, "-u");
	put(args, arena_printf(a, "kedge-%s-*.service", name));
}

static struct args
begin_args(struct logs_journal *j)
{
	struct args args = { .count = 0 };
	int i;

	put(&args, "journalctl");
	put(&args, "--output=short-iso-precise");
	put(&args, "--utc");
	put(&args, "--all");
	put(&args, "--no-pager");
	put(&args, "--quiet");
	for (i = 0; i < j->o.nnames; i++)
		put_units(j, &args, j->o.names[i]);
	if (i == 0) {
		put(&args, "-u");
		put(&args, "kedge-*");
	}
	/* journalctl searches; the lines are examined again here. */
	if (j->o.request != NULL)
		put(&args, arena_printf(j->arena, "--grep=%s", j->o.request));
	return args;
}

static bool
start(struct logs_journal *j, const struct args *args, pid_t *ret_pid)
{
	const char *program = tool_find(j->arena, "journalctl");
	pid_t parent = getpid();
	int fds[2];

	if (program == NULL)
		return false;
	if (pipe2(fds, O_CLOEXEC) == -1) {
		print_error("cannot make a pipe: %s", strerror(errno));
		return false;
	}
	*ret_pid = fork();
	if (*ret_pid == 0) {
		/* journalctl ends when this process is killed. */
		if (prctl(PR_SET_PDEATHSIG, SIGTERM) == -1 ||
		    getppid() != parent || dup2(fds[1], STDOUT_FILENO) == -1)
			_exit(127);
		execv(program, (char *const *)args->list);
		_exit(127);
	}
	close(fds[1]);
	j->fd = fds[0];
	if (*ret_pid != -1)
		return true;
	print_error("cannot run %s: %s", program, strerror(errno));
	close(fds[0]);
	j->fd = -1;
	return false;
}

struct logs_journal *
logs_journal_new(struct arena *a, const struct logs_journal_options *o)
{
	struct logs_journal *j = arena_alloc(a, sizeof(*j));

	j->arena = a;
	j->scratch = arena_new();
	arena_defer(a, (void (*)(void *))arena_free, j->scratch);
	j->o = *o;
	j->split = arena_alloc(a, sizeof(*j->split));
	j->split->line = take_line;
	j->split->ctx = j;
	j->fd = -1;
	return j;
}

/* Reads what has arrived. True: journalctl has closed its output. */
static bool
read_to_end(struct logs_journal *j)
{
	char part[PART];
	ssize_t n;

	for (;;) {
		n = read(j->fd, part, sizeof(part));
		if (n > 0)
			logs_split_add(j->split, part, (size_t)n);
		else if (n == 0 || (errno != EINTR && errno != EAGAIN))
			return true;
		else if (errno == EAGAIN)
			return false;
	}
}

bool
logs_journal_read(struct logs_journal *j, struct logs_merge *merge)
{
	struct args args = begin_args(j);
	int status = 0;
	pid_t pid;

	j->merge = merge;
	j->began_at = arena_i64(j->arena, clock_now_ms() / 1000);
	put(&args, "--show-cursor");
	if (j->o.since != NULL)
		put(&args, arena_printf(j->arena, "--since=%.10s %.8s UTC",
			       j->o.since, j->o.since + 11));
	if (j->o.newest > 0)
		put(&args, arena_printf(j->arena, "--lines=%lld",
			       (long long)j->o.newest));
	if (!start(j, &args, &pid))
		return false;
	(void)!read_to_end(j);
	logs_split_end(j->split);
	close(j->fd);
	j->fd = -1;
	while (waitpid(pid, &status, 0) == -1 && errno == EINTR)
		continue;
	/* With --grep, journalctl fails if it finds nothing. */
	if (WIFEXITED(status) &&
	    (WEXITSTATUS(status) == 0 || j->o.request != NULL))
		return true;
	print_error("journalctl has failed; it has said why");
	return false;
}

bool
logs_journal_follow(struct logs_journal *j)
{
	struct args args = begin_args(j);
	pid_t pid;

	put(&args, "--follow");
	put(&args, "--no-tail");
	put(&args, j->cursor != NULL
		       ? arena_printf(j->arena, "--after-cursor=%s", j->cursor)
		       : arena_printf(j->arena, "--since=@%s", j->began_at));
	return start(j, &args, &pid) && fcntl(j->fd, F_SETFL, O_NONBLOCK) == 0;
}

int
logs_journal_fd(const struct logs_journal *j)
{
	return j->fd;
}

bool
logs_journal_read_new(struct logs_journal *j, struct logs_merge *merge)
{
	j->merge = merge;
	if (!read_to_end(j))
		return true;
	print_error("journalctl has ended; it has said why");
	return false;
}

#include "report.h"

#include <string.h>
#include <sys/wait.h>

#include "base/arena.h"
#include "base/attr.h"

#include "file.h"
#include "message.h"
#include "process.h"

static bool
is_error_line(const char *line)
{
	static const char *const words[] = { "FATAL", "[emerg]",
		"\"level\":\"error\"", "rror:" };
	size_t i;

	for (i = 0; i < COUNT_OF(words); i++)
		if (strstr(line, words[i]) != NULL)
			return true;
	return false;
}

/*
 * Returns the last line of the log that looks like an error, or else its last
 * line.
 */
static const char *
find_reason(struct arena *a, const char *log)
{
	char *text = arena_strdup(a, file_tail(a, log, 4096));
	const char *failure = NULL;
	const char *last = "";
	char *line;

	while ((line = strsep(&text, "\n")) != NULL) {
		if (*line == '\0')
			continue;
		last = line;
		if (is_error_line(line))
			failure = line;
	}
	return failure != NULL ? failure : last;
}

static const char *
describe_end(struct arena *a, int status)
{
	if (WIFSIGNALED(status))
		return arena_printf(a, "was killed by signal %d (%s)",
		    WTERMSIG(status), strsignal(WTERMSIG(status)));
	return arena_printf(a, "ended with status %d", WEXITSTATUS(status));
}

void
report_failed_start(const char *dir, const struct process *c)
{
	struct arena *a = arena_new();
	const char *reason;

	/*
	 * A process without a log file is a step of the start, for example a
	 * migration. It writes to the terminal, so the user has already read
	 * its error.
	 */
	if (c->log != NULL) {
		reason = find_reason(a, c->log);
		print_error("%s did not start: it %s%s%.400s (%s/%s)", c->title,
		    describe_end(a, c->status), *reason == '\0' ? "" : ": ",
		    reason, dir, c->log);
	} else if (WIFSIGNALED(c->status)) {
		print_error("%s %s", c->title, describe_end(a, c->status));
	}
	arena_free(a);
}

void
report_slow_start(const char *dir, const struct process *c)
{
	print_error("%s does not become ready; see %s/%s", c->title, dir,
	    c->log != NULL ? c->log : "log");
}

void
report_restart(const struct process *c, pid_t pid)
{
	struct arena *a = arena_new();

	print_error("%s (process %ld) %s; restarting it", c->name, (long)pid,
	    describe_end(a, c->status));
	arena_free(a);
}

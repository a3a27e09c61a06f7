#include "down.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/pidfd.h>
#include <unistd.h>

#include "base/arena.h"

#include "lock.h"
#include "message.h"
#include "options.h"
#include "record.h"
#include "stack.h"

/*
 * How long to wait for the supervisor: longer than it needs to stop everything.
 */
enum { STOP_TIMEOUT_MS = 60 * 1000 };

static bool
wait_for_end(int pidfd, int timeout_ms)
{
	struct pollfd fd = { .fd = pidfd, .events = POLLIN };
	int n;

	do
		n = poll(&fd, 1, timeout_ms);
	while (n == -1 && errno == EINTR);
	return n == 1;
}

static bool
ask_to_stop(const struct stack *s, pid_t holder, int pidfd)
{
	if (pidfd_send_signal(pidfd, SIGTERM, NULL, 0) == -1 &&
	    errno != ESRCH) {
		print_error("cannot stop process %ld in %s: %s", (long)holder,
		    s->dir, strerror(errno));
		return false;
	}
	if (wait_for_end(pidfd, STOP_TIMEOUT_MS))
		return true;
	print_error("process %ld in %s does not stop; killing it", (long)holder,
	    s->dir);
	(void)pidfd_send_signal(pidfd, SIGKILL, NULL, 0);
	return wait_for_end(pidfd, STOP_TIMEOUT_MS);
}

/*
 * Opens a pidfd of the supervisor. A pidfd refers to one process even if its id
 * is reused. If the process with that id still holds the lock after the pidfd
 * was opened, the pidfd is the supervisor's.
 */
static bool
stop(const struct stack *s, pid_t holder)
{
	int pidfd = pidfd_open(holder, 0);
	bool ok;

	if (pidfd == -1)
		return errno == ESRCH;
	ok = lock_holder() != holder || ask_to_stop(s, holder, pidfd);
	close(pidfd);
	return ok;
}

/* Ends processes that still run because their supervisor was killed. */
static bool
clear(const struct stack *s)
{
	if (!lock_take(s->dir, stack_dir_option(s)))
		return false;
	record_clear_leftovers(s->arena, s->dir);
	return true;
}

static bool
run(struct stack *s)
{
	pid_t holder = lock_holder();

	if (holder == 0) {
		print_message("nothing runs in %s", s->dir);
		return clear(s);
	}
	if (!stop(s, holder) || !clear(s))
		return false;
	print_message("stopped; the data stays in %s", s->dir);
	return true;
}

bool
down(struct stack *s)
{
	if (stack_is_made(s))
		return stack_enter(s) && run(s);
	print_message("nothing runs in %s", s->dir);
	return true;
}

int
down_command(int argc, char **argv)
{
	struct arena *a = arena_new();
	struct options options;
	struct stack s;
	int status = OPTIONS_USAGE;

	if (options_read(&options, argc, argv, OPTIONS_DIR, /* args_max= */ 0))
		status = stack_open(&s, a, options.dir) && down(&s) ? 0 : 1;
	arena_free(a);
	return status;
}

#include "job/job_program.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/clock.h"
#include "job/job.h"
#include "job/program.h"
#include "job/program_output.h"
#include "web/trace.h"

enum {
	CHECK_MS = 100, /* interval between calls of stop() */
	CHUNK_BYTES = 16 * 1024,
	LAST_CHUNKS = 64,
	ENV_MAX = 12,
};

/* A running child process and its pipes. */
struct running {
	struct program program;
	struct program_output output;
	const char *payload; /* the part that is still to be written */
	size_t payload_len;
	int64_t time_limit_ms;
	int64_t start_us;
	int64_t kill_us; /* when to send SIGKILL; 0: SIGTERM was not sent yet */
	bool (*stop)(void *ctx);
	void *ctx;
	const char *why; /* why SIGTERM was sent; NULL: it was not */
};

static void
add_env(struct arena *a, char **env, const char *name, const char *value)
{
	while (*env != NULL)
		env++;
	if (value != NULL)
		*env = arena_printf(a, "%s=%s", name, value);
}

static const char *
inherited(const char *name, const char *fallback)
{
	const char *value = getenv(name);

	return value != NULL ? value : fallback;
}

static char *const *
make_env(const struct job *job)
{
	struct arena *a = job->arena;
	char **env = arena_alloc(a, ENV_MAX * sizeof(*env));

	add_env(
	    a, env, "PATH", inherited("PATH", "/usr/local/bin:/usr/bin:/bin"));
	add_env(a, env, "LANG", inherited("LANG", "C.UTF-8"));
	add_env(a, env, "TZ", inherited("TZ", "UTC"));
	add_env(a, env, "KEDGE_JOB_ID", job->id);
	add_env(a, env, "KEDGE_JOB_KIND", job->kind);
	add_env(a, env, "KEDGE_JOB_ATTEMPT", arena_i64(a, job->attempt));
	add_env(
	    a, env, "KEDGE_JOB_MAX_ATTEMPTS", arena_i64(a, job->max_attempts));
	add_env(a, env, "KEDGE_REQUEST_ID", job->request_id);
	add_env(a, env, "KEDGE_TRACE_ID", job->trace_id);
	add_env(a, env, "TRACEPARENT", trace_continue(a, job->trace_id));
	return env;
}

/*
 * Writes a part of the payload to the program. A program may close its standard
 * input without reading it.
 */
static void
feed(struct running *r)
{
	ssize_t n = 0;

	if (r->program.in < 0)
		return;
	if (r->payload_len > 0)
		n = write(r->program.in, r->payload, r->payload_len);
	if (n > 0) {
		r->payload += n;
		r->payload_len -= (size_t)n;
	}
	if (r->payload_len == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
		program_close(&r->program.in);
}

/*
 * Reads one chunk of the program's output. Returns false if there is none now.
 */
static bool
take(struct running *r, int *fd,
    void (*to)(struct program_output *o, const char *data, size_t len))
{
	char chunk[CHUNK_BYTES];
	ssize_t n;

	if (*fd < 0)
		return false;
	n = read(*fd, chunk, sizeof(chunk));
	if (n > 0)
		to(&r->output, chunk, (size_t)n);
	else if (n == 0 || (errno != EAGAIN && errno != EINTR))
		program_close(fd);
	return n > 0;
}

static bool
take_output(struct running *r)
{
	return take(r, &r->program.out, program_output_take);
}

static bool
take_log(struct running *r)
{
	return take(r, &r->program.err, program_output_take_log);
}

static void
wait_for_event(struct running *r)
{
	const struct program *p = &r->program;
	/* poll() ignores an entry whose descriptor is -1. */
	struct pollfd fds[] = {
		{ .fd = p->in, .events = POLLOUT },
		{ .fd = p->out, .events = POLLIN },
		{ .fd = p->err, .events = POLLIN },
		{ .fd = p->pidfd, .events = POLLIN },
	};

	(void)poll(fds, sizeof(fds) / sizeof(fds[0]), CHECK_MS);
}

/* Returns why the program must be stopped; NULL: the program may go on. */
static const char *
reason_to_end(struct running *r, int64_t now_us)
{
	if (r->output.problem != NULL)
		return r->output.problem;
	if (r->time_limit_ms > 0 &&
	    now_us - r->start_us >= r->time_limit_ms * 1000)
		return arena_printf(r->output.job->arena,
		    "time limit of %lld s exceeded",
		    (long long)(r->time_limit_ms + 999) / 1000);
	if (r->output.lost || (r->stop != NULL && r->stop(r->ctx)))
		return "told to stop";
	return NULL;
}

static void
stop_if_needed(struct running *r)
{
	int64_t now_us = clock_monotonic_us();

	if (r->kill_us != 0) {
		if (now_us >= r->kill_us)
			program_signal(&r->program, SIGKILL);
		return;
	}
	r->why = reason_to_end(r, now_us);
	if (r->why != NULL) {
		program_signal(&r->program, SIGTERM);
		r->kill_us = now_us + PROGRAM_GRACE_MS * 1000;
	}
}

/*
 * Waits until the leader of the process group has ended and its output is read.
 */
static void
follow(struct running *r)
{
	while (!program_has_ended(&r->program)) {
		wait_for_event(r);
		feed(r);
		take_output(r);
		take_log(r);
		program_output_tick(&r->output);
		stop_if_needed(r);
	}
	/*
	 * A process that has left the group may hold the pipes open and go on
	 * writing: read only as much as a pipe can hold.
	 */
	program_signal(&r->program, SIGKILL);
	while (r->output.problem == NULL && take_output(r))
		continue;
	for (int i = 0; i < LAST_CHUNKS && take_log(r); i++)
		continue;
	program_output_finish(&r->output);
}

static const char *
describe_failure(const struct running *r, struct arena *a, int status)
{
	const char *tail = program_output_tail(&r->output, a);

	if (r->output.error[0] != '\0')
		return r->output.error;
	if (WIFSIGNALED(status))
		return arena_printf(a, "killed by SIG%s%s%s",
		    sigabbrev_np(WTERMSIG(status)), tail[0] != '\0' ? ": " : "",
		    tail);
	if (tail[0] != '\0')
		return tail;
	return arena_printf(a, "exit status %d", WEXITSTATUS(status));
}

static enum err
outcome_of(const struct running *r, struct job *job, int status)
{
	if (r->why != NULL)
		return job_fail(job, ERR_UNAVAILABLE, r->why);
	if (r->output.problem != NULL)
		return job_fail(job, ERR_INTERNAL, r->output.problem);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0 &&
	    r->output.unreadable != NULL)
		return job_fail(job, ERR_INTERNAL,
		    arena_printf(job->arena, "result is not valid: %s",
			r->output.unreadable));
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return ERR_OK;
	if (WIFEXITED(status) && WEXITSTATUS(status) == PROGRAM_EXIT_DISCARD)
		return job_discard(
		    job, describe_failure(r, job->arena, status));
	return job_fail(
	    job, ERR_INTERNAL, describe_failure(r, job->arena, status));
}

enum err
job_program_run(struct job *job, const char *path, const char *payload,
    int64_t time_limit_ms, bool (*stop)(void *ctx), void *ctx)
{
	struct running r = {
		.payload = payload,
		.payload_len = strlen(payload),
		.time_limit_ms = time_limit_ms,
		.start_us = clock_monotonic_us(),
		.stop = stop,
		.ctx = ctx,
	};
	enum err e;

	if (!program_start(&r.program, path, make_env(job)))
		return job_fail(
		    job, ERR_UNAVAILABLE, "cannot start the program");
	program_output_init(&r.output, job);
	follow(&r);
	e = outcome_of(&r, job, program_end(&r.program));
	program_output_release(&r.output);
	return e;
}

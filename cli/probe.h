/*
 * probe: asks a process that is starting whether it serves yet.  Never blocks:
 * probe_step() is called every few milliseconds until it says true.
 */
#ifndef CLI_PROBE_H
#define CLI_PROBE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct arena;

enum probe_kind {
	PROBE_NONE, /* ready as soon as it runs */
	PROBE_ANSWER, /* connects, sends `request`, awaits `expect` */
	PROBE_POSTMASTER, /* the last line of postmaster.pid says so */
};

struct probe {
	enum probe_kind kind;
	/* The socket that must be there first; or the postmaster.pid. */
	const char *path;
	int port; /* PROBE_ANSWER: of 127.0.0.1; 0: connect to `path` */
	const char *request;
	const char *expect; /* how the answer begins */

	/* Private. */
	int fd; /* -1: not asked */
	int64_t asked_us;
};

/* Before the first step and after each restart. */
void probe_reset(struct probe *p);
/* `pid` is the process that must be the one that answers, where it says. */
bool probe_step(struct probe *p, pid_t pid, int64_t now_us);

#endif

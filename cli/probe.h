/*
 * probe: finds out whether a process that is starting is ready.  It never
 * blocks: probe_step() is called every few milliseconds until it returns true.
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
	PROBE_POSTMASTER, /* reads the status in postmaster.pid */
};

struct probe {
	enum probe_kind kind;
	/* The socket that must exist first; or the path of postmaster.pid. */
	const char *path;
	int port; /* PROBE_ANSWER: on 127.0.0.1; 0: use `path` */
	const char *request;
	const char *expect; /* the beginning of the expected response */

	/* Private. */
	int fd; /* -1: no request was sent */
	int64_t asked_us;
};

/* Before the first step and after each restart. */
void probe_reset(struct probe *p);
/* True: it is ready.  PROBE_POSTMASTER checks that the file names `pid`. */
bool probe_step(struct probe *p, pid_t pid, int64_t now_us);

#endif

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
	PROBE_NONE, /* the process is ready as soon as it runs */
	PROBE_ANSWER, /* connects, sends `request` and waits for `expect` */
	PROBE_POSTMASTER, /* reads PostgreSQL's status in postmaster.pid */
};

struct probe {
	enum probe_kind kind;
	/*
	 * PROBE_ANSWER: a socket that must exist first. PROBE_POSTMASTER: the
	 * path of postmaster.pid.
	 */
	const char *path;
	/*
	 * PROBE_ANSWER: where it connects to: a port of 127.0.0.1; if that is
	 * 0, the socket `peer`; if that is NULL, `path`.
	 */
	int port;
	const char *peer;
	const char *request;
	const char *expect; /* the beginning of the expected response */

	/* The members below are private to probe.c. */
	int fd; /* -1: no request was sent */
	int64_t asked_us;
};

/* To be called before the first step, and after each restart of the process. */
void probe_reset(struct probe *p);
/*
 * True: the process is ready. PROBE_POSTMASTER accepts the file only if it
 * names `pid`.
 */
bool probe_step(struct probe *p, pid_t pid, int64_t now_us);

#endif

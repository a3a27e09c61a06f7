/*
 * job_program: runs a job whose handler is a separate program, in any language.
 *
 * The program gets the payload on standard input and a clean environment: PATH,
 * LANG, TZ, KEDGE_JOB_ID, KEDGE_JOB_KIND, KEDGE_JOB_ATTEMPT,
 * KEDGE_JOB_MAX_ATTEMPTS and, where they are known, KEDGE_REQUEST_ID,
 * KEDGE_TRACE_ID and TRACEPARENT (the value of the header of that name).  It
 * gets none of the service's secrets or descriptors.  It reports by lines of
 * JSON on standard output: {"progress": ...}, {"result": ...},
 * {"error": "..."}.  Its standard error goes into the log.
 *
 * The program leads a process group.  When it ends, or when this process ends,
 * even by SIGKILL, the rest of the group is killed.  A process that has left
 * the group (setsid) is not.
 */
#ifndef JOB_JOB_PROGRAM_H
#define JOB_JOB_PROGRAM_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"

struct job;

enum {
	PROGRAM_GRACE_MS = 2000, /* between SIGTERM and SIGKILL */
	PROGRAM_EXIT_DISCARD = 100,
};

/*
 * Runs the program at `path` to its end. ERR_OK: the program's exit status was
 * 0, and its result is stored with the job. Otherwise the attempt has failed;
 * the history shows the program's error line, or else the end of its standard
 * error. After exit status PROGRAM_EXIT_DISCARD the job is discarded.
 *
 * The program gets SIGTERM when it has run for time_limit_ms (0: no limit),
 * when stop(ctx) returns true, or when the job was cancelled or belongs to
 * another worker; if it does not end after that, it gets SIGKILL. `stop` is
 * called at least ten times a second; it may be NULL.
 *
 * The calling thread must outlive the program, and SIGPIPE must be ignored.
 */
MUST_CHECK enum err job_program_run(struct job *job, const char *path,
    const char *payload, int64_t time_limit_ms, bool (*stop)(void *ctx),
    void *ctx);

#endif

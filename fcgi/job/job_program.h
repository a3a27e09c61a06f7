/*
 * job_program: a handler that is a program of its own, in any language.
 *
 * It gets the payload on standard input and a clean environment: PATH, LANG,
 * TZ, KEDGE_JOB_ID, KEDGE_JOB_KIND, KEDGE_JOB_ATTEMPT, KEDGE_JOB_MAX_ATTEMPTS
 * and, where they are known, KEDGE_REQUEST_ID, KEDGE_TRACE_ID and TRACEPARENT
 * (as the header of that name has it); nothing else of the service, neither
 * secrets nor descriptors.  It says what it has to say in lines of JSON on
 * standard output: {"progress": ...}, {"result": ...},
 * {"error": "..."}.  Standard error goes into the log.
 *
 * It is the leader of a process group.  However it ends, and however this
 * process ends, even by SIGKILL: what is left of the group is killed.  A
 * process that leaves the group (setsid) is out of reach.
 */
#ifndef JOB_JOB_PROGRAM_H
#define JOB_JOB_PROGRAM_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"

struct job;

enum {
	PROGRAM_LINE_MAX = 72 * 1024, /* a line of its standard output */
	PROGRAM_OUTPUT_MAX = 16 << 20, /* all of them */
	PROGRAM_LOG_LINES = 200, /* of its standard error, per attempt */
	PROGRAM_GRACE_MS = 2000, /* between SIGTERM and SIGKILL */
	PROGRAM_EXIT_DISCARD = 100,
};

/*
 * Runs the program at `path` to its end.  ERR_OK: it left with 0; its result
 * is the job's.  Otherwise the attempt has failed, and the history says why
 * (its error line, else the end of its standard error), or, when it left with
 * PROGRAM_EXIT_DISCARD, the job is discarded.
 *
 * After time_limit_ms (0: none), or soon after stop(ctx) said so, or when the
 * job is no longer the worker's, it is told to end (SIGTERM), and killed if it
 * does not.  `stop` may be NULL; it is asked at least ten times a
 * second.
 *
 * Call it from a thread that outlives the program.  SIGPIPE must be ignored.
 */
MUST_CHECK enum err job_program_run(struct job *job, const char *path,
    const char *payload, int64_t time_limit_ms, bool (*stop)(void *ctx),
    void *ctx);

#endif

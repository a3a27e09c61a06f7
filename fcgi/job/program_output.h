/*
 * program_output: what a job's program says, as the job gets to know it.
 *
 * Lines of standard output are read as they come: progress is stored at most
 * five times a second (of those between, the last), the last result and the
 * last error are kept.  A line that is nothing of ours is logged and otherwise
 * ignored: libraries print.  A result that cannot be read is not: unless
 * another follows, the attempt has failed.  All is bounded, whatever the
 * program does.
 */
#ifndef JOB_PROGRAM_OUTPUT_H
#define JOB_PROGRAM_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

struct arena;
struct job;

enum { PROGRAM_MESSAGE_MAX = 1000 };

struct program_output {
	struct job *job;
	struct arena *scratch; /* of one line */
	/* Why the program has to be stopped; NULL: go on. */
	const char *problem;
	bool lost; /* the job is cancelled, or another worker's */
	bool has_result;
	struct buf result; /* the last that could be read; or empty */
	/* Why a later one could not be read, a constant; or NULL. */
	const char *unreadable;
	char error[PROGRAM_MESSAGE_MAX + 1]; /* its last; "" for none */

	struct buf line; /* of standard output, so far */
	size_t total;
	struct buf progress; /* that is still to be stored; or empty */
	int64_t progress_us; /* when the last one was stored */
	int odd_lines;

	char log_line[PROGRAM_MESSAGE_MAX + 1];
	size_t log_line_len;
	int log_lines;
	char tail[PROGRAM_MESSAGE_MAX]; /* of standard error; a ring */
	size_t tail_len; /* written into it in all */
};

void program_output_init(struct program_output *o, struct job *job);
void program_output_release(struct program_output *o);

/* Bytes of its standard output and standard error. */
void
program_output_take(struct program_output *o, const char *data, size_t len);
void
program_output_take_log(struct program_output *o, const char *data, size_t len);
/* Stores progress that has waited long enough. */
void program_output_tick(struct program_output *o);
/* After the last byte: a line without an end is one as well. */
void program_output_finish(struct program_output *o);

/* The end of its standard error, as one text; "" when there was none. */
const char *
program_output_tail(const struct program_output *o, struct arena *a);

#endif

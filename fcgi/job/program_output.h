/*
 * program_output: reads the standard output and the standard error of a job's
 * program.
 *
 * Lines of standard output are read as they come.  The latest progress is
 * stored, at most five times a second; the last result and the last error are
 * kept until the end.  Any other line is logged and otherwise ignored, since
 * libraries print, too.  A result that is not valid JSON fails the attempt,
 * unless another result follows.  Everything is bounded, whatever the program
 * prints.
 */
#ifndef JOB_PROGRAM_OUTPUT_H
#define JOB_PROGRAM_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

struct arena;
struct job;

enum {
	PROGRAM_LINE_MAX = 72 * 1024, /* a line of standard output */
	PROGRAM_OUTPUT_MAX = 16 << 20, /* standard output as a whole */
	PROGRAM_LOG_LINES = 200, /* of standard error that are logged */
	PROGRAM_MESSAGE_MAX = 1000,
};

struct program_output {
	struct job *job;
	struct arena *scratch; /* reset after each line */
	/* Why the program must be stopped; NULL: it may go on. */
	const char *problem;
	bool lost; /* the job was cancelled or belongs to another worker */
	bool has_result;
	struct buf result; /* the last valid one; or empty */
	/* Why a later result was not valid, a constant; or NULL. */
	const char *unreadable;
	char error[PROGRAM_MESSAGE_MAX + 1]; /* the last; "": none */

	struct buf line; /* of standard output, not complete yet */
	size_t total; /* bytes of standard output */
	struct buf progress; /* to be stored; or empty */
	int64_t progress_us; /* when progress was last stored */
	int unknown_lines;

	char log_line[PROGRAM_MESSAGE_MAX + 1];
	size_t log_line_len;
	int log_lines;
	char tail[PROGRAM_MESSAGE_MAX]; /* of standard error: a ring buffer */
	size_t tail_len; /* bytes written to the ring in all */
};

void program_output_init(struct program_output *o, struct job *job);
void program_output_release(struct program_output *o);

/* Takes bytes of standard output, and of standard error. */
void
program_output_take(struct program_output *o, const char *data, size_t len);
void
program_output_take_log(struct program_output *o, const char *data, size_t len);
/* Stores progress that is due. */
void program_output_tick(struct program_output *o);
/* After the last byte: reads a last line that has no newline. */
void program_output_finish(struct program_output *o);

/* The end of standard error; "" when nothing was written. */
const char *
program_output_tail(const struct program_output *o, struct arena *a);

#endif

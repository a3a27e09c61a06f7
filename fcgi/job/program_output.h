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
	PROGRAM_LINE_MAX = 72 * 1024, /* bytes in a line of standard output */
	PROGRAM_OUTPUT_MAX = 16 << 20, /* bytes of standard output as a whole */
	PROGRAM_LOG_LINES = 200, /* lines of standard error that are logged */
	PROGRAM_MESSAGE_MAX = 1000,
};

struct program_output {
	struct job *job;
	struct arena *scratch; /* reset after each line */
	/* The reason why the program must be stopped; NULL: let it run. */
	const char *problem;
	bool lost; /* the job was cancelled or belongs to another worker */
	bool has_result;
	struct buf result; /* the last valid result; or empty */
	/*
	 * A constant text that says why a later result was not valid; or NULL.
	 */
	const char *unreadable;
	/* the last error message; "": none */
	char error[PROGRAM_MESSAGE_MAX + 1];

	/* a line of standard output that is not complete yet */
	struct buf line;
	size_t total; /* bytes of standard output so far */
	struct buf progress; /* progress that is still to be stored; or empty */
	int64_t progress_us; /* when progress was last stored */
	int unknown_lines;

	char log_line[PROGRAM_MESSAGE_MAX + 1];
	size_t log_line_len;
	int log_lines;
	/* ring buffer with the end of standard error */
	char tail[PROGRAM_MESSAGE_MAX];
	size_t tail_len; /* bytes written to the ring in all */
};

void program_output_init(struct program_output *o, struct job *job);
void program_output_release(struct program_output *o);

/*
 * Processes bytes that were read from the program's standard output or standard
 * error.
 */
void
program_output_take(struct program_output *o, const char *data, size_t len);
void
program_output_take_log(struct program_output *o, const char *data, size_t len);
/* Stores the latest progress if the interval since the last time is over. */
void program_output_tick(struct program_output *o);
/* Call this after the last byte: it reads a last line that has no newline. */
void program_output_finish(struct program_output *o);

/* The end of the program's standard error; "" when nothing was written. */
const char *
program_output_tail(const struct program_output *o, struct arena *a);

#endif

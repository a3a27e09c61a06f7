/*
 * logs_merge: chooses lines of several logs, and prints them in the order of
 * their times.
 */
#ifndef CLI_LOGS_MERGE_H
#define CLI_LOGS_MERGE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/log.h"

#include "logs_line.h"

struct arena;
struct logs_merge;

struct logs_filter {
	const char *request; /* id of the request or of its trace; NULL: all */
	const char *since; /* as logs_since_read() returns it; NULL: all */
	enum log_level level; /* this one and those above it */
};

/*
 * Reads "90s", "10m", "2h", "3d" or a time in RFC 3339, and returns a time that
 * can be compared with those of log lines as text. NULL: it is neither; an
 * error was printed.
 */
const char *logs_since_read(struct arena *a, const char *text);
/* Whether the text can be the id of a request. If not, prints an error. */
MUST_CHECK bool logs_is_request(const char *text);

/* Keeps the newest lines: at most `newest`, at least 1. */
struct logs_merge *logs_merge_new(
    struct arena *a, const struct logs_filter *filter, int64_t newest);
/* Keeps the line if the filter chooses it. */
void logs_merge_add(struct logs_merge *m, const struct logs_line *line);
/*
 * Prints the lines that were added before a time of clock_monotonic_us(), and
 * the lines that have the same or an earlier time of their own; then forgets
 * them. INT64_MAX: all lines. Returns how many.
 */
int64_t logs_merge_print(struct logs_merge *m, int64_t added_before_us);
/* Whether lines were forgotten without being printed. */
bool logs_merge_has_lost(const struct logs_merge *m);
void logs_merge_free(struct logs_merge *m);

#endif

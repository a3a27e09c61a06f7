/*
 * logs_file: reads log files, and what is appended to them.
 *
 * A log is rotated in one of two ways: it is renamed to NAME.1 and a new file
 * takes its place (logrotate), or it is copied to NAME.1 and emptied ("kedge
 * up", and logrotate's copytruncate). Either way no line is left out: the
 * renamed file is read on until the next rotation, because its writer may not
 * have opened the new one yet, and what was not read before a file was emptied
 * is read from the copy.
 */
#ifndef CLI_LOGS_FILE_H
#define CLI_LOGS_FILE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"

#include "spec.h"

struct arena;
struct logs_merge;
struct logs_file_set;

struct logs_file_options {
	const struct spec *spec;
	/* patterns of glob(7) of the paths; NULL ends the list */
	const char *const *patterns;
	/* the logs that are read; `names` empty: all */
	const char *const *names;
	int nnames;
	const char *since; /* as in struct logs_filter */
	/* of each file, only so much of the end is read at first; 0: all */
	int64_t tail_bytes;
};

/*
 * Whether a log is one of those names: "core" is core, core-worker and the
 * like. An empty list is every log.
 */
bool logs_is_named(const char *log, const char *const *names, int nnames);

struct logs_file_set *
logs_files_new(struct arena *a, const struct logs_file_options *o);
/* Finds new logs, and adds all lines that were not read yet. */
MUST_CHECK bool
logs_files_read(struct logs_file_set *set, struct logs_merge *merge);
/* Adds the lines that have no end yet. */
void logs_files_end(struct logs_file_set *set);
/* The names of the logs, for messages; NULL ends the list. */
const char *const *logs_files_names(struct logs_file_set *set);

#endif

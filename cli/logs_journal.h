/*
 * logs_journal: reads with journalctl(1) what the units of Kedge's services
 * have written to the journal, and what is added to it.
 */
#ifndef CLI_LOGS_JOURNAL_H
#define CLI_LOGS_JOURNAL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"

#include "spec.h"

struct arena;
struct logs_merge;
struct logs_journal;

struct logs_journal_options {
	const struct spec *spec;
	const char *const *names; /* see logs_is_named() */
	int nnames;
	const char *since; /* as in struct logs_filter */
	const char *request;
	int64_t newest; /* at most so many lines; 0: all */
};

struct logs_journal *
logs_journal_new(struct arena *a, const struct logs_journal_options *o);
/* Adds all lines of now. False: an error was printed. */
MUST_CHECK bool
logs_journal_read(struct logs_journal *j, struct logs_merge *merge);
/* Begins to follow, behind the last line of logs_journal_read(). */
MUST_CHECK bool logs_journal_follow(struct logs_journal *j);
/* Returns the descriptor for poll(2); -1: this journal is not followed. */
int logs_journal_fd(const struct logs_journal *j);
/*
 * Adds the lines that have come, without waiting. False: journalctl has ended;
 * an error was printed.
 */
MUST_CHECK bool
logs_journal_read_new(struct logs_journal *j, struct logs_merge *merge);

#endif

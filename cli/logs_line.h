/*
 * logs_line: one line of a log. Kedge's processes and nginx's access log write
 * JSON objects that begin with the time and the level. PostgreSQL, Redis,
 * nginx's error log and a process that dies write text, which is turned into
 * such an object, so that all that "kedge logs" prints has one form.
 */
#ifndef CLI_LOGS_LINE_H
#define CLI_LOGS_LINE_H

#include <stdbool.h>

#include "base/attr.h"
#include "base/log.h"

struct arena;

/* 2026-11-30T21:15:00.123: times are compared as text. */
enum { LOGS_TIME_LEN = 23 };

struct logs_line {
	char time[LOGS_TIME_LEN + 1];
	enum log_level level;
	const char *json;
};

/* The properties of a line that follow from the log in which it is. */
struct logs_place {
	const char *name; /* of the log, for example "core" or "postgres" */
	/*
	 * the time for a line that does not begin with a time; in the form of
	 * struct logs_line
	 */
	const char *time;
	/*
	 * The log of a service: a line that is not JSON was written by a
	 * process that died.
	 */
	bool is_service;
};

/* Reads a line; `json` is `text` or memory of the arena. */
struct logs_line logs_line_read(
    struct arena *a, const struct logs_place *place, const char *text);
/* Writes a time of the Unix epoch as in logs_line, in UTC. */
void logs_time_write(int64_t epoch_ms, char out[LOGS_TIME_LEN + 1]);
/* Reads "debug", "info", "warn" or "error". False: it is none of them. */
MUST_CHECK bool logs_level_read(const char *text, enum log_level *ret_level);

#endif

/*
 * fuzz_program_output: the output of a job's program arrives in pieces of any
 * size.  Whatever the output is, what the job receives of it is limited in
 * size, is JSON where it must be, and does not depend on the size of the
 * pieces.  The first byte of the input is that size.
 */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "base/arena.h"
#include "base/attr.h"
#include "base/json.h"
#include "base/log.h"
#include "base/utf8.h"
#include "job/job.h"
#include "job/program_output.h"

enum { VALUE_MAX = 64 * 1024 };

static char result[VALUE_MAX + 1];

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_json(struct job *job, const char *json)
{
	const char *problem;
	size_t len = strlen(json);

	assert(len <= VALUE_MAX);
	assert(json_read(job->arena, json, len, &problem) != NULL);
}

void
job_set_result(struct job *job, const char *json)
{
	check_json(job, json);
	memcpy(result, json, strlen(json) + 1);
}

bool
job_report_progress(struct job *job, const char *json)
{
	check_json(job, json);
	return true;
}

enum err
job_fail(struct job *job UNUSED, enum err e, const char *message UNUSED)
{
	return e;
}

enum err
job_discard(struct job *job UNUSED, const char *message UNUSED)
{
	return ERR_UNPROCESSABLE;
}

/* Processes the whole output; *ret_error is in the arena. */
static void
run(struct arena *a, const char *data, size_t size, size_t piece,
    const char **ret_error)
{
	struct job job = { .arena = a, .id = "id", .kind = "kind" };
	struct program_output o;
	const char *tail;

	result[0] = '\0';
	program_output_init(&o, &job);
	for (size_t at = 0; at < size; at += piece) {
		size_t len = size - at < piece ? size - at : piece;

		program_output_take(&o, data + at, len);
		program_output_take_log(&o, data + at, len);
	}
	program_output_finish(&o);
	assert(utf8_valid(o.error, strlen(o.error)));
	assert(strlen(o.error) <= PROGRAM_MESSAGE_MAX);
	tail = program_output_tail(&o, a);
	assert(utf8_valid(tail, strlen(tail)));
	assert(strlen(tail) <= PROGRAM_MESSAGE_MAX);
	*ret_error = arena_strdup(a, o.error);
	program_output_release(&o);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data + 1, *at_once, *in_pieces;
	char first[sizeof(result)];
	struct arena *a;

	if (size < 2)
		return 0;
	log_init("fuzz", LOG_ERROR);
	a = arena_new();
	run(a, text, size - 1, size, &at_once);
	memcpy(first, result, sizeof(first));
	run(a, text, size - 1, (size_t)data[0] + 1, &in_pieces);
	assert(strcmp(first, result) == 0);
	assert(strcmp(at_once, in_pieces) == 0);
	arena_free(a);
	return 0;
}

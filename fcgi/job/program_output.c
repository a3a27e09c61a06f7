#include "job/program_output.h"

#include <ctype.h>
#include <string.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "base/str.h"
#include "base/utf8.h"
#include "job/job.h"
#include "job/log_events.h"

enum {
	VALUE_MAX = 64 * 1024, /* bytes of a result or of progress; see job.h */
	PROGRESS_US = 200 * 1000,
	UNKNOWN_LINES_LOGGED = 10,
};

void
program_output_init(struct program_output *o, struct job *job)
{
	*o = (struct program_output){ .job = job, .scratch = arena_new() };
	buf_init(&o->line, job->arena, PROGRAM_LINE_MAX);
	buf_init(&o->progress, job->arena, VALUE_MAX);
	buf_init(&o->result, job->arena, VALUE_MAX);
}

void
program_output_release(struct program_output *o)
{
	arena_free(o->scratch);
}

static void
clear(struct buf *b)
{
	b->len = 0;
	b->data[0] = '\0';
	b->failed = false;
}

/*
 * Returns the text with '?' in place of invalid UTF-8 and control characters.
 */
static const char *
clean(struct arena *a, const char *text, size_t len)
{
	char *out = arena_strndup(a, text, len);

	utf8_scrub(out, len);
	str_replace_controls(out, len, /* kept= */ "\n\t", '?');
	return out;
}

/* Cuts the text to PROGRAM_MESSAGE_MAX bytes, never inside a character. */
static void
keep_error(struct program_output *o, const char *text)
{
	size_t len = utf8_cut(text, strlen(text), PROGRAM_MESSAGE_MAX);

	memcpy(o->error, text, len);
	o->error[len] = '\0';
}

static void
store_progress(struct program_output *o)
{
	o->progress_us = clock_monotonic_us();
	if (!o->lost && !job_report_progress(o->job, o->progress.data))
		o->lost = true;
	clear(&o->progress);
}

void
program_output_tick(struct program_output *o)
{
	if (o->progress.len > 0 &&
	    clock_monotonic_us() - o->progress_us >= PROGRESS_US)
		store_progress(o);
}

static void
keep_progress(struct program_output *o, const struct json *value)
{
	clear(&o->progress);
	json_write(&o->progress, value);
	if (buf_failed(&o->progress)) {
		o->problem = "its progress is larger than 64 KiB";
		clear(&o->progress);
		return;
	}
	program_output_tick(o);
}

static void
keep_result(struct program_output *o, const struct json *value)
{
	clear(&o->result);
	json_write(&o->result, value);
	if (buf_failed(&o->result))
		o->problem = "its result is larger than 64 KiB";
	o->has_result = true;
	o->unreadable = NULL;
}

static void
log_unknown_line(
    struct program_output *o, const char *text, const char *problem)
{
	if (o->unknown_lines++ >= UNKNOWN_LINES_LOGGED)
		return;
	log_event(LOG_WARN, EVENT_PROGRAM_LINE_UNKNOWN,
	    LOG_TEXT("job", o->job->id), LOG_TEXT("kind", o->job->kind),
	    LOG_TEXT("problem", problem), LOG_TEXT("text", text));
}

/*
 * Reads one line of output. Returns false if the line is not a JSON object, or
 * has none of the members progress, result and error.
 */
static bool
keep_members(struct program_output *o, const struct json *line)
{
	const struct json *progress = json_member(line, "progress"),
			  *result = json_member(line, "result");
	const char *error = json_member_string(line, "error");

	if (progress != NULL)
		keep_progress(o, progress);
	if (result != NULL)
		keep_result(o, result);
	if (error != NULL)
		keep_error(o, error);
	return progress != NULL || result != NULL || error != NULL;
}

/* Whether a line that is not valid JSON seems to be meant as a result. */
static bool
looks_like_result(const char *text)
{
	return text[strspn(text, " \t\r")] == '{' &&
	       strstr(text, "\"result\"") != NULL;
}

static void
read_line(struct program_output *o)
{
	const char *text = o->line.data,
		   *problem = "none of progress, result and error in it";
	const struct json *line;

	if (text[strspn(text, " \t\r")] == '\0')
		return;
	line = json_read(o->scratch, text, o->line.len, &problem);
	if (line == NULL && looks_like_result(text))
		o->unreadable = problem;
	if (line == NULL || !keep_members(o, line))
		log_unknown_line(o, text, problem);
}

static void
end_line(struct program_output *o)
{
	if (o->line.len > 0)
		read_line(o);
	clear(&o->line);
	arena_reset(o->scratch);
}

void
program_output_take(struct program_output *o, const char *data, size_t len)
{
	o->total += len;
	if (o->total > PROGRAM_OUTPUT_MAX)
		o->problem = "it printed more than 16 MiB";
	while (len > 0 && o->problem == NULL) {
		const char *end = memchr(data, '\n', len);
		size_t n = end != NULL ? (size_t)(end - data) : len;

		buf_put(&o->line, data, n);
		if (buf_failed(&o->line)) {
			o->problem = "it printed a line longer than 72 KiB";
			return;
		}
		if (end == NULL)
			return;
		end_line(o);
		data = end + 1;
		len -= n + 1;
	}
}

static void
log_line(struct program_output *o)
{
	size_t len = o->log_line_len;
	const char *text;

	o->log_line_len = 0;
	if (len == 0 || o->log_lines > PROGRAM_LOG_LINES)
		return;
	o->log_lines++;
	text = clean(o->scratch, o->log_line, len);
	log_event_from(LOG_INFO, EVENT_PROGRAM_STDERR, /* code= */ 0,
	    o->job->id,
	    (const struct log_field[]){
		LOG_TEXT("job", o->job->id),
		LOG_TEXT("kind", o->job->kind),
		LOG_TEXT("text", o->log_lines <= PROGRAM_LOG_LINES
				     ? text
				     : "(further lines are not logged)"),
		{ 0 },
	    });
	arena_reset(o->scratch);
}

void
program_output_take_log(struct program_output *o, const char *data, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		o->tail[o->tail_len++ % PROGRAM_MESSAGE_MAX] = data[i];
		/* A line that is too long is logged in pieces. */
		if (data[i] == '\n' || o->log_line_len == PROGRAM_MESSAGE_MAX)
			log_line(o);
		if (data[i] != '\n')
			o->log_line[o->log_line_len++] = data[i];
	}
}

void
program_output_finish(struct program_output *o)
{
	if (o->problem == NULL)
		end_line(o);
	if (o->log_line_len > 0)
		log_line(o);
	if (o->progress.len > 0 && !o->has_result)
		store_progress(o);
	if (o->has_result && o->problem == NULL)
		job_set_result(o->job, o->result.data);
}

const char *
program_output_tail(const struct program_output *o, struct arena *a)
{
	size_t len = o->tail_len, start = 0;
	char *text = arena_alloc(a, PROGRAM_MESSAGE_MAX);

	if (len > PROGRAM_MESSAGE_MAX)
		len = PROGRAM_MESSAGE_MAX;
	for (size_t i = 0; i < len; i++)
		text[i] =
		    o->tail[(o->tail_len - len + i) % PROGRAM_MESSAGE_MAX];
	while (start < len && isspace((unsigned char)text[start]))
		start++;
	while (len > start && isspace((unsigned char)text[len - 1]))
		len--;
	return clean(a, text + start, len - start);
}

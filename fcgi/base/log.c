#include "base/log.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "base/log_events.h"
#include "base/log_limit.h"
#include "base/log_output.h"
#include "base/str.h"
#include "base/utf8.h"

/*
 * A log line is built on the stack, without an arena: it may report that memory
 * is exhausted, and a thread without a request has no arena.
 */
enum {
	NAME_MAX_BYTES = 64, /* for the names of the service and the pool */
	ID_MAX_BYTES = 128,
	LOG_PRIORITY_LEN = 3, /* "<6>" */
	TRACE_MAX_BYTES = 32,
	/*
	 * One byte of text takes at most this many bytes when escaped: \u001f.
	 */
	ESCAPE_MAX = 6,
	HEAD_MAX_BYTES =
	    ESCAPE_MAX * (2 * NAME_MAX_BYTES + ID_MAX_BYTES + TRACE_MAX_BYTES) +
	    256,
};

static const char cut_mark[] = ",\"cut\":true";
static const char ellipsis[] = "\xe2\x80\xa6"; /* U+2026 */
static const char replacement[] = "\xef\xbf\xbd"; /* U+FFFD */

/*
 * The members before the fields and the longest event name always fit into a
 * line, so that only fields are left out.
 */
static_assert(HEAD_MAX_BYTES + ESCAPE_MAX * LOG_TEXT_MAX + sizeof(ellipsis) +
		      sizeof(cut_mark) + sizeof("}\n") <=
		  LOG_LINE_MAX,
    "head and message fit into a line");

struct line {
	size_t len;
	bool full; /* the line has no room; further text is dropped */
	/* room for the level as systemd's journal reads it, then the line */
	char all[LOG_PRIORITY_LEN + LOG_LINE_MAX];
	char *bytes; /* the line in `all` */
};

/* The priorities of syslog(3), as sd-daemon(3) has them before a line. */
static const char level_priorities[] = {
	[LOG_DEBUG] = '7',
	[LOG_INFO] = '6',
	[LOG_WARN] = '4',
	[LOG_ERROR] = '3',
};

static const char *const level_names[] = {
	[LOG_DEBUG] = "debug",
	[LOG_INFO] = "info",
	[LOG_WARN] = "warn",
	[LOG_ERROR] = "error",
};

static struct {
	const char *service;
	const char *pool;
	int worker; /* -1: this process is not a worker */
	enum log_level least;
} process = { .worker = -1, .least = LOG_INFO };
static _Thread_local const char *thread_request_id, *thread_trace_id;

static void
put(struct line *l, const char *bytes, size_t len)
{
	size_t max = LOG_LINE_MAX - sizeof(cut_mark) - sizeof("}\n");

	if (l->full || len > max - l->len) {
		l->full = true;
		return;
	}
	memcpy(l->bytes + l->len, bytes, len);
	l->len += len;
}

static void
puts_raw(struct line *l, const char *s)
{
	put(l, s, strlen(s));
}

static void
put_number(struct line *l, int64_t n)
{
	char text[STR_I64_MAX];
	size_t len;
	const char *digits = str_from_i64(n, text, &len);

	put(l, digits, len);
}

static void
put_code_escape(struct line *l, unsigned char c)
{
	static const char digits[] = "0123456789abcdef";
	const char text[] = { '\\', 'u', '0', '0', digits[c >> 4],
		digits[c & 15] };

	put(l, text, sizeof(text));
}

/*
 * Writes one code point, or a replacement for one byte that is not UTF-8.  JSON
 * allows C1 control characters and DEL, but a terminal that shows the log would
 * execute them, so they are escaped.
 */
static size_t
put_one(struct line *l, const char *s, size_t len)
{
	unsigned char c = (unsigned char)*s;
	size_t n = utf8_sequence(s, len);

	if (n == 0) {
		puts_raw(l, replacement);
		return 1;
	}
	if (c == '"' || c == '\\')
		put(l, (const char[]){ '\\', *s }, 2);
	else if (c == '\n')
		puts_raw(l, "\\n");
	else if (c < 0x20 || c == 0x7f)
		put_code_escape(l, c);
	else if (c == 0xc2 && (unsigned char)s[1] < 0xa0)
		put_code_escape(l, (unsigned char)s[1]);
	else
		put(l, s, n);
	return n;
}

static bool
is_plain(char c)
{
	return c >= 0x20 && c < 0x7f && c != '"' && c != '\\';
}

/* Writes at most max_bytes of the text, quoted and escaped. */
static void
put_text(struct line *l, const char *s, size_t max_bytes)
{
	size_t whole = strnlen(s, max_bytes + 1);
	size_t len = utf8_cut(s, whole, max_bytes);
	size_t i = 0;

	put(l, "\"", 1);
	while (i < len) {
		size_t run = i;

		while (run < len && is_plain(s[run]))
			run++;
		put(l, s + i, run - i);
		i = run;
		if (i < len)
			i += put_one(l, s + i, len - i);
	}
	if (whole > max_bytes)
		puts_raw(l, ellipsis);
	put(l, "\"", 1);
}

static void
put_name(struct line *l, const char *name)
{
	if (l->len > 1)
		put(l, ",", 1);
	put(l, "\"", 1);
	puts_raw(l, name);
	put(l, "\":", 2);
}

static void
put_member(struct line *l, const char *name, const char *text, size_t max_bytes)
{
	if (text == NULL)
		return;
	put_name(l, name);
	put_text(l, text, max_bytes);
}

static void
put_head(struct line *l, enum log_level level)
{
	char time[CLOCK_TEXT_SIZE];

	clock_write(clock_now_ms(), time);
	put_member(l, "time", time, sizeof(time));
	put_member(l, "level", level_names[level], NAME_MAX_BYTES);
	put_member(l, "service", process.service, NAME_MAX_BYTES);
	put_member(l, "pool", process.pool, NAME_MAX_BYTES);
	if (process.worker >= 0) {
		put_name(l, "worker");
		put_number(l, process.worker);
	}
	put_member(l, "request_id", thread_request_id, ID_MAX_BYTES);
	put_member(l, "trace_id", thread_trace_id, TRACE_MAX_BYTES);
}

/* Writes the whole field if it fits into the line; otherwise writes nothing. */
static void
put_field(struct line *l, const struct log_field *f)
{
	size_t len = l->len;

	put_name(l, f->name);
	if (f->text != NULL)
		put_text(l, f->text, LOG_TEXT_MAX);
	else
		put_number(l, f->number);
	if (l->full)
		l->len = len;
}

static void
write_event(
    enum log_level level, const char *message, const struct log_field *fields)
{
	struct line l;

	l.len = 0;
	l.full = false;
	l.bytes = l.all + LOG_PRIORITY_LEN;
	put(&l, "{", 1);
	put_head(&l, level);
	put_member(&l, "msg", message, LOG_TEXT_MAX);
	for (const struct log_field *f = fields; f->name != NULL; f++)
		put_field(&l, f);
	if (l.full) {
		memcpy(l.bytes + l.len, cut_mark, sizeof(cut_mark) - 1);
		l.len += sizeof(cut_mark) - 1;
	}
	memcpy(l.bytes + l.len, "}\n", 2);
	l.len += 2;
	if (log_output_is_journal()) {
		l.all[0] = '<';
		l.all[1] = level_priorities[level];
		l.all[2] = '>';
		log_output_write(l.all, LOG_PRIORITY_LEN + l.len);
	} else {
		log_output_write(l.bytes, l.len);
	}
}

/*
 * Logs an event of the logging itself (such as dropped lines), without the id
 * of the current request.
 */
static void
write_own_event(struct log_event event, const struct log_field *fields)
{
	const char *request_id = thread_request_id;
	const char *trace_id = thread_trace_id;

	log_set_request(NULL, NULL);
	write_event(LOG_WARN, event.name, fields);
	log_set_request(request_id, trace_id);
}

static void
write_dropped(const struct log_dropped *d)
{
	const struct log_field fields[] = {
		LOG_TEXT("of", d->message),
		LOG_NUM("count", d->count),
		d->code != 0 ? LOG_NUM("status", d->code)
			     : (struct log_field){ 0 },
		{ 0 },
	};

	write_own_event(EVENT_LOG_LINES_DROPPED, fields);
}

static void
report(int64_t now_us, bool all)
{
	struct log_dropped dropped;
	int64_t lost;

	while (log_limit_next(now_us, all, &dropped))
		write_dropped(&dropped);
	lost = log_output_take_lost();
	if (lost > 0)
		write_own_event(
		    EVENT_LOG_LINES_LOST, (const struct log_field[]){
					      LOG_NUM("count", lost), { 0 } });
}

void
log_report(bool all)
{
	report(clock_monotonic_us(), all);
}

static void
log_bounded(enum log_level level, const struct log_kind *kind,
    const struct log_field *fields)
{
	int saved_errno = errno; /* the caller may still need errno */
	int64_t now_us;

	if (level < process.least)
		return;
	now_us = clock_monotonic_us();
	if (log_limit_take(kind, now_us))
		write_event(level, kind->message, fields);
	report(now_us, /* all= */ false);
	errno = saved_errno;
}

void
log_event_(enum log_level level, struct log_event event,
    const struct log_field *fields)
{
	log_bounded(level, &(struct log_kind){ .message = event.name }, fields);
}

void
log_event_from(enum log_level level, struct log_event event, int code,
    const char *source, const struct log_field *fields)
{
	log_bounded(level,
	    &(struct log_kind){
		.message = event.name,
		.code = code,
		.source = source != NULL ? source : "",
	    },
	    fields);
}

void
log_init(const char *service, enum log_level least)
{
	process.service = service;
	process.least = least;
}

void
log_set_worker(const char *pool, int worker)
{
	process.pool = pool;
	process.worker = worker;
}

void
log_set_request(const char *request_id, const char *trace_id)
{
	thread_request_id = request_id;
	thread_trace_id = trace_id;
}

struct log_request
log_get_request(void)
{
	return (struct log_request){ thread_request_id, thread_trace_id };
}

bool
log_level_read(const char *text, enum log_level *ret_level)
{
	for (unsigned i = 0; i < COUNT_OF(level_names); i++) {
		if (strcmp(text, level_names[i]) == 0) {
			*ret_level = (enum log_level)i;
			return true;
		}
	}
	return false;
}

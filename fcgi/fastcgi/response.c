#include "fastcgi/response.h"

#include <stddef.h>

#include "base/attr.h"
#include "base/buf.h"
#include "base/log.h"
#include "fastcgi/log_events.h"

/* clang-format off */
static const struct {
	int status;
	const char *phrase;
} phrases[] = { /* Reason phrases of RFC 9110 section 15 and RFC 6585. */
	{ 200, "OK" }, { 201, "Created" }, { 202, "Accepted" },
	{ 203, "Non-Authoritative Information" }, { 204, "No Content" },
	{ 205, "Reset Content" }, { 206, "Partial Content" },
	{ 300, "Multiple Choices" }, { 301, "Moved Permanently" },
	{ 302, "Found" }, { 303, "See Other" }, { 304, "Not Modified" },
	{ 307, "Temporary Redirect" }, { 308, "Permanent Redirect" },
	{ 400, "Bad Request" }, { 401, "Unauthorized" },
	{ 402, "Payment Required" }, { 403, "Forbidden" },
	{ 404, "Not Found" }, { 405, "Method Not Allowed" },
	{ 406, "Not Acceptable" }, { 408, "Request Timeout" },
	{ 409, "Conflict" }, { 410, "Gone" }, { 411, "Length Required" },
	{ 412, "Precondition Failed" }, { 413, "Content Too Large" },
	{ 414, "URI Too Long" }, { 415, "Unsupported Media Type" },
	{ 416, "Range Not Satisfiable" }, { 417, "Expectation Failed" },
	{ 421, "Misdirected Request" }, { 422, "Unprocessable Content" },
	{ 426, "Upgrade Required" }, { 428, "Precondition Required" },
	{ 429, "Too Many Requests" },
	{ 431, "Request Header Fields Too Large" },
	{ 499, "Client Closed Request" }, /* only nginx uses it */
	{ 500, "Internal Server Error" }, { 501, "Not Implemented" },
	{ 502, "Bad Gateway" }, { 503, "Service Unavailable" },
	{ 504, "Gateway Timeout" },
};
/* clang-format on */

static const char *
phrase_of(int status)
{
	for (size_t i = 0; i < COUNT_OF(phrases); i++) {
		if (phrases[i].status == status)
			return phrases[i].phrase;
	}
	return "Unknown";
}

void
response_write_head(struct buf *b, const struct response *p)
{
	buf_puts(b, "Status: ");
	buf_put_i64(b, p->status);
	buf_putc(b, ' ');
	buf_puts(b, phrase_of(p->status));
	/*
	 * Tells nginx that the service writes the access line: see
	 * nginx/log.conf.in.
	 */
	buf_puts(b, "\r\nKedge-Logged: 1");
	for (int i = 0; i < p->nheaders; i++) {
		buf_puts(b, "\r\n");
		buf_puts(b, p->headers[i]);
	}
	if (p->content_type != NULL) {
		buf_puts(b, "\r\nContent-Type: ");
		buf_puts(b, p->content_type);
	}
	/*
	 * RFC 9110 section 8.6: a 204 has no Content-Length, and the
	 * Content-Length of a 304 would have to be that of the 200.  The length
	 * of a stream is not known yet.
	 */
	if (p->status != 204 && p->status != 304 && p->stream == NULL) {
		buf_puts(b, "\r\nContent-Length: ");
		buf_put_i64(b, (int64_t)p->body_len);
	}
	buf_puts(b, "\r\n\r\n");
}

enum err
stream_next(
    const struct stream *s, struct arena *a, struct buf *piece, bool *ret_done)
{
	enum err e = s->next(s->ctx, a, piece, ret_done);

	if (e == ERR_OK && buf_failed(piece)) {
		log_event(LOG_ERROR, EVENT_STREAM_CHUNK_TOO_LARGE);
		e = ERR_INTERNAL;
	}
	return e;
}

#include "mail/mail_message.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/arena.h"
#include "base/attr.h"
#include "base/base64.h"
#include "base/buf.h"
#include "base/str.h"
#include "base/utf8.h"
#include "mail/mail_address.h"

enum {
	LINE_MAX_BYTES = 998, /* RFC 5322 section 2.1.1, without CR LF */
	FOLD_BYTES = 76,
	ENCODED_BYTES =
	    39, /* of text in one encoded word: at most 64 characters
	         */
	QUOTED_LINE_BYTES = 75, /* and "=", RFC 2045 section 6.7 */
	HEADERS_MAX_BYTES = 8192,
	ID_MAX_BYTES = 128,
};

static const char boundary_mark[] = "=_kedge_";

static bool
is_ascii(const char *s)
{
	for (; *s != '\0'; s++) {
		if ((unsigned char)*s >= 0x80)
			return false;
	}
	return true;
}

static bool
has_control(const char *s)
{
	for (; *s != '\0'; s++) {
		if ((unsigned char)*s < ' ' || *s == 0x7f)
			return true;
	}
	return false;
}

/* -- headers -- */

/*
 * Writes the text as encoded words (RFC 2047) that end between characters, each
 * on a line of its own after the first.
 */
static void
put_encoded(struct buf *b, const char *s)
{
	size_t len = strlen(s);

	for (bool first = true; len > 0; first = false) {
		size_t n = utf8_cut(s, len, ENCODED_BYTES);

		buf_printf(b, "%s=?UTF-8?B?%s?=", first ? "" : "\r\n ",
		    base64_encode(b->arena, s, n));
		s += n;
		len -= n;
	}
}

/* The longest word, of those between spaces. */
static size_t
longest_word(const char *s)
{
	size_t longest = 0;

	while (*s != '\0') {
		size_t len = strcspn(s, " ");

		if (len > longest)
			longest = len;
		s += len + (s[len] != '\0');
	}
	return longest;
}

/*
 * Whether a text may stand in a header as it is: readers must not take a part
 * of it for an encoded word, and spaces at its ends would be lost.
 */
static bool
is_plain(const char *s)
{
	size_t len = strlen(s);

	return is_ascii(s) && strstr(s, "=?") == NULL && len > 0 &&
	       s[0] != ' ' && s[len - 1] != ' ' && strstr(s, "  ") == NULL &&
	       longest_word(s) < FOLD_BYTES;
}

/* Folds at spaces; `used` characters are on the line already. */
static void
put_folded(struct buf *b, const char *s, size_t used)
{
	while (*s != '\0') {
		size_t len = strcspn(s, " ");

		buf_put(b, s, len);
		used += len;
		s += len;
		if (*s == '\0')
			return;
		s++;
		len = strcspn(s, " ");
		if (used + 1 + len > FOLD_BYTES) {
			buf_puts(b, "\r\n");
			used = 0;
		}
		buf_putc(b, ' ');
		used++;
	}
}

static void
put_subject(struct buf *b, const char *subject)
{
	static const char name[] = "Subject: ";

	buf_puts(b, name);
	if (is_plain(subject))
		put_folded(b, subject, strlen(name));
	else
		put_encoded(b, subject);
	buf_puts(b, "\r\n");
}

/*
 * "From: Name <address>": if both do not fit on one line, the address is on the
 * next one.
 */
static void
put_mailbox(
    struct buf *b, const char *header, const char *name, const char *address)
{
	size_t used = strlen(header) + 2;

	buf_printf(b, "%s: ", header);
	if (name != NULL && *name != '\0') {
		if (is_plain(name) && strlen(name) < FOLD_BYTES - used) {
			buf_putc(b, '"');
			for (const char *s = name; *s != '\0'; s++) {
				if (*s == '"' || *s == '\\')
					buf_putc(b, '\\');
				buf_putc(b, *s);
			}
			buf_putc(b, '"');
		} else {
			put_encoded(b, name);
		}
		buf_puts(b, "\r\n ");
	}
	buf_printf(b, "<%s>\r\n", address);
}

/* RFC 5322 section 3.3; strftime() would use the locale's names. */
static void
put_date(struct buf *b, int64_t at_ms)
{
	static const char *const days[] = { "Sun", "Mon", "Tue", "Wed", "Thu",
		"Fri", "Sat" };
	static const char *const months[] = { "Jan", "Feb", "Mar", "Apr", "May",
		"Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };
	time_t at = (time_t)(at_ms / 1000);
	struct tm tm;

	gmtime_r(&at, &tm);
	buf_printf(b, "Date: %s, %02d %s %04d %02d:%02d:%02d +0000\r\n",
	    days[tm.tm_wday], tm.tm_mday, months[tm.tm_mon], tm.tm_year + 1900,
	    tm.tm_hour, tm.tm_min, tm.tm_sec);
}

/* -- parts -- */

/*
 * Whether the text can be sent without an encoding: ASCII, lines that every
 * server accepts, no character that some servers change.
 */
static bool
can_be_sent(const char *s)
{
	size_t line = 0;

	/* Quoted-printable cannot contain the line that ends a part. */
	if (strstr(s, boundary_mark) != NULL)
		return false;
	for (; *s != '\0'; s++) {
		unsigned char c = (unsigned char)*s;

		if (c == '\r' && s[1] == '\n')
			continue;
		if (c == '\n') {
			line = 0;
			continue;
		}
		if (c >= 0x7f || (c < ' ' && c != '\t'))
			return false;
		if (++line > LINE_MAX_BYTES)
			return false;
		/* mbox files escape "From ", and some programs cut blanks. */
		if (line == 1 && strncmp(s, "From ", 5) == 0)
			return false;
		if ((c == ' ' || c == '\t') &&
		    (s[1] == '\0' || s[1] == '\r' || s[1] == '\n'))
			return false;
	}
	return true;
}

/* Ends each line with CR LF, also the last one. */
static void
put_lines(struct buf *b, const char *s)
{
	while (*s != '\0') {
		size_t len = strcspn(s, "\r\n");

		buf_put(b, s, len);
		buf_puts(b, "\r\n");
		s += len;
		s += *s == '\r' && s[1] == '\n' ? 2 : *s != '\0';
	}
}

static bool
ends_line(const char *s)
{
	return *s == '\0' || *s == '\n' || (*s == '\r' && s[1] == '\n');
}

/* RFC 2045 section 6.7. */
static void
put_quoted(struct buf *b, const char *s)
{
	size_t line = 0;

	for (; *s != '\0'; s++) {
		unsigned char c = (unsigned char)*s;
		bool blank = c == ' ' || c == '\t';
		bool plain = (c > ' ' && c < 0x7f && c != '=') ||
		             (blank && !ends_line(s + 1));
		size_t need;

		if (ends_line(s)) {
			s += *s == '\r';
			buf_puts(b, "\r\n");
			line = 0;
			continue;
		}
		/* "From " and "." at the beginning of a line are changed by
		 * some programs. */
		if (line == 0 && (c == 'F' || c == '.'))
			plain = false;
		need = plain ? 1 : 3;
		if (line + need > QUOTED_LINE_BYTES) {
			buf_puts(b, "=\r\n");
			line = 0;
			if (c == 'F' || c == '.')
				plain = false;
			need = plain ? 1 : 3;
		}
		if (plain)
			buf_putc(b, (char)c);
		else
			buf_printf(b, "=%02X", c);
		line += need;
	}
	if (line > 0)
		buf_puts(b, "\r\n");
}

static void
put_part(struct buf *b, const char *type, const char *body)
{
	bool as_it_is = can_be_sent(body);

	buf_printf(b,
	    "Content-Type: %s; charset=utf-8\r\n"
	    "Content-Transfer-Encoding: %s\r\n\r\n",
	    type, as_it_is ? "7bit" : "quoted-printable");
	if (as_it_is)
		put_lines(b, body);
	else
		put_quoted(b, body);
}

/* -- checks -- */

static bool
is_id(const char *s)
{
	size_t len = strlen(s);

	if (len == 0 || len > ID_MAX_BYTES || s[0] == '.' ||
	    s[len - 1] == '.' || strstr(s, "..") != NULL)
		return false;
	for (; *s != '\0'; s++) {
		if (!str_is_alnum(*s) && strchr("-_.", *s) == NULL)
			return false;
	}
	return true;
}

static const char *
header_problem(const char *s, size_t max_bytes)
{
	if (s == NULL)
		return NULL;
	if (strlen(s) > max_bytes)
		return "MAIL_HEADER_TOO_LONG";
	return has_control(s) || !utf8_valid(s, strlen(s))
	           ? "MAIL_HEADER_INVALID"
	           : NULL;
}

static const char *
body_problem(const char *s)
{
	if (s == NULL)
		return NULL;
	if (strlen(s) > MAIL_BODY_MAX_BYTES)
		return "MAIL_BODY_TOO_LONG";
	return utf8_valid(s, strlen(s)) ? NULL : "MAIL_BODY_INVALID";
}

static bool
is_language(const char *s)
{
	for (; *s != '\0'; s++) {
		if (!str_is_alnum(*s) && *s != '-')
			return false;
	}
	return true;
}

static const char *
problem_of(const struct mail_message *m)
{
	const char *problems[] = {
		is_id(m->id) ? NULL : "MAIL_ID_INVALID",
		mail_address_problem(m->from),
		mail_address_problem(m->to),
		header_problem(m->from_name, MAIL_NAME_MAX_BYTES),
		header_problem(m->to_name, MAIL_NAME_MAX_BYTES),
		header_problem(m->subject, MAIL_SUBJECT_MAX_BYTES),
		m->language == NULL || is_language(m->language)
		    ? header_problem(m->language, MAIL_NAME_MAX_BYTES)
		    : "MAIL_HEADER_INVALID",
		body_problem(m->text),
		body_problem(m->html),
	};

	for (size_t i = 0; i < COUNT_OF(problems); i++) {
		if (problems[i] != NULL)
			return problems[i];
	}
	return NULL;
}

static void
put_headers(struct buf *b, const struct mail_message *m)
{
	put_date(b, m->date_ms);
	put_mailbox(b, "From", m->from_name, m->from);
	put_mailbox(b, "To", m->to_name, m->to);
	put_subject(b, m->subject);
	buf_printf(
	    b, "Message-ID: <%s@%s>\r\n", m->id, mail_address_domain(m->from));
	/* RFC 3834: no vacation message answers it. */
	buf_puts(b, "Auto-Submitted: auto-generated\r\n");
	if (m->language != NULL && *m->language != '\0')
		buf_printf(b, "Content-Language: %s\r\n", m->language);
	buf_puts(b, "MIME-Version: 1.0\r\n");
}

enum err
mail_message_write(struct arena *a, const struct mail_message *m,
    const char **ret_text, size_t *ret_len, const char **ret_problem)
{
	const char *problem = problem_of(m);
	struct buf b;

	if (problem != NULL) {
		*ret_problem = problem;
		return ERR_INVALID;
	}
	/* Quoting makes a text at most four times as long. */
	buf_init(&b, a, HEADERS_MAX_BYTES + 8 * MAIL_BODY_MAX_BYTES);
	put_headers(&b, m);
	if (m->html == NULL) {
		put_part(&b, "text/plain", m->text);
	} else {
		/*
		 * "=_" stands in no quoted-printable part, and the id is in no
		 * other message.
		 */
		buf_printf(&b,
		    "Content-Type: multipart/alternative;\r\n"
		    " boundary=\"%s%s\"\r\n\r\n--%s%s\r\n",
		    boundary_mark, m->id, boundary_mark, m->id);
		put_part(&b, "text/plain", m->text);
		buf_printf(&b, "\r\n--%s%s\r\n", boundary_mark, m->id);
		put_part(&b, "text/html", m->html);
		buf_printf(&b, "\r\n--%s%s--\r\n", boundary_mark, m->id);
	}
	if (buf_failed(&b)) {
		*ret_problem = "MAIL_BODY_TOO_LONG";
		return ERR_INVALID;
	}
	*ret_text = b.data;
	*ret_len = b.len;
	return ERR_OK;
}

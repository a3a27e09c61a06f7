/*
 * mail_message: writes a message as RFC 5322 and MIME have it, with a text part
 * and an HTML part (multipart/alternative).
 *
 * Names and subjects may have any letters: those beyond ASCII become encoded
 * words (RFC 2047).  A part is sent as it is when it is ASCII with lines that
 * mail can carry, otherwise as quoted-printable.  Nothing that a caller passes
 * can begin another header: a text with a line break or another control
 * character is refused where a header takes it.
 *
 * The result depends on the arguments alone, so that a message that is sent
 * again is the same message, with the same Message-ID.
 */
#ifndef MAIL_MAIL_MESSAGE_H
#define MAIL_MAIL_MESSAGE_H

#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"

struct arena;

enum {
	MAIL_BODY_MAX_BYTES = 256 * 1024, /* of one part */
	MAIL_SUBJECT_MAX_BYTES = 512,
	MAIL_NAME_MAX_BYTES = 256,
};

struct mail_message {
	/*
	 * Letters, digits, "-", "_" and ".": the Message-ID is ID@DOMAIN with
	 * the domain of `from`.  The id of the job that sends the message.
	 */
	const char *id;
	const char *from_name; /* NULL or "": only the address */
	const char *from;
	const char *to_name; /* NULL or "": only the address */
	const char *to;
	const char *subject;
	const char *text;
	const char *html; /* NULL: the message has only the text */
	const char *language; /* "en"; NULL or "": no Content-Language */
	int64_t date_ms; /* milliseconds since 1970 */
};

/*
 * Writes the message, with CR LF at the end of each line; *ret_text is in the
 * arena.  Otherwise ERR_INVALID, and *ret_problem is a stable code:
 * "MAIL_ADDRESS_...", "MAIL_ID_INVALID", "MAIL_HEADER_INVALID" (a control
 * character or invalid UTF-8 in a name, the subject or the language),
 * "MAIL_HEADER_TOO_LONG", "MAIL_BODY_INVALID" (no UTF-8) or
 * "MAIL_BODY_TOO_LONG".
 */
MUST_CHECK enum err mail_message_write(struct arena *a,
    const struct mail_message *m, const char **ret_text, size_t *ret_len,
    const char **ret_problem);

#endif

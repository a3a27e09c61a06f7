/*
 * smtp: hands one message to a mail server (RFC 5321) through libcurl, with TLS
 * from the start (smtps) or by STARTTLS, and with authentication.
 *
 * A call has one deadline for everything: the look-up of the name, the
 * connection, TLS, and each answer of a server that may stall at any point.
 *
 * What SMTP can promise: a message of which the server has answered "250" to
 * the end of DATA has been taken over.  When the connection breaks between the
 * end of DATA and that answer, nobody knows whether it was; the outcome is
 * SMTP_DEFERRED then, and the message is sent again.  Its Message-ID is the
 * same, so that most mailboxes show it once.
 *
 * SIGPIPE must be ignored, and http_client_init() have been called.
 */
#ifndef MAIL_SMTP_H
#define MAIL_SMTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;

enum smtp_tls {
	SMTP_TLS_REQUIRED, /* no TLS, no mail */
	SMTP_TLS_OPPORTUNISTIC, /* TLS if the server offers it */
	SMTP_TLS_OFF,
};

struct smtp_server {
	const char *url; /* smtp://HOST[:PORT] or smtps://HOST[:PORT] */
	enum smtp_tls tls; /* smtps always has TLS */
	const char *ca_file; /* NULL or "": the system's certificates */
	const char *user; /* NULL or "": no authentication */
	const char *password;
	int64_t timeout_ms; /* the limit for the whole call */
};

enum smtp_outcome {
	SMTP_SENT,
	SMTP_DEFERRED, /* it may work later: 4xx, a stall, a broken line */
	SMTP_REFUSED, /* it will not: the server answers 5xx to this message */
};

struct smtp_result {
	enum smtp_outcome outcome;
	int code; /* the last answer of the server; 0: there was none */
	/*
	 * The result in words, for people: the server's last line, or what
	 * libcurl says.  In the arena, printable, at most 512 bytes; "" when
	 * sent.
	 */
	const char *reason;
};

/*
 * Sends the message to one recipient.  Both addresses have been checked
 * (mail_address.h); `text` is as mail_message_write() returns it.
 */
void smtp_send(struct arena *a, const struct smtp_server *server,
    const char *from, const char *to, const char *text, size_t len,
    struct smtp_result *ret_result);

#endif

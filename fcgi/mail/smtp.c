#include "mail/smtp.h"

#include <stdlib.h>
#include <string.h>

#include <curl/curl.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/str.h"
#include "base/utf8.h"

enum {
	REASON_MAX_BYTES = 512,
	CONNECT_TIMEOUT_MS = 10000,
	PERMANENT = 500, /* the lowest permanent answer, RFC 5321 4.2.1 */
};

/* A message that is being sent, and the last line of the server. */
struct sending {
	const char *text;
	size_t left;
	int64_t end_us; /* of the whole call, on the monotonic clock */
	char line[REASON_MAX_BYTES + 1];
};

static size_t
give_text(char *out, size_t size, size_t count, void *ctx)
{
	struct sending *s = ctx;
	size_t len = size * count;

	if (len > s->left)
		len = s->left;
	memcpy(out, s->text, len);
	s->text += len;
	s->left -= len;
	return len;
}

/*
 * libcurl calls this with each line that the server sends.  The last one that
 * refuses something is kept: after it comes the answer to QUIT.
 */
static size_t
take_line(char *data, size_t size, size_t count, void *ctx)
{
	struct sending *s = ctx;
	size_t len = size * count;
	size_t kept = len < REASON_MAX_BYTES ? len : REASON_MAX_BYTES;

	if (len == 0 || (data[0] != '4' && data[0] != '5'))
		return len;
	while (kept > 0 && (data[kept - 1] == '\r' || data[kept - 1] == '\n'))
		kept--;
	memcpy(s->line, data, kept);
	s->line[kept] = '\0';
	return len;
}

/*
 * libcurl calls this at least once per second; a result other than 0 ends the
 * call.  CURLOPT_TIMEOUT_MS does not bound the wait for an answer to QUIT, with
 * which libcurl leaves a server even after a time-out.
 */
static int
check_deadline(void *ctx, curl_off_t down_total, curl_off_t down,
    curl_off_t up_total, curl_off_t up)
{
	const struct sending *s = ctx;

	(void)down_total;
	(void)down;
	(void)up_total;
	(void)up;
	return clock_monotonic_us() >= s->end_us;
}

static struct curl_slist *
list_of(const char *text)
{
	struct curl_slist *list = curl_slist_append(NULL, text);

	if (list == NULL)
		abort();
	return list;
}

static long
tls_of(const struct smtp_server *server)
{
	if (str_has_prefix(server->url, "smtps://"))
		return CURLUSESSL_ALL;
	switch (server->tls) {
	case SMTP_TLS_REQUIRED:
		return CURLUSESSL_ALL;
	case SMTP_TLS_OPPORTUNISTIC:
		return CURLUSESSL_TRY;
	case SMTP_TLS_OFF:
		break;
	}
	return CURLUSESSL_NONE;
}

static unsigned
set_server(CURL *h, struct arena *a, const struct smtp_server *server,
    const char *from)
{
	int64_t connect_ms = server->timeout_ms < CONNECT_TIMEOUT_MS
	                         ? server->timeout_ms
	                         : CONNECT_TIMEOUT_MS;
	unsigned bad = 0;

	/*
	 * libcurl sends the path of the URL as the host name in EHLO; use the
	 * domain of the sender.
	 */
	bad |= curl_easy_setopt(h, CURLOPT_URL,
	    arena_printf(a, "%s/%s", server->url, strrchr(from, '@') + 1));
	bad |= curl_easy_setopt(h, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
	bad |= curl_easy_setopt(h, CURLOPT_NOSIGNAL, 1L);
	bad |=
	    curl_easy_setopt(h, CURLOPT_TIMEOUT_MS, (long)server->timeout_ms);
	bad |= curl_easy_setopt(h, CURLOPT_CONNECTTIMEOUT_MS, (long)connect_ms);
	bad |= curl_easy_setopt(h, CURLOPT_USE_SSL, tls_of(server));
	bad |= curl_easy_setopt(
	    h, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	if (server->ca_file != NULL && *server->ca_file != '\0')
		bad |= curl_easy_setopt(h, CURLOPT_CAINFO, server->ca_file);
	if (server->user != NULL && *server->user != '\0') {
		bad |= curl_easy_setopt(h, CURLOPT_USERNAME, server->user);
		bad |= curl_easy_setopt(h, CURLOPT_PASSWORD,
		    server->password != NULL ? server->password : "");
	}
	/*
	 * Ignore the proxy variables of the environment, as http_client does.
	 */
	bad |= curl_easy_setopt(h, CURLOPT_PROXY, "");
	bad |= curl_easy_setopt(h, CURLOPT_NOPROXY, "*");
	bad |= curl_easy_setopt(h, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
	return bad;
}

static unsigned
set_message(CURL *h, struct sending *sending, const char *from,
    struct curl_slist *to, size_t len)
{
	unsigned bad = 0;

	bad |= curl_easy_setopt(h, CURLOPT_MAIL_FROM, from);
	bad |= curl_easy_setopt(h, CURLOPT_MAIL_RCPT, to);
	bad |= curl_easy_setopt(h, CURLOPT_UPLOAD, 1L);
	bad |= curl_easy_setopt(h, CURLOPT_INFILESIZE_LARGE, (curl_off_t)len);
	bad |= curl_easy_setopt(h, CURLOPT_READFUNCTION, give_text);
	bad |= curl_easy_setopt(h, CURLOPT_READDATA, sending);
	bad |= curl_easy_setopt(h, CURLOPT_HEADERFUNCTION, take_line);
	bad |= curl_easy_setopt(h, CURLOPT_HEADERDATA, sending);
	bad |= curl_easy_setopt(h, CURLOPT_XFERINFOFUNCTION, check_deadline);
	bad |= curl_easy_setopt(h, CURLOPT_XFERINFODATA, sending);
	bad |= curl_easy_setopt(h, CURLOPT_NOPROGRESS, 0L);
	/*
	 * libcurl sends QUIT when it closes the connection: close it now, so
	 * that this and the wait for the answer are a part of the call.
	 */
	bad |= curl_easy_setopt(h, CURLOPT_FORBID_REUSE, 1L);
	return bad;
}

/*
 * 5xx is permanent only for the message and its addresses.  A password that is
 * not accepted, no TLS, or a server that does not talk to us is a fault of the
 * configuration: the mail waits until it is mended.
 */
static bool
is_of_message(CURLcode code, long answer, const struct sending *sending)
{
	switch (answer) {
	case 530: /* authentication, or STARTTLS, is required: RFC 4954 */
	case 534:
	case 535:
	case 538:
		return false;
	default:
		break;
	}
	/*
	 * libcurl reports a 5xx to the greeting in the same way as a 5xx to the
	 * message: only the second one comes after all of the message was sent.
	 */
	if (code == CURLE_WEIRD_SERVER_REPLY)
		return sending->left == 0;
	return code == CURLE_SEND_ERROR || code == CURLE_RECV_ERROR;
}

static const char *
reason_of(struct arena *a, CURLcode code, const char *detail, long answer,
    const char *line)
{
	const char *said = *detail != '\0' ? detail : curl_easy_strerror(code);
	char *reason = answer >= 400 && *line != '\0'
	                   ? arena_printf(a, "the server answers: %s", line)
	                   : arena_strdup(a, said);
	size_t len = strlen(reason);

	utf8_scrub(reason, len);
	str_replace_controls(reason, len, /* kept= */ "", ' ');
	return arena_strndup(
	    a, reason, utf8_cut(reason, len, REASON_MAX_BYTES));
}

static void
judge(struct arena *a, CURL *h, CURLcode code, const char *detail,
    const struct sending *sending, struct smtp_result *ret)
{
	long answer = 0;

	curl_easy_getinfo(h, CURLINFO_RESPONSE_CODE, &answer);
	ret->code = (int)answer;
	if (code == CURLE_OK) {
		ret->outcome = SMTP_SENT;
		ret->reason = "";
		return;
	}
	ret->outcome =
	    answer >= PERMANENT && is_of_message(code, answer, sending)
		? SMTP_REFUSED
		: SMTP_DEFERRED;
	ret->reason = reason_of(a, code, detail, answer, sending->line);
}

void
smtp_send(struct arena *a, const struct smtp_server *server, const char *from,
    const char *to, const char *text, size_t len,
    struct smtp_result *ret_result)
{
	struct sending sending = {
		.text = text,
		.left = len,
		.end_us = clock_monotonic_us() + server->timeout_ms * 1000,
	};
	struct curl_slist *recipients = list_of(arena_printf(a, "<%s>", to));
	char detail[CURL_ERROR_SIZE] = "";
	CURL *h = curl_easy_init();
	CURLcode code;
	unsigned bad;

	if (h == NULL)
		abort();
	bad = curl_easy_setopt(h, CURLOPT_ERRORBUFFER, detail);
	bad |= set_server(h, a, server, from);
	bad |= set_message(
	    h, &sending, arena_printf(a, "<%s>", from), recipients, len);
	code = bad == 0 ? curl_easy_perform(h) : CURLE_FAILED_INIT;
	judge(a, h, code, detail, &sending, ret_result);
	curl_easy_cleanup(h);
	curl_slist_free_all(recipients);
}

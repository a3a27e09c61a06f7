#include "doctor_http.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/str.h"
#include "base/tls_exchange.h"

enum {
	RESPONSE_MAX = 64 * 1024,
	TIMEOUT_S = 10,
	HTTP_PORT = 80,
	HTTPS_PORT = 443
};

/* Whether clients use TLS; port 80 only redirects them then. */
static bool
is_tls(const struct doctor *d)
{
	return d->site.is_server && d->site.spec->tls.certificate != NULL;
}

static int
open_connection(const struct doctor *d)
{
	const struct timeval timeout = { .tv_sec = TIMEOUT_S };
	const char *colon = strrchr(d->url, ':');
	struct sockaddr_in in = { .sin_family = AF_INET };
	int64_t port = is_tls(d) ? HTTPS_PORT : HTTP_PORT;
	int fd;

	if (colon[1] != '/' && !str_i64(colon + 1, 1, 65535, &port))
		return -1;
	in.sin_port = htons((uint16_t)port);
	in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd == -1)
		return -1;
	if (setsockopt(
		fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout)) == 0 &&
	    setsockopt(
		fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout)) == 0 &&
	    connect(fd, (struct sockaddr *)&in, sizeof(in)) == 0)
		return fd;
	close(fd);
	return -1;
}

static void
parse(struct doctor_response *r, char *text)
{
	char *end;
	long status;

	*r = (struct doctor_response){ .head = "", .body = "" };
	for (;;) {
		end = strstr(text, "\r\n\r\n");
		if (end == NULL || (!str_has_prefix(text, "HTTP/1.1 ") &&
				       !str_has_prefix(text, "HTTP/1.0 ")))
			return;
		status = strtol(text + strlen("HTTP/1.1 "), NULL, 10);
		/* The response follows an interim one, such as 100 Continue. */
		if (status < 100 || status > 199 || status == 101)
			break;
		text = end + 4;
	}
	if (status < 100 || status > 999)
		return;
	end[2] = '\0';
	r->status = (int)status;
	r->head = text;
	r->body = end + 4;
}

static size_t
exchange(int fd, const char *text, char *answer, size_t size)
{
	size_t len = 0;
	ssize_t n;

	/*
	 * Ignore an error: nginx may answer before it has read the whole
	 * request.
	 */
	(void)send(fd, text, strlen(text), MSG_NOSIGNAL);
	while (len < size && (n = recv(fd, answer + len, size - len, 0)) > 0)
		len += (size_t)n;
	return len;
}

bool
doctor_http(struct doctor *d, const char *text, struct doctor_response *ret)
{
	char *answer = arena_alloc(d->arena, RESPONSE_MAX);
	int fd = open_connection(d);
	ssize_t len;

	if (fd == -1)
		return false;
	if (is_tls(d))
		len = tls_exchange(fd, d->site.spec->server_names[0], text,
		    answer, RESPONSE_MAX - 1);
	else
		len = (ssize_t)exchange(fd, text, answer, RESPONSE_MAX - 1);
	close(fd);
	answer[len > 0 ? len : 0] = '\0';
	parse(ret, answer);
	return true;
}

const char *
doctor_http_header(
    struct doctor *d, const struct doctor_response *r, const char *name)
{
	size_t len = strlen(name);
	const char *at = r->head;
	char *value;

	for (at = strstr(at, "\r\n"); at != NULL; at = strstr(at, "\r\n")) {
		at += 2;
		if (strncasecmp(at, name, len) != 0 || at[len] != ':')
			continue;
		at += len + 1 + strspn(at + len + 1, " ");
		value = arena_strndup(d->arena, at, strcspn(at, "\r"));
		str_lower(value);
		return value;
	}
	return NULL;
}

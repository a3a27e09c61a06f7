#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "unit.h"

#include "base/arena.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "http_client/address.h"
#include "http_client/http_client.h"
#include "http_client/http_url.h"

enum { REQUEST_SIZE = 8192, BIG = 100000 };

static struct arena *a;
static int port;
static char socket_path[64];

/* A simple HTTP server: its response depends on the path of the request. */

static void
say(int fd, const char *text)
{
	(void)!write(fd, text, strlen(text));
}

static void
answer_big(int fd, bool with_length)
{
	char block[1000];

	memset(block, 'x', sizeof(block));
	if (with_length)
		dprintf(
		    fd, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", BIG);
	else
		say(fd, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n");
	for (int i = 0; i < BIG / 1000; i++)
		if (write(fd, block, sizeof(block)) < 0)
			break;
}

/*
 * Handles paths that begin with /part: sends a response whose body is
 * incomplete or late.  Returns false for other paths.
 */
static bool
answer_in_part(int fd, const char *path)
{
	const struct linger reset = { .l_onoff = 1 };
	int unsent;
	char c;

	if (strncmp(path, "/part", 5) != 0)
		return false;
	say(fd, "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n");
	if (strcmp(path, "/part-chunks") == 0)
		say(fd, "HTTP/1.1 202 X\r\nTransfer-Encoding: chunked\r\n\r\n"
			"4\r\npart\r\n");
	else if (strcmp(path, "/part-garbled") == 0)
		say(fd, "HTTP/1.1 202 X\r\nTransfer-Encoding: chunked\r\n\r\n"
			"4\r\npart\r\nhow many?\r\n");
	else
		say(fd, "HTTP/1.1 202 X\r\nContent-Length: 9\r\n\r\npart");
	/* Wait until the client has given up and closed the connection. */
	if (strcmp(path, "/part-late") == 0)
		(void)!read(fd, &c, 1);
	if (strcmp(path, "/part-reset") == 0) {
		/*
		 * Wait until the client's kernel has acknowledged all sent
		 * bytes.
		 */
		while (ioctl(fd, TIOCOUTQ, &unsent) == 0 && unsent > 0)
			usleep(1000);
		setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	}
	return true;
}

/* Answers one request; returns false when the connection must be closed. */
static bool
answer(int fd, const char *request)
{
	bool head = strncmp(request, "HEAD", 4) == 0;
	const char *after; /* X-Retry-After, returned as Retry-After */
	char path[64] = "";

	sscanf(request, "%*s %63s", path);
	if (strcmp(path, "/silent") == 0) {
		char c;

		(void)!read(fd, &c, 1);
		return false;
	}
	if (strcmp(path, "/big") == 0) {
		answer_big(fd, true);
		return true;
	}
	if (strcmp(path, "/endless") == 0) {
		answer_big(fd, false);
		return false;
	}
	if (answer_in_part(fd, path))
		return false;
	if (strcmp(path, "/garbage") == 0) {
		say(fd, "hello\r\n\r\n");
		return false;
	}
	if (strcmp(path, "/redirect") == 0) {
		say(fd, "HTTP/1.1 302 Found\r\nLocation: /echo\r\n"
			"Content-Length: 0\r\n\r\n");
		return true;
	}
	after = strstr(request, "\r\nX-Retry-After: ");
	if (after != NULL) {
		after += strlen("\r\nX-");
		dprintf(fd,
		    "HTTP/1.1 503 X\r\nContent-Length: 0\r\n%.*s\r\n\r\n",
		    (int)strcspn(after, "\r"), after);
		return true;
	}
	/*
	 * Send the response in one piece: a second piece would wait until the
	 * client acknowledges the first.
	 */
	dprintf(fd, "HTTP/1.1 %d X\r\nContent-Length: %zu\r\n\r\n%s",
	    strcmp(path, "/missing") == 0 ? 404 : 200,
	    head ? (size_t)5 : strlen(request), head ? "" : request);
	return true;
}

/* Reads one request into `out`; returns false at the end of the connection. */
static bool
read_request(int fd, char out[REQUEST_SIZE])
{
	size_t len = 0;

	for (;;) {
		char *end, *length;
		ssize_t n = read(fd, out + len, REQUEST_SIZE - 1 - len);

		if (n <= 0)
			return false;
		len += (size_t)n;
		out[len] = '\0';
		end = strstr(out, "\r\n\r\n");
		if (end == NULL)
			continue;
		length = strstr(out, "Content-Length: ");
		if (length == NULL ||
		    strlen(end + 4) >= (size_t)atoi(length + 16))
			return true;
	}
}

static void *
serve_one(void *arg)
{
	char request[REQUEST_SIZE];
	int fd = (int)(intptr_t)arg;

	while (read_request(fd, request) && answer(fd, request))
		continue;
	close(fd);
	return NULL;
}

static void *
serve(void *arg)
{
	int listener = (int)(intptr_t)arg;

	for (;;) {
		pthread_t thread;
		int fd = accept(listener, NULL, NULL);

		if (fd < 0)
			return NULL;
		pthread_create(&thread, NULL, serve_one, (void *)(intptr_t)fd);
		pthread_detach(thread);
	}
}

static void
start_server(int family, const void *address, socklen_t len)
{
	int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	pthread_t thread;

	if (fd < 0 || bind(fd, address, len) != 0 || listen(fd, 64) != 0) {
		perror("server");
		exit(1);
	}
	if (family == AF_INET) {
		struct sockaddr_in in;

		len = sizeof(in);
		getsockname(fd, (struct sockaddr *)&in, &len);
		port = ntohs(in.sin_port);
	}
	pthread_create(&thread, NULL, serve, (void *)(intptr_t)fd);
	pthread_detach(thread);
}

static void
start_servers(void)
{
	struct sockaddr_in in = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	struct sockaddr_un un = { .sun_family = AF_UNIX };

	snprintf(socket_path, sizeof(socket_path), "/tmp/kedge-remote-%d.sock",
	    (int)getpid());
	snprintf(un.sun_path, sizeof(un.sun_path), "%s", socket_path);
	unlink(socket_path);
	start_server(AF_INET, &in, sizeof(in));
	start_server(AF_UNIX, &un, sizeof(un));
}

static void
set_up(void)
{
	a = arena_new();
}

static void
tear_down(void)
{
	arena_free(a);
}

static struct http_client_request
request_for(const char *path)
{
	return (struct http_client_request){
		.method = "GET",
		.url = arena_printf(a, "http://127.0.0.1:%d%s", port, path),
		.timeout_ms = 3000,
		.max_bytes = REQUEST_SIZE,
		.allow_private = true,
	};
}

START_TEST(call_get_brings_status_and_body)
{
	struct http_client_request r = request_for("/echo?x=1");
	struct http_client_response response;

	r.headers = (const char *const[]){ "X-One: 1", "X-Two: 2", NULL };
	ck_assert_int_eq(http_client_call(a, &r, &response), ERR_OK);
	ck_assert_int_eq(response.status, 200);
	ck_assert_uint_eq(strlen(response.body), response.body_len);
	ck_assert(
	    strncmp(response.body, "GET /echo?x=1 HTTP/1.1\r\n", 24) == 0);
	ck_assert_ptr_nonnull(strstr(response.body, "\r\nX-One: 1\r\n"));
	ck_assert_ptr_nonnull(strstr(response.body, "\r\nX-Two: 2\r\n"));
	ck_assert_ptr_null(strstr(response.body, "Content-Type"));
}
END_TEST

START_TEST(call_post_sends_the_body)
{
	struct http_client_request r = request_for("/echo");
	struct http_client_response response;

	r.method = "POST";
	r.body = "{\"a\":1}!";
	r.body_len = 7;
	r.headers =
	    (const char *const[]){ "Content-Type: application/json", NULL };
	ck_assert_int_eq(http_client_call(a, &r, &response), ERR_OK);
	ck_assert_ptr_nonnull(strstr(response.body, "POST /echo"));
	ck_assert_ptr_nonnull(
	    strstr(response.body, "Content-Type: application/json\r\n"));
	ck_assert_ptr_nonnull(strstr(response.body, "\r\n\r\n{\"a\":1}"));
	ck_assert_ptr_null(strstr(response.body, "!"));
	ck_assert_ptr_null(strstr(response.body, "Expect"));

	/*
	 * Options of one request (method, body, headers) must not affect the
	 * next request, which uses the same curl handle.
	 */
	r = request_for("/echo");
	ck_assert_int_eq(http_client_call(a, &r, &response), ERR_OK);
	ck_assert_ptr_nonnull(strstr(response.body, "GET /echo"));
	ck_assert_ptr_null(strstr(response.body, "Content-"));
}
END_TEST

START_TEST(call_with_other_methods)
{
	static const char *const methods[] = { "PUT", "PATCH", "DELETE",
		"HEAD" };

	for (size_t i = 0; i < COUNT_OF(methods); i++) {
		struct http_client_request r = request_for("/echo");
		struct http_client_response response;

		r.method = methods[i];
		r.body = i < 2 ? "body" : NULL;
		r.body_len = i < 2 ? 4 : 0;
		ck_assert_int_eq(http_client_call(a, &r, &response), ERR_OK);
		if (strcmp(r.method, "HEAD") == 0)
			ck_assert_uint_eq(response.body_len, 0);
		else
			ck_assert(strncmp(response.body, r.method,
				      strlen(r.method)) == 0);
	}
}
END_TEST

START_TEST(call_any_status_is_ok)
{
	struct http_client_request r = request_for("/missing");
	struct http_client_response response;

	ck_assert_int_eq(http_client_call(a, &r, &response), ERR_OK);
	ck_assert_int_eq(response.status, 404);
}
END_TEST

/* Retry-After (RFC 9110 section 10.2.3): a number of seconds or a date. */
static const struct {
	/* The header's value; NULL: the date in `s` seconds. */
	const char *text;
	int64_t s;
} retry_afters[] = {
	{ "0", 0 },
	{ "1", 1 },
	{ "120", 120 },
	{ "21599", 21599 },
	{ "99999999", 21600 },
	{ "-5", 0 },
	{ "soon", 0 },
	{ "Fri, 31 Dec 1999 23:59:59 GMT", 0 },
	{ NULL, 300 },
};

/* Formats a time as an HTTP date (RFC 9110 section 5.6.7). */
static const char *
http_date(time_t at)
{
	struct tm tm;
	char *text = arena_alloc(a, 64);

	gmtime_r(&at, &tm);
	strftime(text, 64, "%a, %d %b %Y %H:%M:%S GMT", &tm);
	return text;
}

START_TEST(call_tells_when_to_try_again)
{
	const char *text = retry_afters[_i].text;
	int64_t s = retry_afters[_i].s;
	struct http_client_request r = request_for("/echo");
	struct http_client_response response;

	if (text == NULL)
		text = http_date(time(NULL) + (time_t)s);
	r.headers =
	    (const char *const[]){ arena_printf(a, "X-Retry-After: %s", text),
		    NULL };
	ck_assert_int_eq(http_client_call(a, &r, &response), ERR_OK);
	ck_assert_int_eq(response.status, 503);
	/*
	 * If the header was a date, a few seconds of the time have passed
	 * since.
	 */
	ck_assert_int_le(response.retry_after_s, s);
	ck_assert_int_ge(
	    response.retry_after_s, retry_afters[_i].text == NULL ? s - 10 : s);
	/* The next call must not return the Retry-After of this one. */
	r = request_for("/echo");
	ck_assert_int_eq(http_client_call(a, &r, &response), ERR_OK);
	ck_assert_int_eq(response.retry_after_s, 0);
}
END_TEST

START_TEST(call_does_not_follow_redirects)
{
	struct http_client_request r = request_for("/redirect");
	struct http_client_response response;

	ck_assert_int_eq(http_client_call(a, &r, &response), ERR_OK);
	ck_assert_int_eq(response.status, 302);
	ck_assert_uint_eq(response.body_len, 0);
	ck_assert_str_eq(response.body, "");
}
END_TEST

START_TEST(call_over_unix_socket)
{
	struct http_client_request r = request_for("/echo");
	struct http_client_response response;

	r.url = "http://auth.internal/echo";
	r.unix_socket = socket_path;
	r.allow_private = false;
	ck_assert_int_eq(http_client_call(a, &r, &response), ERR_OK);
	ck_assert_ptr_nonnull(
	    strstr(response.body, "\r\nHost: auth.internal\r\n"));

	r.unix_socket = "/no/such/socket";
	ck_assert_int_eq(http_client_call(a, &r, &response), ERR_UNAVAILABLE);
}
END_TEST

START_TEST(call_answer_over_the_limit_is_too_large)
{
	static const char *const paths[] = { "/big", "/endless" };

	for (size_t i = 0; i < COUNT_OF(paths); i++) {
		struct http_client_request r = request_for(paths[i]);
		struct http_client_response response;

		r.max_bytes = BIG;
		ck_assert_int_eq(http_client_call(a, &r, &response), ERR_OK);
		ck_assert_uint_eq(response.body_len, BIG);
		r.max_bytes = BIG - 1;
		ck_assert_int_eq(
		    http_client_call(a, &r, &response), ERR_TOO_LARGE);
		r.max_bytes = 0;
		ck_assert_int_eq(
		    http_client_call(a, &r, &response), ERR_TOO_LARGE);
	}
}
END_TEST

START_TEST(call_may_have_the_answer_cut)
{
	static const char *const paths[] = { "/big", "/endless" };

	for (size_t i = 0; i < COUNT_OF(paths); i++) {
		struct http_client_request r = request_for(paths[i]);
		struct http_client_response response;

		r.cut_body = true;
		r.max_bytes = 10;
		ck_assert_int_eq(http_client_call(a, &r, &response), ERR_OK);
		ck_assert_int_eq(response.status, 200);
		ck_assert_str_eq(response.body, "xxxxxxxxxx");
		/*
		 * The next call must get its own response, not the rest of this
		 * one.
		 */
		r.url = request_for("/missing").url;
		ck_assert_int_eq(http_client_call(a, &r, &response), ERR_OK);
		ck_assert_int_eq(response.status, 404);
		ck_assert_str_eq(response.body, "GET /missi");
	}
}
END_TEST

START_TEST(call_may_be_content_with_the_status)
{
	static const char *const paths[] = { "/part-length", "/part-chunks",
		"/part-garbled", "/part-late", "/part-reset" };
	struct http_client_request r = request_for(paths[_i]);
	struct http_client_response response;

	r.timeout_ms = 300;
	ck_assert_int_eq(http_client_call(a, &r, &response), ERR_UNAVAILABLE);
	r.timeout_ms = 20000;
	r.cut_body = true;
	ck_assert_int_eq(http_client_call(a, &r, &response), ERR_OK);
	ck_assert_int_eq(response.status, 202);
	/*
	 * When a connection is reset, received bytes of the body may be lost.
	 */
	if (strcmp(paths[_i], "/part-reset") != 0)
		ck_assert_str_eq(response.body, "part");
	r.url = request_for("/missing").url;
	ck_assert_int_eq(http_client_call(a, &r, &response), ERR_OK);
	ck_assert_int_eq(response.status, 404);
}
END_TEST

START_TEST(call_without_answer_ends_in_time)
{
	struct http_client_request r = request_for("/silent");
	struct http_client_response response = { .status = 99 };
	int64_t start_us = clock_monotonic_us();
	const char *reason = NULL;

	r.timeout_ms = 200;
	r.ret_reason = &reason;
	ck_assert_int_eq(http_client_call(a, &r, &response), ERR_UNAVAILABLE);
	ck_assert_str_eq(reason, "Timeout was reached");
	ck_assert_int_lt((clock_monotonic_us() - start_us) / 1000, 1000);
	ck_assert_int_eq(response.status, 99);
}
END_TEST

START_TEST(call_refused_or_garbled_is_unavailable)
{
	struct http_client_request r = request_for("/garbage");
	struct http_client_response response;

	ck_assert_int_eq(http_client_call(a, &r, &response), ERR_UNAVAILABLE);
	r.url = "http://127.0.0.1:1/";
	ck_assert_int_eq(http_client_call(a, &r, &response), ERR_UNAVAILABLE);
}
END_TEST

START_TEST(call_ignores_the_proxy_of_the_environment)
{
	struct http_client_request r = request_for("/echo");
	struct http_client_response response;

	setenv("http_proxy", "http://127.0.0.1:1", 1);
	setenv("ALL_PROXY", "http://127.0.0.1:1", 1);
	ck_assert_int_eq(http_client_call(a, &r, &response), ERR_OK);
	unsetenv("http_proxy");
	unsetenv("ALL_PROXY");
}
END_TEST

/* The URL consists of `before`, the port of a running server, and `after`. */
static const struct {
	const char *before, *after;
	enum err err;
} refused[] = {
	{ "http://127.0.0.1:", "/echo", ERR_FORBIDDEN },
	{ "http://localhost:", "/echo", ERR_FORBIDDEN },
	{ "http://127.1:", "/echo", ERR_FORBIDDEN },
	{ "http://2130706433:", "/echo", ERR_FORBIDDEN },
	{ "http://0x7f000001:", "/echo", ERR_FORBIDDEN },
	{ "http://0177.0.0.1:", "/echo", ERR_FORBIDDEN },
	{ "http://0.0.0.0:", "/echo", ERR_FORBIDDEN },
	{ "http://[::1]:", "/echo", ERR_FORBIDDEN },
	{ "http://[::]:", "/echo", ERR_FORBIDDEN },
	{ "http://[::ffff:127.0.0.1]:", "/echo", ERR_FORBIDDEN },
	{ "http://user:pass@127.0.0.1:", "/echo", ERR_FORBIDDEN },
	{ "http://169.254.169.254:", "/latest/meta-data", ERR_FORBIDDEN },
	{ "https://10.0.0.1:", "/", ERR_FORBIDDEN },
	{ "ftp://127.0.0.1:", "/", ERR_FORBIDDEN },
	{ "file:///etc/passwd?", "", ERR_FORBIDDEN },
	{ "gopher://127.0.0.1:", "/_x", ERR_FORBIDDEN },
	{ "dict://127.0.0.1:", "/x", ERR_FORBIDDEN },
	{ "http://127.0.0.1:", "000/", ERR_INVALID },
	{ "http://?", "", ERR_INVALID },
	{ "http://a\r\nb:", "/", ERR_INVALID },
};

START_TEST(call_to_private_address_or_other_scheme_is_refused)
{
	struct http_client_request r = request_for("/");
	struct http_client_response response = { .status = 99 };

	r.allow_private = false;
	r.unix_socket = "";
	r.url = arena_printf(
	    a, "%s%d%s", refused[_i].before, port, refused[_i].after);
	ck_assert_int_eq(http_client_call(a, &r, &response), refused[_i].err);
	ck_assert_int_eq(response.status, 99);
}
END_TEST

static const struct {
	const char *url;
	enum err err, err_private;
} urls[] = {
	{ "https://example.com/hooks?x=1", ERR_OK, ERR_OK },
	{ "HTTP://example.com:8080", ERR_OK, ERR_OK },
	{ "https://xn--bcher-kva.example/", ERR_OK, ERR_OK },
	{ "https://b\303\274cher.example/", ERR_INVALID, ERR_INVALID },
	{ "http://8.8.8.8/", ERR_OK, ERR_OK },
	{ "http://[2606:4700::1111]/", ERR_OK, ERR_OK },
	{ "http://notlocalhost/", ERR_OK, ERR_OK },
	{ "http://localhost/", ERR_FORBIDDEN, ERR_OK },
	{ "http://LOCALHOST.:80/", ERR_FORBIDDEN, ERR_OK },
	{ "http://a.localhost/", ERR_FORBIDDEN, ERR_OK },
	{ "http://127.0.0.1/", ERR_FORBIDDEN, ERR_OK },
	{ "http://127.1/", ERR_FORBIDDEN, ERR_OK },
	{ "http://0x7f000001/", ERR_FORBIDDEN, ERR_OK },
	{ "http://2130706433/", ERR_FORBIDDEN, ERR_OK },
	{ "http://10.1.2.3/", ERR_FORBIDDEN, ERR_OK },
	{ "http://169.254.169.254/latest", ERR_FORBIDDEN, ERR_OK },
	{ "http://[::1]/", ERR_FORBIDDEN, ERR_OK },
	{ "http://[fe80::1%25eth0]/", ERR_FORBIDDEN, ERR_OK },
	{ "http://[::ffff:10.0.0.1]/", ERR_FORBIDDEN, ERR_OK },
	{ "http://user@example.com/", ERR_INVALID, ERR_INVALID },
	{ "http://user:secret@example.com/", ERR_INVALID, ERR_INVALID },
	{ "http://:secret@example.com/", ERR_INVALID, ERR_INVALID },
	{ "ftp://example.com/", ERR_INVALID, ERR_INVALID },
	{ "example.com/", ERR_INVALID, ERR_INVALID },
	{ "http://", ERR_INVALID, ERR_INVALID },
	{ "http://?x", ERR_INVALID, ERR_INVALID },
	{ "http://a b/", ERR_INVALID, ERR_INVALID },
	{ "http://a/\r\nX: y", ERR_INVALID, ERR_INVALID },
	{ "http:///x", ERR_INVALID, ERR_INVALID },
	{ "http:/example.com/", ERR_INVALID, ERR_INVALID },
	{ "http://example.com:0/", ERR_INVALID, ERR_INVALID },
	{ "http://example.com:00/", ERR_INVALID, ERR_INVALID },
	{ "http://example.com:65536/", ERR_INVALID, ERR_INVALID },
	{ "http://example.com:65535/", ERR_OK, ERR_OK },
	{ "http://example.com:/", ERR_OK, ERR_OK },
	{ "http://ex%61mple.com/", ERR_INVALID, ERR_INVALID },
	{ "http://%31%32%37.0.0.1/", ERR_INVALID, ERR_INVALID },
	/* A host of full-width digits: name resolution would read 127.0.0.1. */
	{ "http://\357\274\221\357\274\222\357\274\227.0.0.1/", ERR_INVALID,
	    ERR_INVALID },
	{ "http://127\343\200\2020.0.1/", ERR_INVALID, ERR_INVALID },
	{ "http://example.com/#frag", ERR_INVALID, ERR_INVALID },
	{ "http://example.com/#", ERR_INVALID, ERR_INVALID },
	{ "http://example.com/%23?a=%23", ERR_OK, ERR_OK },
	{ "", ERR_INVALID, ERR_INVALID },
};

START_TEST(check_url_knows_what_can_be_called)
{
	ck_assert_int_eq(
	    http_url_check(urls[_i].url, /* allow_private= */ false),
	    urls[_i].err);
	ck_assert_int_eq(
	    http_url_check(urls[_i].url, /* allow_private= */ true),
	    urls[_i].err_private);
}
END_TEST

START_TEST(call_does_not_borrow_an_allowed_connection)
{
	struct http_client_request r = request_for("/echo");
	struct http_client_response response;

	ck_assert_int_eq(http_client_call(a, &r, &response), ERR_OK);
	r.allow_private = false;
	ck_assert_int_eq(http_client_call(a, &r, &response), ERR_FORBIDDEN);
	r.allow_private = true;
	ck_assert_int_eq(http_client_call(a, &r, &response), ERR_OK);
}
END_TEST

START_TEST(call_with_broken_header_is_invalid)
{
	struct http_client_request r = request_for("/echo");
	struct http_client_response response;

	r.headers = (const char *const[]){ "X-One: 1\r\nX-Two: 2", NULL };
	ck_assert_int_eq(http_client_call(a, &r, &response), ERR_INVALID);
}
END_TEST

enum { THREADS = 6 };

static void *
call_many(void *failures)
{
	struct arena *own = arena_new();

	for (int i = 0; i < 30; i++) {
		struct http_client_request r = {
			.method = "GET",
			.url =
			    arena_printf(own, "http://127.0.0.1:%d/echo", port),
			.timeout_ms = 5000,
			.max_bytes = REQUEST_SIZE,
			.allow_private = true,
		};
		struct http_client_response response;

		if (http_client_call(own, &r, &response) != ERR_OK ||
		    response.status != 200)
			++*(int *)failures;
		arena_reset(own);
	}
	arena_free(own);
	return NULL;
}

START_TEST(threads_have_handles_of_their_own)
{
	pthread_t threads[THREADS];
	int failures[THREADS] = { 0 };

	for (int i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, call_many, &failures[i]);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	for (int i = 0; i < THREADS; i++)
		ck_assert_int_eq(failures[i], 0);
}
END_TEST

static const struct {
	const char *text;
	bool is_public;
} addresses[] = {
	{ "1.1.1.1", true },
	{ "0.0.0.0", false },
	{ "0.1.2.3", false },
	{ "9.255.255.255", true },
	{ "10.0.0.0", false },
	{ "10.255.255.255", false },
	{ "11.0.0.0", true },
	{ "100.63.255.255", true },
	{ "100.64.0.0", false },
	{ "100.127.255.255", false },
	{ "100.128.0.0", true },
	{ "127.0.0.1", false },
	{ "127.255.255.255", false },
	{ "128.0.0.0", true },
	{ "169.253.255.255", true },
	{ "169.254.169.254", false },
	{ "169.255.0.0", true },
	{ "172.15.255.255", true },
	{ "172.16.0.0", false },
	{ "172.31.255.255", false },
	{ "172.32.0.0", true },
	{ "192.0.0.8", false },
	{ "192.0.1.0", true },
	{ "192.0.2.1", false },
	{ "192.167.255.255", true },
	{ "192.168.0.0", false },
	{ "192.169.0.0", true },
	{ "198.17.255.255", true },
	{ "198.18.0.0", false },
	{ "198.19.255.255", false },
	{ "198.20.0.0", true },
	{ "198.51.100.7", false },
	{ "203.0.113.7", false },
	{ "223.255.255.255", true },
	{ "224.0.0.1", false },
	{ "240.0.0.1", false },
	{ "255.255.255.255", false },
	{ "::", false },
	{ "::1", false },
	{ "::7f00:1", false },
	{ "::ffff:127.0.0.1", false },
	{ "::ffff:10.1.2.3", false },
	{ "::ffff:1.1.1.1", true },
	{ "64:ff9b::7f00:1", false },
	{ "64:ff9b::101:101", true },
	{ "64:ff9b:1::1", false },
	{ "100::1", false },
	{ "2001:0:1::1", false },
	{ "2001:db8::1", false },
	{ "2001:4860:4860::8888", true },
	{ "2002:7f00:1::", false },
	{ "2002:a00:1::", false },
	{ "2002:101:101::", true },
	{ "2606:4700::1111", true },
	{ "3fff::1", false },
	{ "3fff:fff:ffff::1", false },
	{ "4000::1", false },
	{ "5f00::1", false },
	{ "fbff::1", false },
	{ "fc00::1", false },
	{ "fdff::1", false },
	{ "fe80::1", false },
	{ "febf::1", false },
	{ "fec0::1", false },
	{ "ff02::1", false },
};

START_TEST(address_is_judged)
{
	struct sockaddr_in in = { .sin_family = AF_INET };
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6 };
	const char *text = addresses[_i].text;
	const struct sockaddr *address;

	if (inet_pton(AF_INET, text, &in.sin_addr) == 1) {
		address = (const struct sockaddr *)&in;
	} else {
		ck_assert_int_eq(inet_pton(AF_INET6, text, &in6.sin6_addr), 1);
		address = (const struct sockaddr *)&in6;
	}
	ck_assert_msg(
	    address_is_public(address) == addresses[_i].is_public, "%s", text);
}
END_TEST

static Suite *
make_suite(void)
{
	Suite *s = suite_create("remote");
	TCase *call = tcase_create("call");
	TCase *address = tcase_create("address");

	tcase_add_checked_fixture(call, set_up, tear_down);
	tcase_add_test(call, call_get_brings_status_and_body);
	tcase_add_test(call, call_post_sends_the_body);
	tcase_add_test(call, call_with_other_methods);
	tcase_add_test(call, call_any_status_is_ok);
	tcase_add_loop_test(
	    call, call_tells_when_to_try_again, 0, (int)COUNT_OF(retry_afters));
	tcase_add_test(call, call_does_not_follow_redirects);
	tcase_add_test(call, call_over_unix_socket);
	tcase_add_test(call, call_answer_over_the_limit_is_too_large);
	tcase_add_test(call, call_may_have_the_answer_cut);
	tcase_add_loop_test(call, call_may_be_content_with_the_status, 0, 5);
	tcase_add_loop_test(
	    call, check_url_knows_what_can_be_called, 0, (int)COUNT_OF(urls));
	tcase_add_test(call, call_without_answer_ends_in_time);
	tcase_add_test(call, call_refused_or_garbled_is_unavailable);
	tcase_add_test(call, call_ignores_the_proxy_of_the_environment);
	tcase_add_loop_test(call,
	    call_to_private_address_or_other_scheme_is_refused, 0,
	    (int)COUNT_OF(refused));
	tcase_add_test(call, call_does_not_borrow_an_allowed_connection);
	tcase_add_test(call, call_with_broken_header_is_invalid);
	tcase_add_test(call, threads_have_handles_of_their_own);
	suite_add_tcase(s, call);

	tcase_add_loop_test(
	    address, address_is_judged, 0, (int)COUNT_OF(addresses));
	suite_add_tcase(s, address);
	return s;
}

int
main(void)
{
	int failed;

	signal(SIGPIPE, SIG_IGN);
	log_init("test_remote", LOG_ERROR);
	metrics_open(-1);
	http_client_init();
	start_servers();
	failed = unit_run_here(make_suite(), 60);
	unlink(socket_path);
	return failed;
}

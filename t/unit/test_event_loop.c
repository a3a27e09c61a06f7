/*
 * Runs event_loop_work() in a child process (the worker) and speaks FastCGI to
 * it over its unix socket.  The service answers by path:
 *
 *   /echo     the query and one header
 *   /length   reads the body; answers its length and the sum of its bytes
 *   /ignore   does not read the body
 *   /big      as many bytes as the query says
 *   /hold     tells the test that it runs, and waits until the test continues
 * it /told     the length that the request gives for its body /nothing  204
 *   /now      without a thread: how many requests were prefetched together
 *   /now/big  without a thread: as many bytes as the query says
 *   /now/hold without a thread: like /hold, and then needs a thread after all
 */
#include <dirent.h>
#include <errno.h>
#include <linux/sockios.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/attr.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/str.h"
#include "fastcgi/bodies.h"
#include "fastcgi/conn.h"
#include "fastcgi/connection_table.h"
#include "fastcgi/event_loop.h"
#include "fastcgi/thread_pool.h"
#include "process/master.h"
#include "unit.h"
#include "web/request.h"
#include "web/service.h"
#include "web/service_application.h"

enum { THREADS = 3, PATIENCE_S = 20, BODY_US = 1000 * 1000 };
enum { BEGIN = 1, ABORT = 2, END = 3, PARAMS = 4, STDIN = 5, STDOUT = 6 };

static char dir[] = "/tmp/test-event-loop-XXXXXX";
static char socket_path[64];
/* A pipe: a handler writes one byte when it begins to wait. */
static int held[2];
static int let_go[2]; /* a pipe: each byte lets one waiting handler continue */
static pid_t worker;

/* -- the service -- */

static enum err
answer_length(struct req *r)
{
	char part[10000];
	long n, total = 0;
	unsigned long sum = 0;

	while ((n = r->source->read(r->source->ctx, part, sizeof(part))) > 0) {
		for (long i = 0; i < n; i++)
			sum += (unsigned char)part[i];
		total += n;
	}
	if (n < 0)
		return ERR_INVALID;
	part[0] = '\0';
	snprintf(part, sizeof(part), "%ld %lu", total, sum);
	req_answer(
	    r, 200, "text/plain", arena_strdup(r->arena, part), strlen(part));
	return ERR_OK;
}

static enum err
answer_big(struct req *r)
{
	size_t len = (size_t)atol(r->query);
	char *body = arena_alloc(r->arena, len + 1);

	for (size_t i = 0; i < len; i++)
		body[i] = (char)('a' + i % 26);
	req_answer(r, 200, "text/plain", body, len);
	return ERR_OK;
}

/*
 * Streams pieces of the sizes in the query, "70000,0,3"; the size -1 breaks the
 * stream off.
 */
static enum err
next_piece(void *ctx, struct arena *a, struct buf *piece, bool *ret_done)
{
	const char **rest = ctx;
	long len = strtol(*rest, (char **)rest, 10);
	char *text;

	if (len < 0)
		return ERR_UNAVAILABLE;
	text = arena_alloc(a, (size_t)len + 1);
	for (long i = 0; i < len; i++)
		text[i] = (char)('a' + i % 26);
	buf_put(piece, text, (size_t)len);
	*ret_done = **rest == '\0';
	if (!*ret_done)
		(*rest)++;
	return ERR_OK;
}

static enum err
answer_stream(struct req *r)
{
	const char **rest = arena_alloc(r->arena, sizeof(*rest));

	*rest = r->query;
	req_stream(r, "text/plain",
	    &(struct stream){ .next = next_piece, .ctx = rest });
	return ERR_OK;
}

static enum err
answer_hold(struct req *r)
{
	char byte = 'h';

	if (write(held[1], &byte, 1) != 1 || read(let_go[0], &byte, 1) != 1)
		return ERR_INTERNAL;
	req_answer(r, 200, "text/plain", "held", 4);
	return ERR_OK;
}

/* Writes to a pipe of the test whether the client is still connected. */
static enum err
answer_left(struct req *r)
{
	char byte = req_is_abandoned(r) ? 'l' : 'h';

	if (write(held[1], &byte, 1) != 1)
		return ERR_INTERNAL;
	req_answer(r, 204, NULL, NULL, 0);
	return ERR_OK;
}

static enum err
answer_echo(struct req *r)
{
	const char *header = req_header(r, "X_ECHO");
	char *text = arena_printf(
	    r->arena, "%s %s", r->query, header != NULL ? header : "-");

	req_add_header(r, "X-One", "1");
	req_answer(r, 200, "text/plain", text, strlen(text));
	return ERR_OK;
}

static enum err
answer_told(struct req *r)
{
	const char *length = r->source->param(r->source->ctx, "CONTENT_LENGTH");
	char *text = arena_printf(
	    r->arena, "%s %d", length != NULL ? length : "-", req_has_body(r));

	req_answer(r, 200, "text/plain", text, strlen(text));
	return ERR_OK;
}

/*
 * Answers how many requests were prefetched together with this one; "0" if it
 * was not prefetched.
 */
static enum err
answer_now(struct req *r)
{
	const char *text = r->prefetched != NULL ? r->prefetched : "0";

	req_answer(r, 200, "text/plain", text, strlen(text));
	return ERR_OK;
}

static void
prefetch(void *app, struct req *const *rs, bool *ret_ready, size_t n)
{
	(void)app;
	for (size_t i = 0; i < n; i++) {
		const char *path =
		    rs[i]->source->param(rs[i]->source->ctx, "KEDGE_PATH");

		ret_ready[i] = path != NULL && str_has_prefix(path, "/now");
		rs[i]->prefetched = arena_printf(rs[i]->arena, "%zu", n);
	}
}

static bool
is_still_ready(void *app UNUSED, struct req *r)
{
	return !str_eq(
	    r->source->param(r->source->ctx, "KEDGE_PATH"), "/now/hold");
}

static enum err
handle_all(struct req *r)
{
	if (str_eq(r->path, "/now"))
		return answer_now(r);
	if (str_eq(r->path, "/now/big"))
		return answer_big(r);
	if (str_eq(r->path, "/length"))
		return answer_length(r);
	if (str_eq(r->path, "/big"))
		return answer_big(r);
	if (str_eq(r->path, "/stream"))
		return answer_stream(r);
	if (str_eq(r->path, "/hold") || str_eq(r->path, "/now/hold"))
		return answer_hold(r);
	if (str_eq(r->path, "/left"))
		return answer_left(r);
	if (str_eq(r->path, "/echo"))
		return answer_echo(r);
	if (str_eq(r->path, "/told"))
		return answer_told(r);
	if (str_eq(r->path, "/ignore"))
		req_answer(r, 200, "text/plain", "ignored", 7);
	else if (str_eq(r->path, "/nothing"))
		req_answer(r, 204, NULL, NULL, 0);
	else
		return ERR_NOT_FOUND;
	return ERR_OK;
}

static const struct service service = {
	.name = "test",
	.title = "Test",
	.prefix = "/",
	.routes = (const struct route *const[]){ NULL },
	.handle_all = handle_all,
	.handle_all_route = "all",
	.prefetch = prefetch,
	.is_still_ready = is_still_ready,
	.body_timeout_us = BODY_US,
};

static int
listen_here(void)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	strcpy(sun.sun_path, socket_path);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&sun, sizeof(sun)), 0);
	ck_assert_int_eq(listen(fd, 1024), 0);
	return fd;
}

static int64_t body_timeout_us = BODY_US;

static void
setup(void)
{
	struct worker w = { .pool = "api", .threads = THREADS };
	struct application application;
	int ready[2];
	pid_t pid;

	signal(SIGPIPE, SIG_IGN);
	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(socket_path, sizeof(socket_path), "%s/s", dir);
	ck_assert_int_eq(pipe(ready) + pipe(held) + pipe(let_go), 0);
	w.listen_fd = listen_here();
	w.ready_fd = ready[1];
	worker = fork();
	if (worker == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		close(held[0]);
		close(let_go[1]);
		log_init("test", LOG_ERROR);
		application = service_application(&service);
		application.body_timeout_us = body_timeout_us;
		exit(event_loop_work(&w, &application));
	}
	close(w.listen_fd);
	close(ready[1]);
	ck_assert_int_eq(read(ready[0], &pid, sizeof(pid)), sizeof(pid));
	ck_assert_int_eq(pid, worker);
	close(ready[0]);
}

/*
 * For tests with hundreds of bodies, of which none may reach its time limit,
 * however slow the machine is.
 */
static void
setup_patient(void)
{
	body_timeout_us = PATIENCE_S * INT64_C(1000000);
	setup();
}

/*
 * The worker must end now, with status 0, unless the test has ended it already.
 */
static void
expect_end(void)
{
	int status;

	ck_assert_int_eq(waitpid(worker, &status, 0), worker);
	ck_assert_msg(status == 0, "wait status 0x%x", status);
	worker = 0;
}

static void
teardown(void)
{
	char command[128];

	if (worker != 0) {
		kill(worker, SIGTERM);
		expect_end();
	}
	snprintf(command, sizeof(command), "rm -rf '%s'", dir);
	ck_assert_int_eq(system(command), 0);
}

/* -- a client -- */

struct bytes {
	unsigned char data[256 * 1024];
	size_t len;
};

static void
put(struct bytes *b, const void *data, size_t len)
{
	ck_assert_uint_le(b->len + len, sizeof(b->data));
	if (len > 0)
		memcpy(b->data + b->len, data, len);
	b->len += len;
}

static void
put_header(struct bytes *b, int type, int id, size_t len, int padding)
{
	const unsigned char header[8] = { 1, (unsigned char)type,
		(unsigned char)(id >> 8), (unsigned char)id,
		(unsigned char)(len >> 8), (unsigned char)len,
		(unsigned char)padding, 0 };

	put(b, header, sizeof(header));
}

static void
put_record(struct bytes *b, int type, int id, const void *data, size_t len)
{
	put_header(b, type, id, len, 0);
	put(b, data, len);
}

static void
put_begin(struct bytes *b, bool keep)
{
	const unsigned char body[8] = { 0, 1, keep };

	put_record(b, BEGIN, 1, body, sizeof(body));
}

static void
put_length(struct bytes *b, size_t len)
{
	const unsigned char four[4] = { (unsigned char)(len >> 24 | 0x80),
		(unsigned char)(len >> 16), (unsigned char)(len >> 8),
		(unsigned char)len };

	if (len < 128)
		put(b, four + 3, 1);
	else
		put(b, four, sizeof(four));
}

static void
put_pair(struct bytes *b, const char *name, const char *value)
{
	put_length(b, strlen(name));
	put_length(b, strlen(value));
	put(b, name, strlen(name));
	put(b, value, strlen(value));
}

static const char *client = "127.0.0.1"; /* who asks */

/* One additional parameter: each request can have one. */
struct extra {
	const char *name;
	const char *value;
};

static void
put_params(struct bytes *b, const char *method, const char *path,
    const char *query, const struct extra *extra)
{
	static struct bytes pairs;

	pairs.len = 0;
	put_pair(&pairs, "REQUEST_METHOD", method);
	put_pair(&pairs, "KEDGE_PATH", path);
	put_pair(&pairs, "QUERY_STRING", query);
	put_pair(&pairs, "KEDGE_RAW_URI", path);
	put_pair(&pairs, "KEDGE_HOST", "");
	put_pair(&pairs, "KEDGE_SCHEME", "http");
	put_pair(&pairs, "REMOTE_ADDR", client);
	if (extra != NULL)
		put_pair(&pairs, extra->name, extra->value);
	/*
	 * A record has at most 65535 bytes; a name or value may be split
	 * between two records.
	 */
	for (size_t at = 0; at < pairs.len; at += 30000) {
		size_t n = pairs.len - at < 30000 ? pairs.len - at : 30000;

		put_record(b, PARAMS, 1, pairs.data + at, n);
	}
	put_record(b, PARAMS, 1, NULL, 0);
}

static void
put_get(struct bytes *b, bool keep, const char *path, const char *query)
{
	put_begin(b, keep);
	put_params(b, "GET", path, query, NULL);
	put_record(b, STDIN, 1, NULL, 0);
}

static int
dial(void)
{
	const struct timeval patience = { .tv_sec = PATIENCE_S };
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	strcpy(sun.sun_path, socket_path);
	if (connect(fd, (struct sockaddr *)&sun, sizeof(sun)) != 0) {
		close(fd);
		return -1;
	}
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	return fd;
}

/*
 * Sends all bytes; returns false when the other side has closed the connection.
 */
static bool
send_all(int fd, const void *data, size_t len)
{
	const char *at = data;

	while (len > 0) {
		ssize_t n = write(fd, at, len);

		if (n <= 0)
			return false;
		at += n;
		len -= (size_t)n;
	}
	return true;
}

static bool
read_all(int fd, void *out, size_t len)
{
	char *at = out;

	while (len > 0) {
		ssize_t n = read(fd, at, len);

		ck_assert_msg(n >= 0 || errno == ECONNRESET, "timed out");
		if (n <= 0)
			return false;
		at += n;
		len -= (size_t)n;
	}
	return true;
}

struct answer {
	/* The headers and the body of the last response. */
	char text[2 * 1024 * 1024];
	size_t len;
	const char *body;
	size_t body_len;
};
static struct answer answer;

/*
 * Reads one response into `answer`; returns false when the connection ended
 * before the end of the response.
 */
static bool
read_answer(int fd)
{
	unsigned char header[8];
	char body[65535 + 255];

	answer.len = 0;
	for (;;) {
		size_t len;

		if (!read_all(fd, header, sizeof(header))) {
			ck_assert_uint_eq(answer.len, 0);
			return false;
		}
		ck_assert_int_eq(header[0], 1);
		ck_assert_int_eq(header[2] << 8 | header[3], 1);
		len = (size_t)(header[4] << 8 | header[5]);
		ck_assert(read_all(fd, body, len + header[6]));
		if (header[1] == END)
			break;
		ck_assert_int_eq(header[1], STDOUT);
		ck_assert_uint_lt(answer.len + len, sizeof(answer.text));
		memcpy(answer.text + answer.len, body, len);
		answer.len += len;
	}
	answer.text[answer.len] = '\0';
	answer.body = strstr(answer.text, "\r\n\r\n");
	ck_assert_ptr_nonnull(answer.body);
	answer.body += 4;
	answer.body_len = answer.len - (size_t)(answer.body - answer.text);
	return true;
}

static bool
has_line(const char *line)
{
	char text[256];

	snprintf(text, sizeof(text), "\r\n%s\r\n", line);
	return strstr(answer.text, text) != NULL;
}

/*
 * Asserts that the other side closes the connection without sending anything
 * more.
 */
static bool
ended(int fd)
{
	char byte;

	return !read_all(fd, &byte, 1);
}

/* Sends one request on a connection of its own, and reads the response. */
static bool
exchange(const struct bytes *b)
{
	int fd = dial();
	bool ok;

	ck_assert_int_ge(fd, 0);
	ok = send_all(fd, b->data, b->len);
	ok = read_answer(fd) && ok;
	close(fd);
	return ok;
}

static struct bytes out; /* the bytes of the request; a test empties it before
                            the next request */

static void
expect_echo(int fd, bool keep, const char *query)
{
	char want[64];

	out.len = 0;
	put_get(&out, keep, "/echo", query);
	ck_assert(send_all(fd, out.data, out.len));
	ck_assert(read_answer(fd));
	snprintf(want, sizeof(want), "%s -", query);
	ck_assert_str_eq(answer.body, want);
}

/* Occupies all threads: each runs one request, which is not answered yet. */
static void
hold_all_threads(int fds[THREADS])
{
	char byte;

	for (int i = 0; i < THREADS; i++) {
		fds[i] = dial();
		out.len = 0;
		put_get(&out, false, "/hold", "");
		ck_assert(send_all(fds[i], out.data, out.len));
	}
	for (int i = 0; i < THREADS; i++)
		ck_assert_int_eq(read(held[0], &byte, 1), 1);
}

static void
free_all_threads(int fds[THREADS])
{
	for (int i = 0; i < THREADS; i++)
		ck_assert_int_eq(write(let_go[1], "g", 1), 1);
	for (int i = 0; i < THREADS; i++) {
		ck_assert(read_answer(fds[i]));
		ck_assert_str_eq(answer.body, "held");
		close(fds[i]);
	}
}

static void
expect_all_threads(void)
{
	int fds[THREADS];

	hold_all_threads(fds);
	free_all_threads(fds);
}

/*
 * Returns the number of threads of the worker process, including the main
 * thread.
 */
static int
count_threads(void)
{
	char path[64];
	struct dirent *entry;
	DIR *tasks;
	int n = 0;

	snprintf(path, sizeof(path), "/proc/%d/task", (int)worker);
	tasks = opendir(path);
	ck_assert_ptr_nonnull(tasks);
	while ((entry = readdir(tasks)) != NULL)
		n += entry->d_name[0] != '.';
	closedir(tasks);
	return n;
}

static int
count_fds(void)
{
	char command[64];
	FILE *p;
	int n = -1;

	snprintf(
	    command, sizeof(command), "ls /proc/%d/fd | wc -l", (int)worker);
	p = popen(command, "r");
	if (fscanf(p, "%d", &n) != 1)
		n = -1;
	pclose(p);
	return n;
}

/*
 * Waits until the worker has at most this many open descriptors: it closes a
 * connection some time after its client did.
 */
static void
wait_for_fds(int most)
{
	const struct timespec step = { .tv_nsec = 1000 * 1000 };

	for (int i = 0; i < PATIENCE_S * 1000; i++) {
		if (count_fds() <= most)
			return;
		nanosleep(&step, NULL);
	}
	ck_abort_msg("%d descriptors, and not %d", count_fds(), most);
}

/* Waits until the worker has read everything that was sent. */
static void
wait_until_read(int fd)
{
	const struct timespec step = { .tv_nsec = 1000 * 1000 };
	int unread;

	for (int i = 0; i < PATIENCE_S * 1000; i++) {
		ck_assert_int_eq(ioctl(fd, SIOCOUTQ, &unread), 0);
		if (unread == 0)
			return;
		nanosleep(&step, NULL);
	}
	ck_abort_msg("not read in time");
}

/* Returns the value of a line of the worker's /proc/PID/status, in KiB. */
static long
memory_kib(const char *name)
{
	char path[64], line[128];
	size_t len = strlen(name);
	long n = -1;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)worker);
	f = fopen(path, "r");
	while (fgets(line, sizeof(line), f) != NULL) {
		if (strncmp(line, name, len) == 0 && line[len] == ':')
			n = atol(line + len + 1);
	}
	fclose(f);
	return n;
}

/* -- requests -- */

START_TEST(get_is_answered_and_closed)
{
	int fd = dial();

	expect_echo(fd, false, "a=1");
	ck_assert(str_has_prefix(answer.text, "Status: 200 OK\r\n"));
	ck_assert(has_line("X-One: 1"));
	ck_assert(has_line("Content-Type: text/plain"));
	ck_assert(has_line("Content-Length: 5"));
	ck_assert(ended(fd));
	close(fd);
}
END_TEST

START_TEST(get_on_kept_connection_is_answered_again)
{
	char query[16];
	int fd = dial();

	for (int i = 0; i < 100; i++) {
		snprintf(query, sizeof(query), "n=%d", i);
		expect_echo(fd, true, query);
	}
	expect_echo(fd, false, "last");
	ck_assert(ended(fd));
	close(fd);
}
END_TEST

START_TEST(get_two_at_once_are_answered_in_turn)
{
	int fd = dial();

	out.len = 0;
	put_get(&out, true, "/echo", "first");
	put_get(&out, true, "/echo", "second");
	ck_assert(send_all(fd, out.data, out.len));
	ck_assert(read_answer(fd));
	ck_assert_str_eq(answer.body, "first -");
	ck_assert(read_answer(fd));
	ck_assert_str_eq(answer.body, "second -");
	close(fd);
}
END_TEST

START_TEST(get_byte_by_byte_is_answered)
{
	int fd = dial();

	out.len = 0;
	put_begin(&out, true);
	put_params(&out, "POST", "/length", "", NULL);
	put_header(&out, STDIN, 1, 3, 5); /* padded */
	put(&out, "abc\0\0\0\0\0", 8);
	put_record(&out, STDIN, 1, NULL, 0);
	for (size_t i = 0; i < out.len; i++)
		ck_assert(send_all(fd, out.data + i, 1));
	ck_assert(read_answer(fd));
	ck_assert_str_eq(answer.body, "3 294");
	expect_echo(fd, true, "next");
	close(fd);
}
END_TEST

START_TEST(head_has_length_and_no_body)
{
	out.len = 0;
	put_begin(&out, false);
	put_params(&out, "HEAD", "/big", "1000", NULL);
	put_record(&out, STDIN, 1, NULL, 0);
	ck_assert(exchange(&out));
	ck_assert(has_line("Content-Length: 1000"));
	ck_assert_uint_eq(answer.body_len, 0);
}
END_TEST

START_TEST(no_content_has_no_length)
{
	out.len = 0;
	put_get(&out, false, "/nothing", "");
	ck_assert(exchange(&out));
	ck_assert_str_eq(
	    answer.text, "Status: 204 No Content\r\nKedge-Logged: 1\r\n\r\n");
}
END_TEST

static const size_t sizes[] = { 0, 1, 8000, 8100, 8184, 8192, 65535, 65536,
	1000 * 1000 };

START_TEST(big_answer_is_whole)
{
	char query[16];

	snprintf(query, sizeof(query), "%zu", sizes[_i]);
	out.len = 0;
	put_get(&out, false, "/big", query);
	ck_assert(exchange(&out));
	ck_assert_uint_eq(answer.body_len, sizes[_i]);
	for (size_t i = 0; i < sizes[_i]; i++)
		ck_assert_int_eq(answer.body[i], 'a' + (int)(i % 26));
}
END_TEST

static const struct {
	const char *pieces;
	size_t len;
} streams[] = { { "0", 0 }, { "1", 1 }, { "3,4", 7 }, { "0,5,0,0", 5 },
	{ "65535", 65535 }, { "65536,1", 65537 }, { "70000,0,131070", 201070 },
	{ "1000000,700000", 1700000 } };

START_TEST(stream_is_whole_and_its_connection_is_kept)
{
	int fd = dial();

	for (int i = 0; i < 3; i++) {
		out.len = 0;
		put_get(&out, true, "/stream", streams[_i].pieces);
		ck_assert(send_all(fd, out.data, out.len));
		ck_assert(read_answer(fd));
		ck_assert_uint_eq(answer.body_len, streams[_i].len);
		/*
		 * A stream that consists of one piece is sent like a response
		 * that is no stream.
		 */
		ck_assert((strstr(answer.text, "Content-Length") == NULL) ==
			  (strchr(streams[_i].pieces, ',') != NULL));
		ck_assert(has_line("Content-Type: text/plain"));
	}
	expect_echo(fd, true, "after");
	close(fd);
}
END_TEST

static const struct {
	const char *pieces, *status;
} unbegun[] = {
	{ "-1", "Status: 503 Service Unavailable" },
	{ "2000000", "Status: 500 Internal Server Error" }, /* too large */
};

START_TEST(stream_that_cannot_begin_is_an_error)
{
	int fd = dial();

	out.len = 0;
	put_get(&out, true, "/stream", unbegun[_i].pieces);
	ck_assert(send_all(fd, out.data, out.len));
	ck_assert(read_answer(fd));
	ck_assert_mem_eq(
	    answer.text, unbegun[_i].status, strlen(unbegun[_i].status));
	ck_assert(has_line("Content-Type: application/json"));
	expect_echo(fd, true, "after");
	close(fd);
}
END_TEST

static const char *const broken_streams[] = { "10,-1", "0,-1", "1000001,-1",
	"10,2000000" };

START_TEST(stream_that_breaks_off_has_no_end)
{
	unsigned char header[8];
	char body[65535 + 255];
	int fd = dial();

	out.len = 0;
	put_get(&out, true, "/stream", broken_streams[_i]);
	ck_assert(send_all(fd, out.data, out.len));
	while (read_all(fd, header, sizeof(header))) {
		size_t len = (size_t)(header[4] << 8 | header[5]);

		ck_assert_int_eq(header[1], STDOUT);
		ck_assert_uint_gt(len, 0);
		ck_assert(read_all(fd, body, len + header[6]));
	}
	close(fd);
	expect_all_threads();
}
END_TEST

START_TEST(stream_that_is_not_read_is_ended)
{
	const char *pieces = "1000000,1000000,1000000,1000000,1000000,1000000,"
			     "1000000,1000000,1000000,1000000,1000000,1000000";
	int fds = count_fds();

	for (int i = 0; i < 2 * THREADS; i++) {
		int fd = dial();
		char byte;

		out.len = 0;
		put_get(&out, false, "/stream", pieces);
		ck_assert(send_all(fd, out.data, out.len));
		ck_assert(read_all(fd, &byte, 1));
		close(fd);
	}
	expect_all_threads();
	wait_for_fds(fds);
}
END_TEST

START_TEST(threads_start_when_they_are_needed)
{
	int fds[2 * THREADS];
	char byte;

	int before = count_threads(); /* includes the one thread that the worker
	                                 starts with */

	expect_all_threads();
	ck_assert_int_eq(count_threads(), before - 1 + THREADS);

	/*
	 * Twice as many requests as threads: they wait for the existing
	 * threads, and no further thread is started.
	 */
	for (int i = 0; i < 2 * THREADS; i++) {
		fds[i] = dial();
		out.len = 0;
		put_get(&out, false, "/hold", "");
		ck_assert(send_all(fds[i], out.data, out.len));
	}
	for (int i = 0; i < 2 * THREADS; i++) {
		ck_assert_int_eq(read(held[0], &byte, 1), 1);
		ck_assert_int_eq(count_threads(), before - 1 + THREADS);
		ck_assert_int_eq(write(let_go[1], "g", 1), 1);
	}
	for (int i = 0; i < 2 * THREADS; i++) {
		ck_assert(read_answer(fds[i]));
		close(fds[i]);
	}
}
END_TEST

START_TEST(big_body_is_read_whole)
{
	static char body[1000 * 1000];
	unsigned long sum = 0;
	char want[64];
	int fd = dial();

	for (size_t i = 0; i < sizes[_i]; i++) {
		body[i] = (char)i;
		sum += (unsigned char)body[i];
	}
	out.len = 0;
	put_begin(&out, true);
	put_params(&out, "POST", "/length", "", NULL);
	ck_assert(send_all(fd, out.data, out.len));
	for (size_t at = 0, n; at < sizes[_i]; at += n) {
		n = sizes[_i] - at < 20000 ? sizes[_i] - at : 20000;
		out.len = 0;
		put_header(&out, STDIN, 1, n, (int)(at % 7));
		put(&out, body + at, n);
		put(&out, "padding", at % 7);
		ck_assert(send_all(fd, out.data, out.len));
	}
	out.len = 0;
	put_record(&out, STDIN, 1, NULL, 0);
	ck_assert(send_all(fd, out.data, out.len));
	ck_assert(read_answer(fd));
	snprintf(want, sizeof(want), "%zu %lu", sizes[_i], sum);
	ck_assert_str_eq(answer.body, want);
	expect_echo(fd, true, "next");
	close(fd);
}
END_TEST

/*
 * The body consists of bytes that look like requests.  If the unread rest of a
 * body were taken for the next request, a client of the web server could send
 * requests with FastCGI parameters of its own choice.
 */
START_TEST(unread_body_is_not_taken_for_a_request)
{
	static struct bytes evil, body;
	int fd = dial();

	evil.len = body.len = 0;
	put_get(&evil, true, "/echo", "smuggled");
	while (body.len + evil.len + 1 < 60000) {
		put(&body, evil.data, evil.len);
		if (body.len % 8192 > 8192 - evil.len)
			put(&body, "x", 1);
	}
	for (int i = 0; i < 20; i++) {
		out.len = 0;
		put_begin(&out, true);
		put_params(&out, "POST", "/ignore", "", NULL);
		put_record(&out, STDIN, 1, body.data, body.len - (size_t)i);
		put_record(&out, STDIN, 1, NULL, 0);
		ck_assert(send_all(fd, out.data, out.len));
		ck_assert(read_answer(fd));
		ck_assert_str_eq(answer.body, "ignored");
		expect_echo(fd, true, "honest");
	}
	close(fd);
}
END_TEST

START_TEST(body_that_breaks_off_is_not_served)
{
	struct pollfd more = { .fd = held[0], .events = POLLIN };
	int fd = dial();

	out.len = 0;
	put_begin(&out, true);
	put_params(&out, "POST", "/hold", "", NULL);
	/* Announces a body of 60000 bytes, of which none is sent. */
	put_header(&out, STDIN, 1, 60000, 0);
	ck_assert(send_all(fd, out.data, out.len));
	shutdown(fd, SHUT_WR);
	ck_assert(!read_answer(fd));
	close(fd);
	expect_all_threads();
	ck_assert_int_eq(poll(&more, 1, 0), 0);
}
END_TEST

START_TEST(unread_body_without_bound_is_cut_off)
{
	static char body[60000];
	int64_t deadline_us = clock_monotonic_us() + 10 * 1000 * 1000;
	int fd = dial();

	out.len = 0;
	put_begin(&out, true);
	put_params(&out, "POST", "/ignore", "", NULL);
	ck_assert(send_all(fd, out.data, out.len));
	out.len = 0;
	put_record(&out, STDIN, 1, body, sizeof(body));
	while (send_all(fd, out.data, out.len))
		ck_assert_int_lt(clock_monotonic_us(), deadline_us);
	close(fd);
	expect_all_threads();
}
END_TEST

/* -- parameters -- */

START_TEST(params_are_found_by_name)
{
	const struct extra extra = { "HTTP_X_ECHO", "yes=no=" };

	out.len = 0;
	put_begin(&out, false);
	put_params(&out, "GET", "/echo", "", &extra);
	put_record(&out, STDIN, 1, NULL, 0);
	ck_assert(exchange(&out));
	ck_assert_str_eq(answer.body, " yes=no=");
}
END_TEST

START_TEST(params_over_64_kib_are_refused)
{
	static char value[70 * 1024 + 1];
	const struct extra extra = { "HTTP_X", value };

	memset(value, 'v', sizeof(value) - 1);
	out.len = 0;
	put_begin(&out, false);
	put_params(&out, "GET", "/echo", "", &extra);
	put_record(&out, STDIN, 1, NULL, 0);
	ck_assert(exchange(&out));
	ck_assert(str_has_prefix(answer.text, "Status: 413 "));
}
END_TEST

START_TEST(params_over_80_kib_are_not_read)
{
	static char value[90 * 1024 + 1];
	const struct extra extra = { "HTTP_X", value };

	memset(value, 'v', sizeof(value) - 1);
	out.len = 0;
	put_begin(&out, false);
	put_params(&out, "GET", "/echo", "", &extra);
	put_record(&out, STDIN, 1, NULL, 0);
	ck_assert(!exchange(&out));
	expect_all_threads();
}
END_TEST

START_TEST(params_twice_are_refused)
{
	const struct extra extra = { "REMOTE_ADDR", "10.0.0.1" };

	out.len = 0;
	put_begin(&out, false);
	put_params(&out, "GET", "/echo", "", &extra);
	put_record(&out, STDIN, 1, NULL, 0);
	ck_assert(exchange(&out));
	ck_assert(str_has_prefix(answer.text, "Status: 400 "));
}
END_TEST

/* A header that proxies add may occur twice: no decision depends on it. */
START_TEST(unimportant_params_may_occur_twice)
{
	const struct extra extra = { "HTTP_X_FORWARDED_FOR", "10.0.0.1" };
	static struct bytes pairs;

	pairs.len = 0;
	put_pair(&pairs, extra.name, "10.0.0.2");
	out.len = 0;
	put_begin(&out, false);
	put_record(&out, PARAMS, 1, pairs.data, pairs.len);
	put_params(&out, "GET", "/echo", "both", &extra);
	put_record(&out, STDIN, 1, NULL, 0);
	ck_assert(exchange(&out));
	ck_assert_str_eq(answer.body, "both -");
}
END_TEST

START_TEST(params_by_the_thousand_are_found)
{
	static struct bytes pairs;
	char name[32];

	pairs.len = 0;
	put_pair(&pairs, "REQUEST_METHOD", "GET");
	for (int i = 0; i < 1000; i++) {
		snprintf(name, sizeof(name), "HTTP_X_%d", i);
		put_pair(&pairs, name, "");
	}
	put_pair(&pairs, "KEDGE_PATH", "/echo");
	put_pair(&pairs, "KEDGE_RAW_URI", "/echo");
	put_pair(&pairs, "KEDGE_HOST", "");
	put_pair(&pairs, "KEDGE_SCHEME", "http");
	put_pair(&pairs, "REMOTE_ADDR", "127.0.0.1");
	put_pair(&pairs, "QUERY_STRING", "found");
	out.len = 0;
	put_begin(&out, false);
	put_record(&out, PARAMS, 1, pairs.data, pairs.len);
	put_record(&out, PARAMS, 1, NULL, 0);
	put_record(&out, STDIN, 1, NULL, 0);
	ck_assert(exchange(&out));
	ck_assert_str_eq(answer.body, "found -");
}
END_TEST

/* -- peers that are not web servers -- */

struct raw {
	const char *what;
	/* The bytes that follow a valid FCGI_BEGIN_REQUEST. */
	const char *bytes;
	size_t len;
};
#define RAW(what, bytes)                       \
	{                                      \
		what, bytes, sizeof(bytes) - 1 \
	}

/* clang-format off */
static const struct raw refused[] = {
	RAW("another version", "\2\4\0\1\0\0\0\0"),
	RAW("a second begin", "\1\1\0\1\0\10\0\0\0\1\0\0\0\0\0\0"),
	RAW("abort", "\1\2\0\1\0\0\0\0"),
	RAW("another id", "\1\4\0\2\0\0\0\0"),
	RAW("get values", "\1\11\0\0\0\0\0\0"),
	RAW("unknown type", "\1\77\0\0\0\0\0\0"),
	RAW("body first", "\1\5\0\1\0\0\0\0"),
	RAW("name of 2^31-1", "\1\4\0\1\0\12\0\0\377\377\377\377\1AAAAA"),
	RAW("value of 2^31-1", "\1\4\0\1\0\12\0\0\1\377\377\377\377AAAAA"),
	RAW("both of 2^31-1",
	    "\1\4\0\1\0\12\0\0\377\377\377\377\377\377\377\377AA"),
	RAW("name of 80 KiB", "\1\4\0\1\0\12\0\0\200\1\100\1\0AAAAA"),
	RAW("empty name", "\1\4\0\1\0\3\0\0\0\1A"),
	RAW("equals sign in a name", "\1\4\0\1\0\5\0\0\2\1A=B"),
	RAW("NUL in a name", "\1\4\0\1\0\5\0\0\2\1A\0B"),
	RAW("NUL in a value", "\1\4\0\1\0\5\0\0\1\2AB\0"),
	RAW("end within a pair",
	    "\1\4\0\1\0\4\0\0\1\2AB" "\1\4\0\1\0\0\0\0"),
	RAW("end within a length", "\1\4\0\1\0\1\0\0\1" "\1\4\0\1\0\0\0\0"),
};
/* clang-format on */

START_TEST(head_that_is_wrong_is_refused)
{
	long peak;

	/* Start all threads now, so that their memory is not counted below. */
	expect_all_threads();
	peak = memory_kib("VmPeak");
	out.len = 0;
	put_begin(&out, true);
	put(&out, refused[_i].bytes, refused[_i].len);
	ck_assert_msg(!exchange(&out), "%s", refused[_i].what);
	/*
	 * The worker's memory must not grow by the length that the invalid
	 * record claims.
	 */
	ck_assert_int_lt(memory_kib("VmPeak"), peak + 8 * 1024);
	expect_all_threads();
}
END_TEST

START_TEST(begin_that_is_wrong_is_refused)
{
	const unsigned char authorizer[8] = { 0, 2 };
	const unsigned char responder[9] = { 0, 1 };

	out.len = 0;
	put_record(&out, BEGIN, 1, authorizer, 8);
	ck_assert(!exchange(&out));
	out.len = 0;
	put_record(&out, BEGIN, 0, responder, 8);
	ck_assert(!exchange(&out));
	out.len = 0;
	put_record(&out, BEGIN, 1, responder, 9);
	ck_assert(!exchange(&out));
	out.len = 0;
	put_header(&out, BEGIN, 1, 8, 8);
	put(&out, responder, 8);
	put(&out, responder, 8); /* padding */
	ck_assert(!exchange(&out));
	expect_all_threads();
}
END_TEST

/* FCGI_GET_VALUES inside a body: libfcgi 2.4.2 would overflow its stack. */
START_TEST(get_values_in_a_body_is_refused)
{
	static struct bytes values;

	values.len = 0;
	for (int i = 0; i < 100; i++)
		put_pair(&values, "FCGI_MAX_CONNS", "");
	out.len = 0;
	put_begin(&out, true);
	put_params(&out, "POST", "/length", "", NULL);
	put_record(&out, 9, 0, values.data, values.len);
	put_record(&out, STDIN, 1, NULL, 0);
	ck_assert(exchange(&out));
	ck_assert(str_has_prefix(answer.text, "Status: 400 "));
	expect_all_threads();
}
END_TEST

START_TEST(abort_at_each_byte_leaves_nothing)
{
	static struct bytes whole;
	const struct timespec moment = { .tv_nsec = 1000 * 1000 };
	int fds;

	expect_all_threads();
	fds = count_fds();
	whole.len = 0;
	put_begin(&whole, true);
	put_params(&whole, "POST", "/length", "a=1", NULL);
	put_record(&whole, STDIN, 1, "0123456789", 10);
	put_record(&whole, STDIN, 1, NULL, 0);
	put_get(&whole, false, "/echo", "");
	for (size_t i = 0; i <= whole.len; i++) {
		int fd = dial();

		ck_assert(send_all(fd, whole.data, i));
		close(fd);
	}
	expect_all_threads();
	/*
	 * A thread closes its connection a moment after the client has closed
	 * it.
	 */
	for (int i = 0; count_fds() > fds; i++) {
		ck_assert_int_lt(i, PATIENCE_S * 1000);
		nanosleep(&moment, NULL);
	}
}
END_TEST

START_TEST(garbage_is_refused)
{
	unsigned seed = 20240501;

	for (int i = 0; i < 2000; i++) {
		int fd = dial();
		size_t len;

		out.len = 0;
		/*
		 * Every other request is a valid one in which some bytes are
		 * changed.
		 */
		if (i % 2 == 0) {
			put_begin(&out, i % 4 == 0);
			put_params(&out, "POST", "/length", "a=1", NULL);
			put_record(&out, STDIN, 1, "0123456789", 10);
			put_record(&out, STDIN, 1, NULL, 0);
			for (int k = 0; k < 3; k++)
				out.data[(unsigned)rand_r(&seed) % out.len] =
				    (unsigned char)rand_r(&seed);
		} else {
			len = (unsigned)rand_r(&seed) % 2000;
			for (size_t k = 0; k < len; k++)
				out.data[k] = (unsigned char)rand_r(&seed);
			out.len = len;
		}
		send_all(fd, out.data, out.len);
		shutdown(fd, SHUT_WR);
		if (i % 3 == 0) {
			char trash[4096];

			while (read(fd, trash, sizeof(trash)) > 0)
				continue;
		}
		close(fd);
	}
	expect_all_threads();
	ck_assert_int_eq(kill(worker, 0), 0);
}
END_TEST

START_TEST(connection_closed_during_the_answer_is_released)
{
	for (int i = 0; i < 20; i++) {
		int fd = dial();

		out.len = 0;
		put_get(&out, i % 2 == 0, "/big", "1000000");
		ck_assert(send_all(fd, out.data, out.len));
		ck_assert(read_all(fd, out.data, 8));
		close(fd);
	}
	expect_all_threads();
}
END_TEST

/* -- draining -- */

START_TEST(drain_when_nothing_goes_on_ends)
{
	kill(worker, SIGTERM);
	expect_end();
	ck_assert_int_eq(dial(), -1);
}
END_TEST

START_TEST(drain_closes_idle_connections)
{
	int fds[THREADS];

	for (int i = 0; i < THREADS; i++) {
		fds[i] = dial();
		expect_echo(fds[i], true, "kept");
	}
	kill(worker, SIGTERM);
	for (int i = 0; i < THREADS; i++) {
		ck_assert(ended(fds[i]));
		close(fds[i]);
	}
	expect_end();
}
END_TEST

START_TEST(drain_finishes_what_is_served)
{
	int fd = dial();
	char byte;

	out.len = 0;
	put_get(&out, true, "/hold", "");
	ck_assert(send_all(fd, out.data, out.len));
	ck_assert_int_eq(read(held[0], &byte, 1), 1);
	kill(worker, SIGTERM);
	/* New connections are refused as soon as no thread accepts any. */
	for (int other; (other = dial()) >= 0;)
		close(other);
	ck_assert_int_eq(write(let_go[1], "g", 1), 1);
	ck_assert(read_answer(fd));
	ck_assert_str_eq(answer.body, "held");
	ck_assert(ended(fd));
	expect_end();
	close(fd);
}
END_TEST

START_TEST(drain_serves_what_was_sent)
{
	int fd = dial();

	expect_echo(fd, true, "kept");
	kill(worker, SIGSTOP);
	out.len = 0;
	put_get(&out, true, "/echo", "sent");
	ck_assert(send_all(fd, out.data, out.len));
	kill(worker, SIGTERM);
	kill(worker, SIGCONT);
	ck_assert(read_answer(fd));
	ck_assert_str_eq(answer.body, "sent -");
	ck_assert(ended(fd));
	expect_end();
	close(fd);
}
END_TEST

/*
 * Each request is answered that arrives at the beginning of a drain, or just
 * when the worker closes idle connections.
 */
START_TEST(drain_at_any_time_answers_or_closes)
{
	const struct timespec later = { .tv_nsec = _i < 10 ? _i * 100L * 1000
		                                           : (190 + _i) *
		                                                 1000L * 1000 };
	int fd = dial();
	bool sent, answered;

	expect_echo(fd, true, "kept");
	kill(worker, SIGTERM);
	nanosleep(&later, NULL);
	out.len = 0;
	put_get(&out, true, "/echo", "late");
	sent = send_all(fd, out.data, out.len);
	answered = read_answer(fd);
	ck_assert_int_eq(sent, answered);
	expect_end();
	close(fd);
}
END_TEST

static void
send_get(int fd, const char *path)
{
	out.len = 0;
	put_get(&out, true, path, "");
	ck_assert(send_all(fd, out.data, out.len));
}

START_TEST(disconnected_client_is_noticed)
{
	int stays = dial(), leaves = dial();
	char byte;

	send_get(stays, "/left");
	ck_assert_int_eq(read(held[0], &byte, 1), 1);
	ck_assert_int_eq(byte, 'h');
	ck_assert(read_answer(stays));

	kill(worker, SIGSTOP);
	send_get(leaves, "/left");
	close(leaves);
	kill(worker, SIGCONT);
	ck_assert_int_eq(read(held[0], &byte, 1), 1);
	ck_assert_int_eq(byte, 'l');
	close(stays);
}
END_TEST

/*
 * During a drain the loop shuts idle connections.  A request that still arrives
 * on one is answered, and req_is_abandoned() is false: its client has not
 * disconnected.
 */
START_TEST(drain_does_not_look_like_a_disconnect)
{
	const struct timespec long_enough = { .tv_nsec = 400L * 1000 * 1000 };
	int fd = dial();
	char byte;

	expect_echo(fd, true, "kept");
	kill(worker, SIGTERM);
	for (int other; (other = dial()) >= 0;)
		close(other);
	kill(worker, SIGSTOP);
	send_get(fd, "/left");
	nanosleep(&long_enough, NULL);
	kill(worker, SIGCONT);
	ck_assert_int_eq(read(held[0], &byte, 1), 1);
	ck_assert_int_eq(byte, 'h');
	ck_assert(read_answer(fd));
	expect_end();
	close(fd);
}
END_TEST

START_TEST(drain_waits_for_a_request_that_has_begun)
{
	int fd = dial();

	out.len = 0;
	put_get(&out, false, "/echo", "slow");
	ck_assert(send_all(fd, out.data, 20));
	wait_until_read(fd);
	kill(worker, SIGTERM);
	for (int other; (other = dial()) >= 0;)
		close(other);
	ck_assert(send_all(fd, out.data + 20, out.len - 20));
	ck_assert(read_answer(fd));
	ck_assert_str_eq(answer.body, "slow -");
	expect_end();
	close(fd);
}
END_TEST

static void
expect_now(int fd)
{
	send_get(fd, "/now");
	ck_assert(read_answer(fd));
	ck_assert_int_ge(atoi(answer.body), 1);
}

START_TEST(nonblocking_is_answered_while_all_threads_wait)
{
	int fds[THREADS], fd = dial();

	hold_all_threads(fds);
	for (int i = 0; i < 10; i++)
		expect_now(fd);
	free_all_threads(fds);
	close(fd);
}
END_TEST

START_TEST(nonblocking_that_is_not_ready_any_more_is_left_to_a_thread)
{
	int held_fd = dial(), fd = dial();
	char byte;

	send_get(held_fd, "/now/hold");
	ck_assert_int_eq(read(held[0], &byte, 1), 1);
	expect_now(fd);
	ck_assert_int_eq(write(let_go[1], "g", 1), 1);
	ck_assert(read_answer(held_fd));
	ck_assert_str_eq(answer.body, "held");
	close(held_fd);
	close(fd);
}
END_TEST

/* Requests that the loop reads in the same round are prefetched together. */
START_TEST(nonblocking_of_many_connections_is_prefetched_together)
{
	int fds[10], status;

	for (size_t i = 0; i < COUNT_OF(fds); i++) {
		fds[i] = dial();
		expect_now(fds[i]);
	}
	kill(worker, SIGSTOP);
	ck_assert_int_eq(waitpid(worker, &status, WUNTRACED), worker);
	ck_assert(WIFSTOPPED(status));
	for (size_t i = 0; i < COUNT_OF(fds); i++)
		send_get(fds[i], "/now");
	kill(worker, SIGCONT);
	for (size_t i = 0; i < COUNT_OF(fds); i++) {
		ck_assert(read_answer(fds[i]));
		ck_assert_str_eq(answer.body, "10");
		close(fds[i]);
	}
}
END_TEST

START_TEST(nonblocking_two_at_once_are_answered_in_turn)
{
	int fd = dial();

	out.len = 0;
	put_get(&out, true, "/now", "");
	put_get(&out, true, "/echo", "second");
	put_get(&out, true, "/now", "");
	ck_assert(send_all(fd, out.data, out.len));
	ck_assert(read_answer(fd));
	ck_assert_str_eq(answer.body, "1");
	ck_assert(read_answer(fd));
	ck_assert_str_eq(answer.body, "second -");
	ck_assert(read_answer(fd));
	ck_assert_str_eq(answer.body, "0");
	expect_now(fd);
	close(fd);
}
END_TEST

/*
 * The loop ends the connection of a client that does not read its response, and
 * does not wait for it.
 */
START_TEST(nonblocking_answer_that_nobody_reads_ends_the_connection)
{
	int fd = dial(), other = dial();
	char byte;

	out.len = 0;
	put_get(&out, true, "/now/big", "8000000");
	ck_assert(send_all(fd, out.data, out.len));
	expect_now(other);
	while (read_all(fd, &byte, 1))
		continue;
	expect_now(other);
	close(fd);
	close(other);
}
END_TEST

/* Connections beyond the limit wait in the kernel's queue. */
START_TEST(connections_beyond_the_limit_are_served_when_others_end)
{
	enum { MANY = 600 };
	static int fds[MANY];
	int served = 0;

	for (int i = 0; i < MANY; i++) {
		fds[i] = dial();
		ck_assert_int_ge(fds[i], 0);
		send_get(fds[i], "/now");
	}
	/* Each connection that ends makes room for a waiting connection. */
	for (int i = 0; i < MANY; i++) {
		served += read_answer(fds[i]);
		close(fds[i]);
	}
	ck_assert_int_eq(served, MANY);
	expect_all_threads();
}
END_TEST

/*
 * A client's next request can arrive before the thread has returned the
 * connection to the event loop.
 */
START_TEST(requests_that_follow_at_once_are_all_answered)
{
	int fds[THREADS];

	for (int i = 0; i < THREADS; i++)
		fds[i] = dial();
	for (int round = 0; round < 3000; round++) {
		for (int i = 0; i < THREADS; i++)
			send_get(fds[i], "/nothing");
		for (int i = 0; i < THREADS; i++)
			ck_assert(read_answer(fds[i]));
	}
	for (int i = 0; i < THREADS; i++)
		close(fds[i]);
}
END_TEST

static void
send_from(int fd, const char *address, const char *path)
{
	client = address;
	send_get(fd, path);
	client = "127.0.0.1";
}

/*
 * When one client has queued many requests, another client's request is served
 * next.
 */
START_TEST(queued_requests_take_turns_by_user)
{
	int fds[THREADS], greedy[10], other = dial(), waiting = 0;
	int now = dial();
	char byte;

	hold_all_threads(fds);
	for (size_t i = 0; i < COUNT_OF(greedy); i++) {
		greedy[i] = dial();
		send_from(greedy[i], "10.0.0.1", "/hold");
		wait_until_read(greedy[i]);
	}
	send_from(other, "10.0.1.1", "/nothing");
	wait_until_read(other);
	expect_now(now); /* is answered in a later round of the loop, so all
	                    requests before it are queued */
	close(now);
	/*
	 * The first free thread serves the client with many requests, the
	 * second one serves the other client.
	 */
	ck_assert_int_eq(write(let_go[1], "g", 1), 1);
	ck_assert_int_eq(read(held[0], &byte, 1), 1);
	ck_assert_int_eq(write(let_go[1], "g", 1), 1);
	ck_assert(read_answer(other));
	close(other);
	for (size_t i = 0; i < COUNT_OF(greedy); i++) {
		struct pollfd p = { .fd = greedy[i], .events = POLLIN };

		waiting += poll(&p, 1, 0) == 0;
	}
	/*
	 * The second byte may have released a request of the client with many
	 * requests, so one of its requests may be answered.
	 */
	ck_assert_int_ge(waiting, (int)COUNT_OF(greedy) - 1);
	for (size_t i = 0; i < COUNT_OF(greedy) + THREADS - 2; i++)
		ck_assert_int_eq(write(let_go[1], "g", 1), 1);
	for (size_t i = 0; i < COUNT_OF(greedy); i++) {
		ck_assert(read_answer(greedy[i]));
		close(greedy[i]);
	}
	for (size_t i = 0; i < COUNT_OF(greedy) - 1; i++)
		ck_assert_int_eq(read(held[0], &byte, 1), 1);
	for (int i = 0; i < THREADS; i++) {
		ck_assert(read_answer(fds[i]));
		close(fds[i]);
	}
}
END_TEST

/*
 * Requests for which the queue has no room are refused at once, while requests
 * that need no thread are served.
 */
START_TEST(requests_beyond_the_queue_are_refused_at_once)
{
	static int queued[THREAD_POOL_QUEUE_MAX - THREADS];
	int fds[THREADS], last = dial(), now = dial();
	char address[32];

	hold_all_threads(fds);
	for (size_t i = 0; i < COUNT_OF(queued); i++) {
		queued[i] = dial();
		ck_assert_int_ge(queued[i], 0);
		snprintf(
		    address, sizeof(address), "10.%zu.%zu.1", i / 256, i % 256);
		send_from(queued[i], address, "/echo");
		wait_until_read(queued[i]);
	}
	send_from(last, "11.0.0.1", "/echo");
	ck_assert(read_answer(last));
	ck_assert(str_has_prefix(answer.text, "Status: 503 "));
	ck_assert(has_line("Retry-After: 1"));
	expect_now(now);
	free_all_threads(fds);
	for (size_t i = 0; i < COUNT_OF(queued); i++) {
		ck_assert(read_answer(queued[i]));
		close(queued[i]);
	}
	/* The connection of the refused request was kept. */
	expect_echo(last, true, "again");
	close(last);
	close(now);
}
END_TEST

START_TEST(requests_of_one_user_beyond_the_share_are_refused_at_once)
{
	static int queued[THREAD_POOL_FLOW_MAX];
	int fds[THREADS], last = dial(), other = dial();

	hold_all_threads(fds);
	for (size_t i = 0; i < COUNT_OF(queued); i++) {
		queued[i] = dial();
		send_from(queued[i], "10.0.0.1", "/echo");
		wait_until_read(queued[i]);
	}
	send_from(last, "10.0.0.2", "/echo");
	ck_assert(read_answer(last));
	ck_assert(str_has_prefix(answer.text, "Status: 429 "));
	send_from(other, "10.0.1.1", "/echo");
	wait_until_read(other);
	free_all_threads(fds);
	ck_assert(read_answer(other));
	ck_assert(str_has_prefix(answer.text, "Status: 200 "));
	for (size_t i = 0; i < COUNT_OF(queued); i++)
		close(queued[i]);
	close(last);
	close(other);
}
END_TEST

/* Sends a request whose parameters do not fit into one buffer. */
static void
send_large_head_from(int fd, const char *address)
{
	static char filler[3 * RECEIVE_BUFFER_BYTES];

	memset(filler, 'f', sizeof(filler) - 1);
	client = address;
	out.len = 0;
	put_begin(&out, true);
	put_params(&out, "GET", "/echo", "large",
	    &(struct extra){ "HTTP_X_FILLER", filler });
	put_record(&out, STDIN, 1, NULL, 0);
	ck_assert(send_all(fd, out.data, out.len));
	client = "127.0.0.1";
}

START_TEST(requests_with_large_heads_take_turns_by_user)
{
	static int queued[THREAD_POOL_FLOW_MAX];
	int fds[THREADS], last = dial(), other = dial();

	hold_all_threads(fds);
	for (size_t i = 0; i < COUNT_OF(queued); i++) {
		queued[i] = dial();
		send_large_head_from(queued[i], "10.0.0.1");
		wait_until_read(queued[i]);
	}
	send_from(last, "10.0.0.2", "/echo");
	ck_assert(read_answer(last));
	ck_assert(str_has_prefix(answer.text, "Status: 429 "));
	send_large_head_from(other, "10.0.1.1");
	wait_until_read(other);
	free_all_threads(fds);
	ck_assert(read_answer(other));
	ck_assert(str_has_prefix(answer.text, "Status: 200 "));
	for (size_t i = 0; i < COUNT_OF(queued); i++)
		close(queued[i]);
	close(last);
	close(other);
}
END_TEST

/*
 * A request is refused before its body has arrived, and the rest of the body is
 * then read: nginx would answer 502, or try another server, if it could not
 * send the rest.
 */
START_TEST(request_is_refused_before_its_body_arrives)
{
	static int queued[THREAD_POOL_FLOW_MAX];
	static const char rest[60000];
	int fds[THREADS], last = dial();

	hold_all_threads(fds);
	for (size_t i = 0; i < COUNT_OF(queued); i++) {
		queued[i] = dial();
		send_from(queued[i], "10.0.0.1", "/echo");
		wait_until_read(queued[i]);
	}
	client = "10.0.0.2";
	out.len = 0;
	put_begin(&out, true);
	put_params(&out, "POST", "/length", "", NULL);
	put_header(&out, STDIN, 1, sizeof(rest), 0);
	put(&out, "begun", 5);
	client = "127.0.0.1";
	ck_assert(send_all(last, out.data, out.len));
	ck_assert(read_answer(last));
	ck_assert(str_has_prefix(answer.text, "Status: 429 "));
	/*
	 * The rest of the body is read and discarded, so the connection can be
	 * kept.
	 */
	out.len = 0;
	put(&out, rest, sizeof(rest) - 5);
	put_record(&out, STDIN, 1, NULL, 0);
	put_get(&out, true, "/now", "");
	ck_assert(send_all(last, out.data, out.len));
	ck_assert(read_answer(last));
	ck_assert(str_has_prefix(answer.text, "Status: 200 "));
	expect_now(last);
	free_all_threads(fds);
	for (size_t i = 0; i < COUNT_OF(queued); i++)
		close(queued[i]);
	close(last);
}
END_TEST

/*
 * Requests whose parameters have arrived in part occupy no thread: the event
 * loop waits for the rest.
 */
START_TEST(incomplete_heads_occupy_no_thread)
{
	int half[4 * THREADS];

	out.len = 0;
	put_get(&out, true, "/echo", "");
	for (size_t i = 0; i < COUNT_OF(half); i++) {
		half[i] = dial();
		ck_assert(send_all(half[i], out.data, 20));
		wait_until_read(half[i]);
	}
	expect_all_threads();
	for (size_t i = 0; i < COUNT_OF(half); i++) {
		out.len = 0;
		put_get(&out, true, "/echo", "");
		ck_assert(send_all(half[i], out.data + 20, out.len - 20));
		ck_assert(read_answer(half[i]));
		close(half[i]);
	}
}
END_TEST

/* -- bodies on their way -- */

/* Sends the parameters of a POST request and the first bytes of its body. */
static void
begin_post(int fd, const char *address, const char *path, bool keep)
{
	client = address;
	out.len = 0;
	put_begin(&out, keep);
	put_params(
	    &out, "POST", path, "", &(struct extra){ "CONTENT_LENGTH", "" });
	put_record(&out, STDIN, 1, "begun", 5);
	client = "127.0.0.1";
	ck_assert(send_all(fd, out.data, out.len));
}

static void
end_body(int fd)
{
	out.len = 0;
	put_record(&out, STDIN, 1, "ended", 5);
	put_record(&out, STDIN, 1, NULL, 0);
	ck_assert(send_all(fd, out.data, out.len));
}

START_TEST(incomplete_bodies_occupy_no_thread)
{
	int half[4 * THREADS];

	for (size_t i = 0; i < COUNT_OF(half); i++) {
		half[i] = dial();
		begin_post(half[i], "10.0.0.1", "/length", true);
		wait_until_read(half[i]);
	}
	expect_all_threads();
	for (size_t i = 0; i < COUNT_OF(half); i++) {
		end_body(half[i]);
		ck_assert(read_answer(half[i]));
		ck_assert_str_eq(answer.body, "10 1041");
		expect_echo(half[i], true, "next");
		close(half[i]);
	}
}
END_TEST

/*
 * A body whose bytes arrive slowly is refused at its time limit, neither sooner
 * nor later, and the rest of it is discarded.
 */
START_TEST(body_that_trickles_is_refused_in_time)
{
	const struct timespec pause = { .tv_nsec = 20 * 1000 * 1000 };
	int64_t started_us = clock_monotonic_us();
	struct pollfd more = { .events = POLLIN };
	int fd = dial();

	more.fd = fd;
	begin_post(fd, "10.0.0.1", "/hold", true);
	while (poll(&more, 1, 0) == 0) {
		out.len = 0;
		put_record(&out, STDIN, 1, "x", 1);
		ck_assert(send_all(fd, out.data, out.len));
		nanosleep(&pause, NULL);
		ck_assert_int_lt(
		    clock_monotonic_us() - started_us, 10 * BODY_US);
	}
	ck_assert_int_ge(clock_monotonic_us() - started_us, BODY_US);
	ck_assert(read_answer(fd));
	ck_assert(str_has_prefix(answer.text, "Status: 408 "));
	ck_assert_ptr_nonnull(strstr(answer.body, "REQUEST_TIMEOUT"));
	end_body(fd);
	expect_echo(fd, true, "next");
	close(fd);
}
END_TEST

/*
 * nginx passes the parts of a chunked body on before it knows the body's
 * length.
 */
START_TEST(content_length_is_set_when_the_body_is_complete)
{
	int fd = dial();

	begin_post(fd, "10.0.0.1", "/told", true);
	wait_until_read(fd);
	end_body(fd);
	ck_assert(read_answer(fd));
	ck_assert_str_eq(answer.body, "10 1");

	out.len = 0;
	put_begin(&out, true);
	put_params(
	    &out, "POST", "/told", "", &(struct extra){ "CONTENT_LENGTH", "" });
	put_record(&out, STDIN, 1, "at once", 7);
	put_record(&out, STDIN, 1, NULL, 0);
	ck_assert(send_all(fd, out.data, out.len));
	ck_assert(read_answer(fd));
	ck_assert_str_eq(answer.body, "7 1");

	out.len = 0;
	put_begin(&out, true);
	put_params(
	    &out, "POST", "/told", "", &(struct extra){ "CONTENT_LENGTH", "" });
	put_record(&out, STDIN, 1, NULL, 0);
	ck_assert(send_all(fd, out.data, out.len));
	ck_assert(read_answer(fd));
	ck_assert_str_eq(answer.body, " 0");

	/* An empty body whose end comes later is known to be empty. */
	out.len = 0;
	put_begin(&out, true);
	put_params(
	    &out, "POST", "/told", "", &(struct extra){ "CONTENT_LENGTH", "" });
	ck_assert(send_all(fd, out.data, out.len));
	wait_until_read(fd);
	out.len = 0;
	put_record(&out, STDIN, 1, NULL, 0);
	ck_assert(send_all(fd, out.data, out.len));
	ck_assert(read_answer(fd));
	ck_assert_str_eq(answer.body, "0 0");
	close(fd);
}
END_TEST

/*
 * When too many bodies are waited for, one of the network that has most of them
 * is dropped.
 */
START_TEST(waiting_bodies_of_the_largest_flow_are_replaced)
{
	static int slow[BODIES_MAX];
	int honest = dial(), last = dial();
	struct pollfd more = { .events = POLLIN };
	int given_way = 0;

	begin_post(honest, "10.0.1.1", "/length", true);
	wait_until_read(honest);
	for (size_t i = 0; i < COUNT_OF(slow); i++) {
		slow[i] = dial();
		begin_post(slow[i], "10.0.0.1", "/length", false);
		wait_until_read(slow[i]);
	}
	begin_post(last, "10.0.2.1", "/length", true);
	wait_until_read(last);
	end_body(honest);
	ck_assert(read_answer(honest));
	ck_assert_str_eq(answer.body, "10 1041");
	for (size_t i = 0; i < COUNT_OF(slow); i++) {
		more.fd = slow[i];
		if (poll(&more, 1, 0) == 0)
			continue;
		ck_assert(read_answer(slow[i]));
		given_way++;
	}
	ck_assert_int_eq(given_way, 2);
	for (size_t i = 0; i < COUNT_OF(slow); i++)
		close(slow[i]);
	close(honest);
	close(last);
}
END_TEST

/*
 * In the same round some clients disconnect and other clients' requests are
 * refused.
 */
START_TEST(disconnected_bodies_are_released_while_others_begin)
{
	static int slow[BODIES_MAX];
	int before = count_fds(), status, others[60];

	for (size_t i = 0; i < COUNT_OF(slow); i++) {
		slow[i] = dial();
		begin_post(slow[i], "10.0.0.1", "/length", false);
		wait_until_read(slow[i]);
	}
	for (size_t i = 0; i < COUNT_OF(others); i++) {
		others[i] = dial();
		expect_echo(others[i], true, "kept");
	}
	kill(worker, SIGSTOP);
	ck_assert_int_eq(waitpid(worker, &status, WUNTRACED), worker);
	for (size_t i = 0; i < COUNT_OF(others); i++) {
		begin_post(others[i], "10.0.1.1", "/length", true);
		close(slow[i]);
	}
	kill(worker, SIGCONT);
	for (size_t i = 0; i < COUNT_OF(others); i++) {
		end_body(others[i]);
		ck_assert(read_answer(others[i]));
		close(others[i]);
	}
	for (size_t i = COUNT_OF(others); i < COUNT_OF(slow); i++)
		close(slow[i]);
	wait_for_fds(before);
	expect_all_threads();
}
END_TEST

START_TEST(drain_waits_for_a_body)
{
	int fd = dial();

	begin_post(fd, "10.0.0.1", "/length", true);
	wait_until_read(fd);
	kill(worker, SIGTERM);
	for (int other; (other = dial()) >= 0;)
		close(other);
	end_body(fd);
	ck_assert(read_answer(fd));
	ck_assert_str_eq(answer.body, "10 1041");
	ck_assert(ended(fd));
	expect_end();
	close(fd);
}
END_TEST

/*
 * During a drain a body that has not arrived is refused some time before the
 * worker would be killed.
 */
START_TEST(drain_refuses_a_body_that_does_not_come_in_time)
{
	int64_t started_us = clock_monotonic_us();
	int fd = dial();

	begin_post(fd, "10.0.0.1", "/hold", true);
	wait_until_read(fd);
	sigqueue(worker, SIGTERM, (union sigval){ .sival_int = 400 });
	ck_assert(read_answer(fd));
	ck_assert(str_has_prefix(answer.text, "Status: 503 "));
	ck_assert_int_ge(clock_monotonic_us() - started_us, 300 * 1000);
	close(fd);
	expect_end();
}
END_TEST

/* The connection of a refused request counts as idle again. */
START_TEST(connection_that_no_thread_took_is_not_counted_as_busy)
{
	struct arena *a = arena_new();
	struct connection_table t = { 0 };
	struct client_connection *c;
	struct buf b;
	int fd = metrics_open(-1);

	metrics_use_slot("api", 0);
	metrics_begin_process("api");
	ck_assert(connection_table_init(&t, epoll_create1(EPOLL_CLOEXEC)));
	c = connection_table_find_free(&t);
	connection_open(&t, c, eventfd(0, EFD_CLOEXEC));
	connection_lend(c);
	connection_take_back(c);
	buf_init(&b, a, 1 << 20);
	metrics_print(&b, "t", "0");
	ck_assert_ptr_nonnull(strstr(b.data, "state=\"idle\"} 1\n"));
	ck_assert_ptr_nonnull(strstr(b.data, "state=\"busy\"} 0\n"));
	connection_close(&t, c);
	connection_table_release(&t);
	close(t.epoll_fd);
	close(fd);
	arena_free(a);
}
END_TEST

/*
 * A thread that waits in a handler notices that its client has disconnected,
 * and is free again.
 */
START_TEST(connection_closed_while_its_request_queues_is_released)
{
	int fds = count_fds();
	char byte;

	for (int i = 0; i < THREADS; i++) {
		int fd = dial();

		send_get(fd, "/hold");
		ck_assert_int_eq(read(held[0], &byte, 1), 1);
		close(fd);
	}
	for (int i = 0; i < THREADS; i++)
		ck_assert_int_eq(write(let_go[1], "g", 1), 1);
	wait_for_fds(fds);
	expect_all_threads();
}
END_TEST

/*
 * After a response that was sent before the end of the body, the rest of the
 * body must not be read as a request, even if it looks like one.
 */
START_TEST(rest_of_an_ended_connection_is_not_taken_for_a_request)
{
	static struct bytes inner;
	struct pollfd more = { .fd = held[0], .events = POLLIN };
	int before = count_fds(), fd = dial();
	size_t head, body;

	inner.len = 0;
	put_get(&inner, true, "/hold", "");
	out.len = 0;
	put_begin(&out, true);
	put_params(&out, "POST", "/hold", "", NULL);
	head = out.len + 8;
	ck_assert_uint_lt(head, RECEIVE_BUFFER_BYTES);
	body = RECEIVE_BUFFER_BYTES - head + inner.len;
	put_header(&out, STDIN, 1, body, 0);
	while (out.len < RECEIVE_BUFFER_BYTES)
		put(&out, "x", 1);
	put(&out, inner.data, inner.len);
	ck_assert(send_all(fd, out.data, out.len));
	close(fd);
	wait_for_fds(before);
	ck_assert_int_eq(poll(&more, 1, 0), 0);
	expect_all_threads();
}
END_TEST

/* In ticks. */
static long
processor_time(void)
{
	char path[64];
	long user = -1, system = -1;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)worker);
	f = fopen(path, "r");
	ck_assert_ptr_nonnull(f);
	ck_assert_int_eq(fscanf(f,
			     "%*d %*s %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u"
			     " %*u %ld %ld",
			     &user, &system),
	    2);
	fclose(f);
	return user + system;
}

/*
 * When a client has disconnected while a thread waits, the event loop must not
 * be woken for it again and again, which would use all processor time.
 */
START_TEST(disconnected_client_costs_no_time_while_a_thread_waits)
{
	const struct timespec second = { .tv_sec = 1 };
	int fd = dial();
	long before;
	char byte;

	send_get(fd, "/hold");
	ck_assert_int_eq(read(held[0], &byte, 1), 1);
	close(fd);
	before = processor_time();
	nanosleep(&second, NULL);
	ck_assert_int_lt(processor_time() - before, sysconf(_SC_CLK_TCK) / 10);
	ck_assert_int_eq(write(let_go[1], "g", 1), 1);
	expect_all_threads();
}
END_TEST

static Suite *
make_suite(void)
{
	Suite *s = suite_create("event_loop");
	TCase *tc = tcase_create("event_loop");
	TCase *many = tcase_create("many bodies");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, get_is_answered_and_closed);
	tcase_add_test(tc, get_on_kept_connection_is_answered_again);
	tcase_add_test(tc, get_two_at_once_are_answered_in_turn);
	tcase_add_test(tc, get_byte_by_byte_is_answered);
	tcase_add_test(tc, head_has_length_and_no_body);
	tcase_add_test(tc, no_content_has_no_length);
	tcase_add_loop_test(tc, big_answer_is_whole, 0, COUNT_OF(sizes));
	tcase_add_loop_test(tc, stream_is_whole_and_its_connection_is_kept, 0,
	    COUNT_OF(streams));
	tcase_add_loop_test(
	    tc, stream_that_cannot_begin_is_an_error, 0, COUNT_OF(unbegun));
	tcase_add_loop_test(
	    tc, stream_that_breaks_off_has_no_end, 0, COUNT_OF(broken_streams));
	tcase_add_test(tc, stream_that_is_not_read_is_ended);
	tcase_add_test(tc, threads_start_when_they_are_needed);
	tcase_add_loop_test(tc, big_body_is_read_whole, 0, COUNT_OF(sizes));
	tcase_add_test(tc, nonblocking_is_answered_while_all_threads_wait);
	tcase_add_test(
	    tc, nonblocking_that_is_not_ready_any_more_is_left_to_a_thread);
	tcase_add_test(
	    tc, nonblocking_of_many_connections_is_prefetched_together);
	tcase_add_test(tc, nonblocking_two_at_once_are_answered_in_turn);
	tcase_add_test(
	    tc, nonblocking_answer_that_nobody_reads_ends_the_connection);
	tcase_add_test(
	    tc, connections_beyond_the_limit_are_served_when_others_end);
	tcase_add_test(tc, requests_that_follow_at_once_are_all_answered);
	tcase_add_test(tc, queued_requests_take_turns_by_user);
	tcase_add_test(tc, requests_beyond_the_queue_are_refused_at_once);
	tcase_add_test(
	    tc, requests_of_one_user_beyond_the_share_are_refused_at_once);
	tcase_add_test(tc, requests_with_large_heads_take_turns_by_user);
	tcase_add_test(tc, request_is_refused_before_its_body_arrives);
	tcase_add_test(tc, incomplete_heads_occupy_no_thread);
	tcase_add_test(tc, incomplete_bodies_occupy_no_thread);
	tcase_add_test(tc, body_that_trickles_is_refused_in_time);
	tcase_add_test(tc, content_length_is_set_when_the_body_is_complete);
	tcase_add_test(tc, drain_waits_for_a_body);
	tcase_add_test(tc, drain_refuses_a_body_that_does_not_come_in_time);
	tcase_add_test(
	    tc, connection_that_no_thread_took_is_not_counted_as_busy);
	tcase_add_test(
	    tc, connection_closed_while_its_request_queues_is_released);
	tcase_add_test(
	    tc, rest_of_an_ended_connection_is_not_taken_for_a_request);
	tcase_add_test(
	    tc, disconnected_client_costs_no_time_while_a_thread_waits);
	tcase_add_test(tc, unread_body_is_not_taken_for_a_request);
	tcase_add_test(tc, body_that_breaks_off_is_not_served);
	tcase_add_test(tc, unread_body_without_bound_is_cut_off);
	tcase_add_test(tc, params_are_found_by_name);
	tcase_add_test(tc, params_over_64_kib_are_refused);
	tcase_add_test(tc, params_over_80_kib_are_not_read);
	tcase_add_test(tc, params_twice_are_refused);
	tcase_add_test(tc, unimportant_params_may_occur_twice);
	tcase_add_test(tc, params_by_the_thousand_are_found);
	tcase_add_loop_test(
	    tc, head_that_is_wrong_is_refused, 0, COUNT_OF(refused));
	tcase_add_test(tc, begin_that_is_wrong_is_refused);
	tcase_add_test(tc, get_values_in_a_body_is_refused);
	tcase_add_test(tc, abort_at_each_byte_leaves_nothing);
	tcase_add_test(tc, garbage_is_refused);
	tcase_add_test(tc, connection_closed_during_the_answer_is_released);
	tcase_add_test(tc, drain_when_nothing_goes_on_ends);
	tcase_add_test(tc, drain_closes_idle_connections);
	tcase_add_test(tc, drain_finishes_what_is_served);
	tcase_add_test(tc, drain_serves_what_was_sent);
	tcase_add_loop_test(tc, drain_at_any_time_answers_or_closes, 0, 30);
	tcase_add_test(tc, disconnected_client_is_noticed);
	tcase_add_test(tc, drain_does_not_look_like_a_disconnect);
	tcase_add_test(tc, drain_waits_for_a_request_that_has_begun);
	suite_add_tcase(s, tc);
	tcase_add_checked_fixture(many, setup_patient, teardown);
	tcase_set_timeout(many, 60);
	tcase_add_test(many, waiting_bodies_of_the_largest_flow_are_replaced);
	tcase_add_test(
	    many, disconnected_bodies_are_released_while_others_begin);
	suite_add_tcase(s, many);
	return s;
}

int
main(void)
{
	return unit_run(make_suite());
}

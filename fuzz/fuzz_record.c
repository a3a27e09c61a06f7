/*
 * fuzz_record: the records of a request give the same result when they are read
 * as a whole and in pieces.  libfcgi agrees about every head that our parser
 * accepts: it reads the head to its end without waiting for more, and finds the
 * same parameters.  The first byte of the input is the size of the pieces.
 */
#include <assert.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <fcgiapp.h>

#include "base/arena.h"
#include "base/buf.h"
#include "fastcgi/record.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

struct verdict {
	enum record_state head;
	size_t head_bytes;
	enum record_state body;
	size_t body_bytes; /* length of the body's content */
	size_t used; /* how many bytes of the input the request takes, if its
	                body has ended */
};

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	return FCGX_Init();
}

static size_t
piece(size_t step, size_t left)
{
	return step < left ? step : left;
}

static void
judge_body(const struct record_head *h, const uint8_t *data, size_t len,
    size_t step, struct verdict *v)
{
	struct record_body b;
	size_t at = v->head_bytes, used;

	record_body_init(&b, h);
	v->body = RECORD_MORE;
	while (v->body == RECORD_MORE && at < len) {
		v->body = record_body_read(
		    &b, data + at, piece(step, len - at), &used);
		at += used;
		if (v->body == RECORD_MORE && b.content > 0) {
			size_t n = piece(b.content, len - at);

			b.content -= (uint32_t)n;
			v->body_bytes += n;
			at += n;
		}
	}
	if (v->body == RECORD_DONE)
		v->used = at;
}

static struct verdict
judge(const uint8_t *data, size_t len, size_t step)
{
	struct record_head h = { 0 };
	struct verdict v = { .head = RECORD_MORE };
	size_t at = 0, used;

	while (v.head == RECORD_MORE && at < len) {
		size_t n = piece(step, len - at);

		v.head = record_head_read(&h, data + at, n, &used);
		assert(used <= n && (used == n || v.head != RECORD_MORE));
		at += used;
	}
	if (v.head == RECORD_DONE) {
		assert(h.params_bytes <= RECORD_PARAMS_MAX_BYTES);
		assert(at <= RECORD_HEAD_MAX_BYTES);
		v.head_bytes = at;
		judge_body(&h, data, len, step, &v);
	}
	return v;
}

/* Returns the parameters of an accepted head, as our parser reads them. */
static const char **
read_params(struct arena *a, const uint8_t *data, size_t head_bytes)
{
	struct buf params;
	struct record_head h = { .params = &params };
	const char **list;
	size_t used, count;

	buf_init(&params, a, RECORD_PARAMS_MAX_BYTES);
	if (record_head_read(&h, data, head_bytes, &used) != RECORD_DONE)
		abort();
	list = record_params(a, &params, &count);
	assert(list[count] == NULL);
	return list;
}

static void
check_libfcgi(const uint8_t *data, size_t head_bytes)
{
	struct arena *a = arena_new();
	const char **list;
	FCGX_Request fcgi;
	uint8_t byte;
	int fds[2];

	if (pipe2(fds, O_NONBLOCK) != 0)
		abort();
	fcntl(fds[1], F_SETPIPE_SZ, 128 * 1024);
	if (write(fds[1], data, head_bytes) != (ssize_t)head_bytes)
		abort();
	FCGX_InitRequest(&fcgi, /* sock= */ -1, /* flags= */ 0);
	fcgi.ipcFd = fds[0];
	fcgi.keepConnection = 1;
	assert(FCGX_Accept_r(&fcgi) == 0);
	assert(read(fds[0], &byte, 1) == -1); /* nothing is left to read */
	/* libfcgi adds a parameter for the role before all others. */
	list = read_params(a, data, head_bytes);
	for (size_t i = 0; list[i] != NULL || fcgi.envp[i + 1] != NULL; i++)
		assert(strcmp(list[i], fcgi.envp[i + 1]) == 0);
	arena_free(a);
	FCGX_Free(&fcgi, /* close= */ 0);
	close(fds[0]);
	close(fds[1]);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct verdict whole, pieces;

	if (len == 0)
		return 0;
	whole = judge(data + 1, len - 1, len);
	pieces = judge(data + 1, len - 1, 1 + data[0] % 16);
	assert(whole.head == pieces.head && whole.body == pieces.body);
	assert(whole.head_bytes == pieces.head_bytes);
	assert(whole.used == pieces.used);
	if (whole.body == RECORD_DONE)
		assert(whole.body_bytes == pieces.body_bytes);
	if (whole.head == RECORD_DONE)
		check_libfcgi(data + 1, whole.head_bytes);
	return 0;
}

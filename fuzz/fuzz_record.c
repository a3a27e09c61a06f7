/*
 * fuzz_record: a request's records get the same verdict whole and in pieces,
 * and libfcgi agrees about every head that we take: it reads it to the end,
 * finds as many parameters and as many bytes, and waits for nothing.  The
 * first byte of the input is the size of the pieces.
 */
#include <assert.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <fcgiapp.h>

#include "http/record.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

struct verdict {
	enum record_state head;
	size_t head_bytes;
	enum record_state body;
	size_t body_bytes; /* of content */
	size_t used; /* of the input, when the body is done */
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

/* Bytes of names and values; the role, which libfcgi adds, is left out. */
static size_t
params_bytes(char **envp)
{
	size_t n = 0;

	for (envp++; *envp != NULL; envp++) {
		assert(strchr(*envp, '=') > *envp);
		n += strlen(*envp) - 1;
	}
	return n;
}

/* The same by the records: all content, less what tells the lengths. */
static size_t
expected_bytes(const uint8_t *data, size_t head_bytes)
{
	static uint8_t pairs[RECORD_PARAMS_MAX_BYTES];
	size_t len = 0, total = 0, at = 0;

	while (at + 8 <= head_bytes) {
		size_t n = (size_t)(data[at + 4] << 8 | data[at + 5]);

		if (data[at + 1] == 4 && n > 0) {
			memcpy(pairs + len, data + at + 8, n);
			len += n;
		}
		at += 8 + n + data[at + 6];
	}
	for (at = 0; at < len;) {
		size_t sizes[2];

		for (int i = 0; i < 2; i++) {
			sizes[i] = pairs[at++];
			if (sizes[i] < 0x80)
				continue;
			sizes[i] = (sizes[i] & 0x7f) << 24 |
			           (size_t)pairs[at] << 16 |
			           (size_t)pairs[at + 1] << 8 | pairs[at + 2];
			at += 3;
		}
		total += sizes[0] + sizes[1];
		at += sizes[0] + sizes[1];
	}
	assert(at == len);
	return total;
}

static void
check_libfcgi(const uint8_t *data, size_t head_bytes)
{
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
	assert(read(fds[0], &byte, 1) == -1); /* nothing is left */
	assert(params_bytes(fcgi.envp) == expected_bytes(data, head_bytes));
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

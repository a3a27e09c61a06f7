/*
 * record: a parser of the FastCGI 1.0 records that a web server sends.  It
 * works on bytes in memory, without I/O.
 *
 * This is our own parser, because libfcgi (2.4.2, including Debian's fix for
 * CVE-2025-23016)
 *   - lets FCGI_GET_VALUES with four names overflow 64 bytes of stack;
 *   - allocates the claimed length of a name or value, up to 4 GiB, aborts when
 *     it cannot, and accepts any number of them;
 *   - does not skip the padding of FCGI_BEGIN_REQUEST, but reads it as the
 *     next record;
 *   - starts the next request of a kept connection wherever its last read
 *     ended, so that the unread rest of a body is read as records: a client
 *     could smuggle in a request with its own parameters.
 * For every head that this parser accepts, fuzz/fuzz_record.c checks that
 * libfcgi reads the same parameters from it.
 *
 * This parser accepts one FCGI_BEGIN_REQUEST of a responder, FCGI_PARAMS up to
 * an empty one, and FCGI_STDIN up to an empty one, all with one request id.
 * Everything else (management records, FCGI_ABORT_REQUEST, multiplexing) ends
 * the connection.
 */
#ifndef FASTCGI_RECORD_H
#define FASTCGI_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;
struct buf;

enum {
	RECORD_HEADER_BYTES = 8,
	/*
	 * The most bytes of a request's parameters: names, values and their
	 * lengths.  A little more than REQ_PARAMS_MAX_BYTES, so that a request
	 * that is only slightly too large gets a response that says so.
	 */
	RECORD_PARAMS_MAX_BYTES = 80 * 1024,
	/*
	 * The most bytes of a request's head: the parameters with record
	 * headers and padding.
	 */
	RECORD_HEAD_MAX_BYTES = 96 * 1024,
	RECORD_CONTENT_MAX_BYTES = 65535, /* the most content of one record */
};

enum record_state {
	RECORD_MORE, /* valid so far; more bytes are needed */
	RECORD_DONE,
	RECORD_BAD,
};

/* A record's header, collected byte by byte. */
struct record_header {
	unsigned char bytes[RECORD_HEADER_BYTES];
	unsigned have;
};

/*
 * The state of reading a request's head, which is all records up to the empty
 * FCGI_PARAMS.  Initialise it with zeroes, except `params`.
 */
struct record_head {
	/*
	 * Receives the names, values and their lengths.  NULL: they are not
	 * kept.
	 */
	struct buf *params;
	struct record_header header;
	bool begun; /* FCGI_BEGIN_REQUEST was read */
	bool keep; /* the peer wants to reuse the connection */
	bool in_record;
	uint16_t id;
	unsigned char type;
	uint32_t
	    content; /* content bytes of this record that were not read yet */
	uint32_t padding;
	unsigned char begin[8];
	unsigned begin_have;
	size_t head_bytes;
	size_t params_bytes;

	/* The name and value that are being read. */
	unsigned char lengths[8];
	unsigned lengths_have;
	bool in_pair;
	uint32_t name_left;
	uint32_t value_left;
};

/*
 * Continues to read the head.  *ret_used is how many of the bytes belong to the
 * head: all of them unless RECORD_DONE.  The padding of the head's last record
 * does not belong to it; the length of that padding is left in h->padding.
 */
enum record_state record_head_read(struct record_head *h,
    const unsigned char *data, size_t len, size_t *ret_used);

/*
 * The parameters of a head that was read, as a NULL-ended list of "NAME=value"
 * in the arena.  *ret_count does not count the NULL.
 */
const char **
record_params(struct arena *a, const struct buf *params, size_t *ret_count);

/*
 * The state of reading a request's body, which is all records after the head up
 * to the empty FCGI_STDIN.
 */
struct record_body {
	struct record_header header;
	uint16_t id;
	/*
	 * Bytes of the body that follow in the data.  The caller takes some,
	 * and subtracts their number.
	 */
	uint32_t content;
	uint32_t padding;
	bool done;
};

void record_body_init(struct record_body *b, const struct record_head *h);
/*
 * Reads padding and headers until content is available (RECORD_MORE with
 * b->content > 0), the body has ended (RECORD_DONE), or the given bytes are
 * used up (RECORD_MORE with b->content 0).  *ret_used bytes were consumed.
 */
enum record_state record_body_read(struct record_body *b,
    const unsigned char *data, size_t len, size_t *ret_used);

/* Writes the header of one FCGI_STDOUT record; 0 bytes end the response. */
void record_write_stdout(struct buf *b, uint16_t id, size_t content_bytes);
/* Writes FCGI_END_REQUEST: complete, status 0. */
void record_write_end(struct buf *b, uint16_t id);

#endif

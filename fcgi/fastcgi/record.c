#include "fastcgi/record.h"

#include <assert.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"

/* The constants of FastCGI 1.0, section 8. */
enum {
	VERSION = 1,
	TYPE_BEGIN_REQUEST = 1,
	TYPE_END_REQUEST = 3,
	TYPE_PARAMS = 4,
	TYPE_STDIN = 5,
	TYPE_STDOUT = 6,
	ROLE_RESPONDER = 1,
	FLAG_KEEP_CONN = 1,
};

static size_t
min_size(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* Collects the bytes of a record's header; returns true when it is complete. */
static bool
header_take(struct record_header *h, const unsigned char **data, size_t *len)
{
	size_t n = min_size(RECORD_HEADER_BYTES - h->have, *len);

	memcpy(h->bytes + h->have, *data, n);
	h->have += (unsigned)n;
	*data += n;
	*len -= n;
	return h->have == RECORD_HEADER_BYTES;
}

static uint16_t
header_id(const struct record_header *h)
{
	return (uint16_t)(h->bytes[2] << 8 | h->bytes[3]);
}

static uint32_t
header_content(const struct record_header *h)
{
	return (uint32_t)h->bytes[4] << 8 | h->bytes[5];
}

/* -- the head -- */

static bool
mid_pair(const struct record_head *h)
{
	return h->in_pair || h->lengths_have > 0;
}

/* Checks a complete header: whether a record of this type may come now. */
static enum record_state
head_enter(struct record_head *h)
{
	const unsigned char *p = h->header.bytes;

	h->type = p[1];
	h->content = header_content(&h->header);
	h->padding = p[6];
	h->header.have = 0;
	h->in_record = true;
	if (p[0] != VERSION)
		return RECORD_BAD;
	if (!h->begun) {
		h->id = header_id(&h->header);
		/*
		 * No web server pads FCGI_BEGIN_REQUEST, and some readers would
		 * take the padding for a record.
		 */
		if (h->type != TYPE_BEGIN_REQUEST || h->id == 0 ||
		    h->content != sizeof(h->begin) || h->padding != 0)
			return RECORD_BAD;
		return RECORD_MORE;
	}
	if (h->type != TYPE_PARAMS || header_id(&h->header) != h->id)
		return RECORD_BAD;
	if (h->content == 0)
		return mid_pair(h) ? RECORD_BAD : RECORD_DONE;
	h->params_bytes += h->content;
	return h->params_bytes > RECORD_PARAMS_MAX_BYTES ? RECORD_BAD
	                                                 : RECORD_MORE;
}

static bool
begin_take(struct record_head *h, const unsigned char *data, size_t len)
{
	memcpy(h->begin + h->begin_have, data, len);
	h->begin_have += (unsigned)len;
	if (h->begin_have < sizeof(h->begin))
		return true;
	h->begun = true;
	h->keep = (h->begin[2] & FLAG_KEEP_CONN) != 0;
	return (h->begin[0] << 8 | h->begin[1]) == ROLE_RESPONDER;
}

/*
 * Reads the length of a name or value, which takes one byte or four; returns
 * false until all of its bytes are there.
 */
static bool
length_read(const unsigned char **at, const unsigned char *end, uint32_t *ret_n)
{
	const unsigned char *p = *at;

	if (p == end)
		return false;
	if (p[0] < 0x80) {
		*ret_n = p[0];
		*at = p + 1;
		return true;
	}
	if (end - p < 4)
		return false;
	*ret_n = (uint32_t)(p[0] & 0x7f) << 24 | (uint32_t)p[1] << 16 |
	         (uint32_t)p[2] << 8 | p[3];
	*at = p + 4;
	return true;
}

/*
 * Adds a byte to the two lengths of a parameter; returns false when the lengths
 * are out of range.
 */
static bool
lengths_take(struct record_head *h, unsigned char byte)
{
	const unsigned char *at = h->lengths;
	const unsigned char *end;

	h->lengths[h->lengths_have++] = byte;
	end = h->lengths + h->lengths_have;
	if (!length_read(&at, end, &h->name_left) ||
	    !length_read(&at, end, &h->value_left))
		return true;
	assert(at == end);
	h->lengths_have = 0;
	/* Both lengths are below 2^31, so their sum does not overflow. */
	if (h->name_left == 0 ||
	    h->name_left + h->value_left > RECORD_PARAMS_MAX_BYTES)
		return false;
	h->in_pair = true;
	return true;
}

/*
 * Parameters become "NAME=value" strings.  A name with an equals sign, or a NUL
 * in a name or value, would turn a parameter into another one, so it is
 * refused.
 */
static bool
pair_take(struct record_head *h, const unsigned char **data, size_t *len)
{
	size_t n = min_size(h->name_left, *len);
	size_t m;

	if (memchr(*data, '=', n) != NULL)
		return false;
	m = min_size(h->value_left, *len - n);
	if (memchr(*data, '\0', n + m) != NULL)
		return false;
	h->name_left -= (uint32_t)n;
	h->value_left -= (uint32_t)m;
	*data += n + m;
	*len -= n + m;
	h->in_pair = h->name_left + h->value_left > 0;
	return true;
}

static bool
params_take(struct record_head *h, const unsigned char *data, size_t len)
{
	if (h->params != NULL)
		buf_put(h->params, data, len);
	while (len > 0) {
		if (h->in_pair) {
			if (!pair_take(h, &data, &len))
				return false;
			continue;
		}
		if (!lengths_take(h, *data))
			return false;
		data++;
		len--;
	}
	return true;
}

static bool
content_take(struct record_head *h, const unsigned char **data, size_t *len)
{
	size_t n = min_size(h->content, *len);
	bool ok = h->type == TYPE_BEGIN_REQUEST ? begin_take(h, *data, n)
	                                        : params_take(h, *data, n);

	h->content -= (uint32_t)n;
	*data += n;
	*len -= n;
	return ok;
}

static void
padding_skip(uint32_t *padding, const unsigned char **data, size_t *len)
{
	size_t n = min_size(*padding, *len);

	*padding -= (uint32_t)n;
	*data += n;
	*len -= n;
}

static enum record_state
head_step(struct record_head *h, const unsigned char **data, size_t *len)
{
	if (!h->in_record) {
		if (!header_take(&h->header, data, len))
			return RECORD_MORE;
		return head_enter(h);
	}
	if (h->content > 0)
		return content_take(h, data, len) ? RECORD_MORE : RECORD_BAD;
	if (h->padding > 0)
		padding_skip(&h->padding, data, len);
	if (h->padding == 0)
		h->in_record = false;
	return RECORD_MORE;
}

enum record_state
record_head_read(struct record_head *h, const unsigned char *data, size_t len,
    size_t *ret_used)
{
	const unsigned char *start = data;
	enum record_state state = RECORD_MORE;

	while (len > 0 && state == RECORD_MORE)
		state = head_step(h, &data, &len);
	*ret_used = (size_t)(data - start);
	h->head_bytes += *ret_used;
	if (h->head_bytes > RECORD_HEAD_MAX_BYTES)
		state = RECORD_BAD;
	return state;
}

/*
 * Reads the two lengths of a parameter; lengths_take() has checked them
 * already.
 */
static const unsigned char *
pair_lengths(const unsigned char *at, const unsigned char *end,
    uint32_t *ret_name_len, uint32_t *ret_value_len)
{
	bool whole = length_read(&at, end, ret_name_len) &&
	             length_read(&at, end, ret_value_len);

	assert(whole && *ret_name_len + *ret_value_len <= (size_t)(end - at));
	return at;
}

static size_t
count_pairs(const unsigned char *at, const unsigned char *end)
{
	uint32_t name_len, value_len;
	size_t n = 0;

	for (; at < end; n++)
		at = pair_lengths(at, end, &name_len, &value_len) + name_len +
		     value_len;
	return n;
}

const char **
record_params(struct arena *a, const struct buf *params, size_t *ret_count)
{
	const unsigned char *at = (const unsigned char *)params->data;
	const unsigned char *end = at + params->len;
	size_t n = count_pairs(at, end);
	const char **list = arena_alloc(a, (n + 1) * sizeof(*list));
	/*
	 * The two lengths of a parameter take at least two bytes: room for its
	 * "=" and NUL.
	 */
	char *text = arena_alloc(a, params->len);

	for (size_t i = 0; i < n; i++) {
		uint32_t name_len, value_len;

		at = pair_lengths(at, end, &name_len, &value_len);
		list[i] = text;
		memcpy(text, at, name_len);
		text[name_len] = '=';
		memcpy(text + name_len + 1, at + name_len, value_len);
		text += name_len + 1 + value_len + 1;
		at += name_len + value_len;
	}
	*ret_count = n;
	return list;
}

/* -- the body -- */

void
record_body_init(struct record_body *b, const struct record_head *h)
{
	*b = (struct record_body){ .id = h->id, .padding = h->padding };
}

static enum record_state
body_enter(struct record_body *b)
{
	const unsigned char *p = b->header.bytes;

	b->header.have = 0;
	if (p[0] != VERSION || p[1] != TYPE_STDIN ||
	    header_id(&b->header) != b->id)
		return RECORD_BAD;
	b->content = header_content(&b->header);
	b->padding = p[6];
	b->done = b->content == 0;
	return RECORD_MORE;
}

enum record_state
record_body_read(struct record_body *b, const unsigned char *data, size_t len,
    size_t *ret_used)
{
	const unsigned char *start = data;
	enum record_state state = RECORD_MORE;

	while (state == RECORD_MORE && b->content == 0) {
		padding_skip(&b->padding, &data, &len);
		if (b->padding > 0)
			break;
		if (b->done)
			state = RECORD_DONE;
		else if (!header_take(&b->header, &data, &len))
			break;
		else
			state = body_enter(b);
	}
	*ret_used = (size_t)(data - start);
	return state;
}

/* -- the answer -- */

static void
write_header(struct buf *b, int type, uint16_t id, size_t content_bytes)
{
	assert(content_bytes <= RECORD_CONTENT_MAX_BYTES);
	buf_put(b,
	    (const unsigned char[RECORD_HEADER_BYTES]){
		VERSION,
		(unsigned char)type,
		(unsigned char)(id >> 8),
		(unsigned char)id,
		(unsigned char)(content_bytes >> 8),
		(unsigned char)content_bytes,
	    },
	    RECORD_HEADER_BYTES);
}

void
record_write_stdout(struct buf *b, uint16_t id, size_t content_bytes)
{
	write_header(b, TYPE_STDOUT, id, content_bytes);
}

void
record_write_end(struct buf *b, uint16_t id)
{
	static const unsigned char complete[8];

	write_header(b, TYPE_END_REQUEST, id, sizeof(complete));
	buf_put(b, complete, sizeof(complete));
}

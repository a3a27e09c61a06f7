#include "web/cookie.h"

#include <assert.h>
#include <inttypes.h>
#include <stddef.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"

/*
 * Browsers keep at most 4096 bytes of a cookie; the limit only has to be above
 * that.
 */
enum { COOKIE_MAX_BYTES = 8192 };

static const char *
skip_blanks(const char *p, const char *end)
{
	while (p < end && (*p == ' ' || *p == '\t'))
		p++;
	return p;
}

static const char *
cut_blanks(const char *begin, const char *end)
{
	while (end > begin && (end[-1] == ' ' || end[-1] == '\t'))
		end--;
	return end;
}

static const char *
read_value(struct arena *a, const char *begin, const char *end)
{
	begin = skip_blanks(begin, end);
	end = cut_blanks(begin, end);
	if (end - begin >= 2 && *begin == '"' && end[-1] == '"') {
		begin++;
		end--;
	}
	return arena_strndup(a, begin, (size_t)(end - begin));
}

const char *
cookie_next(struct arena *a, const char **rest, const char *name)
{
	size_t name_len = strlen(name);

	for (const char *p = *rest; p != NULL && *p != '\0';) {
		const char *end = p + strcspn(p, ";");
		const char *begin = skip_blanks(p, end);
		const char *equals = memchr(begin, '=', (size_t)(end - begin));

		p = *end == ';' ? end + 1 : end;
		if (equals != NULL) {
			const char *name_end = cut_blanks(begin, equals);

			/*
			 * Compare the whole name: "session" is not "session_x".
			 */
			if ((size_t)(name_end - begin) == name_len &&
			    memcmp(begin, name, name_len) == 0) {
				*rest = p;
				return read_value(a, equals + 1, end);
			}
		}
	}
	*rest = NULL;
	return NULL;
}

const char *
cookie_find(struct arena *a, const char *header, const char *name)
{
	return cookie_next(a, &header, name);
}

/* The characters that RFC 6265 section 4.1.1 calls cookie-octet. */
static bool
is_octets(const char *s)
{
	for (; *s != '\0'; s++) {
		if (*s <= ' ' || *s > '~' || strchr("\",;\\", *s) != NULL)
			return false;
	}
	return true;
}

const char *
cookie_write(struct arena *a, const struct cookie *c)
{
	struct buf b;

	assert(*c->name != '\0' && is_octets(c->name));
	assert(strchr(c->name, '=') == NULL);
	assert(is_octets(c->value));
	assert(c->domain == NULL || is_octets(c->domain));

	buf_init(&b, a, COOKIE_MAX_BYTES);
	buf_puts(&b, c->name);
	buf_putc(&b, '=');
	buf_puts(&b, c->value);
	if (c->max_age_s != COOKIE_SESSION)
		buf_printf(&b, "; Max-Age=%" PRId64, c->max_age_s);
	if (c->domain != NULL)
		buf_printf(&b, "; Domain=%s", c->domain);
	buf_puts(&b, "; Path=/; HttpOnly");
	if (c->secure)
		buf_puts(&b, "; Secure");
	buf_puts(&b, "; SameSite=Lax");
	assert(!buf_failed(&b));

	return b.data;
}

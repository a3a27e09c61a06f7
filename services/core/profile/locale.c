#include "core/profile/locale.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

#include "base/arena.h"
#include "base/str.h"

/*
 * langtag   = language ["-" script] ["-" region] *("-" variant)
 *             *("-" extension) ["-" privateuse]
 *
 * Each step below examines the next subtag and consumes it if it fits.  A tag
 * with subtags that no step consumed is ill-formed.
 */
enum { SUBTAGS_MAX = 24, SUBTAG_MAX = 8, EXTLANGS_MAX = 3 };

struct subtag {
	char *text; /* points into the copy of the tag; not NUL-terminated */
	size_t len;
};
struct reader {
	struct subtag subtags[SUBTAGS_MAX];
	size_t count;
	size_t at;
};

static bool
is_alpha(char c)
{
	return (c >= 'a' && c <= 'z');
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool
all(const struct subtag *s, bool (*is)(char))
{
	for (size_t i = 0; i < s->len; i++) {
		if (!is(s->text[i]))
			return false;
	}
	return true;
}

/*
 * Splits the tag, which is in lower case, into subtags. Returns false when a
 * subtag cannot fit any rule.
 */
static bool
split(char *tag, struct reader *r)
{
	size_t len;

	for (char *p = tag;; p += len + 1) {
		len = strcspn(p, "-");
		if (len == 0 || len > SUBTAG_MAX || r->count == SUBTAGS_MAX)
			return false;
		r->subtags[r->count] = (struct subtag){ p, len };
		if (!all(&r->subtags[r->count], str_is_alnum))
			return false;
		r->count++;
		if (p[len] == '\0')
			return true;
	}
}

/* Returns the next subtag, or an empty one when all have been consumed. */
static struct subtag
peek(const struct reader *r)
{
	return r->at < r->count ? r->subtags[r->at] : (struct subtag){ 0 };
}

/* The language: 2*3ALPHA *3("-" 3ALPHA) / 4ALPHA / 5*8ALPHA */
static bool
take_language(struct reader *r)
{
	struct subtag s = peek(r);

	if (s.len < 2 || !all(&s, is_alpha))
		return false;
	r->at++;
	if (s.len > 3)
		return true;
	for (int i = 0; i < EXTLANGS_MAX; i++) {
		s = peek(r);
		if (s.len != 3 || !all(&s, is_alpha))
			break;
		r->at++;
	}
	return true;
}

/* The script: 4ALPHA, written in title case */
static void
take_script(struct reader *r)
{
	struct subtag s = peek(r);

	if (s.len != 4 || !all(&s, is_alpha))
		return;
	s.text[0] = (char)toupper(s.text[0]);
	r->at++;
}

/* The region: 2ALPHA / 3DIGIT, written in upper case */
static void
take_region(struct reader *r)
{
	struct subtag s = peek(r);

	if (s.len == 2 && all(&s, is_alpha)) {
		s.text[0] = (char)toupper(s.text[0]);
		s.text[1] = (char)toupper(s.text[1]);
		r->at++;
	} else if (s.len == 3 && all(&s, is_digit)) {
		r->at++;
	}
}

static bool
seen_before(const struct reader *r, size_t first, struct subtag s)
{
	for (size_t i = first; i < r->at; i++) {
		const struct subtag *t = &r->subtags[i];

		if (t->len == s.len && memcmp(t->text, s.text, s.len) == 0)
			return true;
	}
	return false;
}

/* The variants: 5*8alphanum / (DIGIT 3alphanum), none of them twice */
static bool
take_variants(struct reader *r)
{
	size_t first = r->at;

	for (;; r->at++) {
		struct subtag s = peek(r);

		if (s.len < 4 || (s.len == 4 && !is_digit(s.text[0])))
			return true;
		if (seen_before(r, first, s))
			return false;
	}
}

/* The extensions: singleton 1*("-" (2*8alphanum)), no singleton twice */
static bool
take_extensions(struct reader *r)
{
	size_t first = r->at;

	for (;;) {
		struct subtag s = peek(r);

		if (s.len != 1 || s.text[0] == 'x')
			return true;
		/*
		 * Only singletons have one character, so no other subtag is
		 * taken for a repeated singleton.
		 */
		if (seen_before(r, first, s))
			return false;
		r->at++;
		if (peek(r).len < 2)
			return false;
		while (peek(r).len >= 2)
			r->at++;
	}
}

/* The private-use subtags: "x" 1*("-" (1*8alphanum)) */
static bool
take_private_use(struct reader *r)
{
	if (peek(r).len != 1)
		return true;
	if (r->at + 1 == r->count)
		return false;
	r->at = r->count;
	return true;
}

const char *
locale_canonical(struct arena *a, const char *tag)
{
	char *copy = arena_strdup(a, tag);
	struct reader r = { 0 };

	str_lower(copy);
	if (!split(copy, &r) || !take_language(&r))
		return NULL;
	take_script(&r);
	take_region(&r);
	if (!take_variants(&r) || !take_extensions(&r) || !take_private_use(&r))
		return NULL;
	return r.at == r.count ? copy : NULL;
}

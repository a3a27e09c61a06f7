/*
 * fuzz_cookie: a cookie is found if and only if a part of the header, cut at
 * semicolons and without surrounding spaces, has exactly its name before the
 * first "="; the first such part is used, and its value contains no semicolon.
 */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/arena.h"
#include "base/str.h"
#include "web/cookie.h"

static const char blanks[] = " \t";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static char *
trim(char *s)
{
	size_t len;

	s += strspn(s, blanks);
	len = strlen(s);
	while (len > 0 && strchr(blanks, s[len - 1]) != NULL)
		s[--len] = '\0';
	return s;
}

/*
 * Returns the value that cookie_find() should find, with its quotes, or NULL.
 */
static const char *
expected(char *header, const char *name)
{
	char *part, *equals;

	while ((part = strsep(&header, ";")) != NULL) {
		equals = strchr(part, '=');
		if (equals == NULL)
			continue;
		*equals = '\0';
		if (strcmp(trim(part), name) == 0)
			return trim(equals + 1);
	}
	return NULL;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct arena *a = arena_new();
	const char *header = arena_strndup(a, (const char *)data, len);
	const char *value = cookie_find(a, header, "sid");
	const char *wanted = expected(arena_strdup(a, header), "sid");
	const struct cookie ours = { .name = "sid", .value = "ours" };
	const char *last = NULL;

	assert((value == NULL) == (wanted == NULL));
	if (value != NULL) {
		assert(strchr(value, ';') == NULL);
		assert(str_eq(value, wanted) ||
		       str_eq(arena_printf(a, "\"%s\"", value), wanted));
	}
	/*
	 * Put our cookie at both ends of the header: whatever the input is, it
	 * is the first and the last cookie that is found.
	 */
	header = arena_printf(a, "%s; %s; %s", cookie_write(a, &ours), header,
	    cookie_write(a, &ours));
	assert(str_eq(cookie_find(a, header, "sid"), "ours"));
	while ((value = cookie_next(a, &header, "sid")) != NULL)
		last = value;
	assert(str_eq(last, "ours"));

	arena_free(a);
	return 0;
}

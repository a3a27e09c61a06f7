#include "fastcgi/param_table.h"

#include <assert.h>
#include <string.h>

#include "base/buf.h"
#include "base/str.h"

static const char cookie[] = "HTTP_COOKIE=";

/*
 * Counts the parameters HTTP_COOKIE; *ret_len is their total length when they
 * are joined.
 */
static size_t
count_cookies(const char *const *list, size_t n, size_t *ret_len)
{
	size_t count = 0, len = 0;

	for (size_t i = 0; i < n; i++) {
		if (str_has_prefix(list[i], cookie)) {
			count++;
			len += strlen(list[i]) + strlen("; ");
		}
	}
	*ret_len = len;
	return count;
}

/*
 * Joins several parameters HTTP_COOKIE into one, as RFC 9113 section 8.2.3
 * joins header lines: nginx before 1.23 passes each line as a separate
 * parameter. Returns the new number of parameters.
 */
static size_t
join_cookies(struct arena *a, const char **list, size_t n)
{
	size_t kept = 0, len;
	struct buf b;

	if (count_cookies(list, n, &len) < 2)
		return n;
	buf_init(&b, a, len + 1);
	for (size_t i = 0; i < n; i++) {
		if (!str_has_prefix(list[i], cookie)) {
			list[kept++] = list[i];
			continue;
		}
		if (b.len > 0)
			buf_puts(&b, "; ");
		buf_puts(
		    &b, b.len > 0 ? list[i] + sizeof(cookie) - 1 : list[i]);
	}
	assert(!buf_failed(&b));
	list[kept++] = b.data;
	list[kept] = NULL;
	return kept;
}

/*
 * Hashes only the length, the middle and the end of a name: the parameter names
 * of nginx and of headers differ in these.
 */
static uint32_t
name_hash(const char *name, size_t len)
{
	const unsigned char *p = (const unsigned char *)name;

	if (len == 0)
		return 0;
	return (uint32_t)len * 37 + p[len / 2] * 5u + p[len - 1];
}

/*
 * Returns the entry of the index for the parameter with that name, or the empty
 * entry where it belongs.  The loop ends because some entries are always empty:
 * the index has more entries than there are parameters.
 */
static size_t
find_place(const struct param_table *t, const char *name, size_t len)
{
	for (uint32_t at = name_hash(name, len);; at++) {
		size_t place = at % PARAM_TABLE_SIZE,
		       position = t->index[place];

		if (position == 0 ||
		    (t->name_lens[position - 1] == len &&
			memcmp(t->list[position - 1], name, len) == 0))
			return place;
	}
}

void
param_table_init(
    struct param_table *t, struct arena *a, const char **list, size_t n)
{
	n = join_cookies(a, list, n);
	t->list = list;
	t->indexed = n <= PARAM_TABLE_MAX;
	t->unique = t->indexed;
	if (!t->indexed)
		return;
	memset(t->index, 0, sizeof(t->index));
	for (size_t i = 0; i < n; i++) {
		size_t len = (size_t)(strchr(list[i], '=') - list[i]);
		size_t place = find_place(t, list[i], len);

		t->name_lens[i] = (uint32_t)len;
		if (t->index[place] == 0)
			t->index[place] = (uint16_t)(i + 1);
		else
			t->unique = false; /* the first parameter of a name
			                      stays in the index */
	}
}

static bool
is_named(const char *param, const char *name, size_t len)
{
	return strncmp(param, name, len) == 0 && param[len] == '=';
}

static const char **
search(const struct param_table *t, const char *name, size_t len)
{
	for (const char **param = t->list; *param != NULL; param++) {
		if (is_named(*param, name, len))
			return param;
	}
	return NULL;
}

/* Returns where the parameter is in the list, or NULL. */
static const char **
find(const struct param_table *t, const char *name, size_t len)
{
	uint16_t position;

	if (!t->indexed)
		return search(t, name, len);
	position = t->index[find_place(t, name, len)];
	return position != 0 ? &t->list[position - 1] : NULL;
}

const char *
param_table_find(const struct param_table *t, const char *name)
{
	size_t len = strlen(name);
	const char **param = find(t, name, len);

	return param != NULL ? *param + len + 1 : NULL;
}

void
param_table_replace(struct param_table *t, const char *name, const char *param)
{
	const char **place = find(t, name, strlen(name));

	assert(place != NULL && is_named(param, name, strlen(name)));
	*place = param;
}

#include "fastcgi/param_table.h"

#include <assert.h>
#include <string.h>

#include "base/buf.h"
#include "base/fnv.h"
#include "base/str.h"

static const char cookie[] = "HTTP_COOKIE=";

/* How many there are, and how long they are together with what joins them. */
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
 * joins header lines: nginx before 1.23 passes on each line by itself.  Returns
 * how many parameters there are now.
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

/* Of the name in "NAME=value" or alone. */
static uint32_t
name_hash(const char *name)
{
	uint32_t h = FNV32_START;

	for (; *name != '\0' && *name != '='; name++)
		h = fnv32_byte(h, (unsigned char)*name);
	return h;
}

void
param_table_init(
    struct param_table *t, struct arena *a, const char **list, size_t n)
{
	n = join_cookies(a, list, n);
	t->list = list;
	t->indexed = n <= PARAM_TABLE_MAX;
	if (!t->indexed)
		return;
	memset(t->index, 0, sizeof(t->index));
	for (size_t i = 0; i < n; i++) {
		uint32_t at = name_hash(list[i]);

		while (t->index[at % PARAM_TABLE_SIZE] != 0)
			at++;
		t->index[at % PARAM_TABLE_SIZE] = (uint16_t)(i + 1);
	}
}

/* The value of the parameter if it has that name, or NULL. */
static const char *
value_of(const char *param, const char *name, size_t len)
{
	if (strncmp(param, name, len) != 0 || param[len] != '=')
		return NULL;
	return param + len + 1;
}

static const char **
search(const struct param_table *t, const char *name, size_t len)
{
	for (const char **param = t->list; *param != NULL; param++) {
		if (value_of(*param, name, len) != NULL)
			return param;
	}
	return NULL;
}

/* Its place in the list, or NULL. */
static const char **
find(const struct param_table *t, const char *name, size_t len)
{
	uint16_t position;

	if (!t->indexed)
		return search(t, name, len);
	for (uint32_t at = name_hash(name);
	     (position = t->index[at % PARAM_TABLE_SIZE]) != 0; at++) {
		const char **param = &t->list[position - 1];

		if (value_of(*param, name, len) != NULL)
			return param;
	}
	return NULL;
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

	assert(place != NULL && value_of(param, name, strlen(name)) != NULL);
	*place = param;
}

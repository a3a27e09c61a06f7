#include "web/etag.h"

#include <string.h>

#include "base/arena.h"
#include "base/str.h"

const char *
etag_write(struct arena *a, int64_t version)
{
	return arena_printf(a, "\"%lld\"", (long long)version);
}

static const char *
skip_separators(const char *p)
{
	return p + strspn(p, " \t,");
}

static bool
is_etag_char(unsigned char c)
{
	return c == 0x21 || (c >= 0x23 && c != 0x7f);
}

/*
 * Reads one entity tag at *p; *ret_version is -1 when the tag matches no
 * version.
 */
static bool
read_tag(struct arena *a, const char **p, enum etag_comparison comparison,
    int64_t *ret_version)
{
	const char *start, *end;
	bool weak;

	weak = strncmp(*p, "W/", 2) == 0;
	if (weak)
		*p += 2;
	if (**p != '"')
		return false;
	start = ++*p;
	for (end = start; is_etag_char((unsigned char)*end); end++)
		;
	if (*end != '"')
		return false;
	*p = end + 1;

	*ret_version = -1;
	if (!weak || comparison == ETAG_WEAK) {
		const char *text =
		    arena_strndup(a, start, (size_t)(end - start));

		/*
		 * A tag of another server is valid, but matches nothing here.
		 */
		if (!str_i64(text, 0, INT64_MAX, ret_version))
			*ret_version = -1;
	}
	return true;
}

bool
etag_read(struct arena *a, const char *header, enum etag_comparison comparison,
    struct etag_set *ret_set)
{
	const char *p = skip_separators(header);
	size_t max = strlen(header) / 2; /* a tag has at least two quotes */
	int64_t *versions;
	size_t count = 0;

	if (*p == '*') {
		if (p[1 + strspn(p + 1, " \t")] != '\0')
			return false;
		*ret_set = (struct etag_set){ .any = true };
		return true;
	}
	versions = arena_alloc(a, max * sizeof(*versions));
	while (*p != '\0') {
		if (!read_tag(a, &p, comparison, &versions[count]))
			return false;
		if (*p != '\0' && strchr(" \t,", *p) == NULL)
			return false;
		count++;
		p = skip_separators(p);
	}
	if (count == 0)
		return false;
	*ret_set = (struct etag_set){ .versions = versions, .count = count };
	return true;
}

bool
etag_has(const struct etag_set *set, int64_t version)
{
	if (set->any)
		return true;
	for (size_t i = 0; i < set->count; i++) {
		if (set->versions[i] == version)
			return true;
	}
	return false;
}

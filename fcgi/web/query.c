#include "web/query.h"

#include <string.h>

#include "base/arena.h"
#include "base/hex.h"
#include "base/str.h"
#include "base/utf8.h"

const char *
percent_decode(struct arena *a, const char *text, size_t len, bool plus)
{
	char *out = arena_alloc(a, len + 1);
	size_t n = 0;

	for (size_t i = 0; i < len; i++) {
		char c = text[i];

		if (c == '%') {
			int high, low;

			if (len - i < 3)
				return NULL;
			high = hex_value(text[i + 1]);
			low = hex_value(text[i + 2]);
			if (high < 0 || low < 0)
				return NULL;
			c = (char)(high << 4 | low);
			i += 2;
		} else if (c == '+' && plus) {
			c = ' ';
		}
		out[n++] = c;
	}
	out[n] = '\0';

	return utf8_valid(out, n) ? out : NULL;
}

const char *
percent_encode(struct arena *a, const char *text)
{
	static const char hex[] = "0123456789ABCDEF";
	char *out = arena_alloc(a, strlen(text) * 3 + 1);
	char *p = out;

	for (; *text != '\0'; text++) {
		unsigned char c = (unsigned char)*text;

		if (str_is_alnum(*text) || strchr("-_.!~*'()", c) != NULL) {
			*p++ = *text;
			continue;
		}
		*p++ = '%';
		*p++ = hex[c >> 4];
		*p++ = hex[c & 15];
	}
	*p = '\0';

	return out;
}

bool
query_next(struct arena *a, const char **cursor, const char **ret_name,
    const char **ret_value)
{
	const char *pair = *cursor, *equals;
	size_t len, name_len;

	if (pair == NULL)
		return false;
	/* WHATWG URL section 5.1: empty pairs are skipped. */
	while (*pair == '&')
		pair++;
	if (*pair == '\0') {
		*cursor = pair;
		return false;
	}
	len = strcspn(pair, "&");
	*cursor = pair + len;

	equals = memchr(pair, '=', len);
	name_len = equals != NULL ? (size_t)(equals - pair) : len;
	*ret_name = percent_decode(a, pair, name_len, /* plus= */ true);
	*ret_value = equals == NULL
	                 ? ""
	                 : percent_decode(a, equals + 1, len - name_len - 1,
			       /* plus= */ true);
	if (*ret_value == NULL)
		*ret_name = NULL;

	return true;
}

const char *
query_find(struct arena *a, const char *query, const char *name, int *ret_count)
{
	const char *cursor = query, *found = NULL, *pair_name, *value;
	int count = 0;

	while (query_next(a, &cursor, &pair_name, &value)) {
		if (pair_name == NULL || strcmp(pair_name, name) != 0)
			continue;
		if (count++ == 0)
			found = value;
	}
	if (ret_count != NULL)
		*ret_count = count;

	return found;
}

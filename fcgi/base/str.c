#include "base/str.h"

#include <string.h>

bool
str_i64(const char *s, int64_t min, int64_t max, int64_t *ret_n)
{
	bool negative = *s == '-';
	int64_t n = 0;

	if (negative)
		s++;
	if (*s == '0' && (negative || s[1] != '\0'))
		return false;
	if (*s == '\0')
		return false;
	/*
	 * Compute with negative numbers: INT64_MIN has no positive counterpart.
	 */
	for (; *s != '\0'; s++) {
		if (*s < '0' || *s > '9')
			return false;
		if (__builtin_mul_overflow(n, 10, &n) ||
		    __builtin_sub_overflow(n, *s - '0', &n))
			return false;
	}
	if (!negative && __builtin_sub_overflow(0, n, &n))
		return false;
	if (n < min || n > max)
		return false;
	*ret_n = n;
	return true;
}

const char *
str_from_i64(int64_t n, char text[STR_I64_MAX], size_t *ret_len)
{
	char *end = text + STR_I64_MAX, *p = end;
	/*
	 * Negate as unsigned: INT64_MIN has no positive counterpart in int64_t.
	 */
	uint64_t rest = n < 0 ? -(uint64_t)n : (uint64_t)n;

	do
		*--p = (char)('0' + rest % 10);
	while ((rest /= 10) != 0);
	if (n < 0)
		*--p = '-';
	*ret_len = (size_t)(end - p);
	return p;
}

bool
str_copy(char *out, size_t size, const char *s)
{
	size_t len = strnlen(s, size);
	bool whole = len < size;

	if (!whole)
		len = size - 1;
	memcpy(out, s, len);
	out[len] = '\0';
	return whole;
}

bool
str_eq(const char *a, const char *b)
{
	if (a == NULL || b == NULL)
		return a == b;
	return strcmp(a, b) == 0;
}

bool
str_has_prefix(const char *s, const char *prefix)
{
	return strncmp(s, prefix, strlen(prefix)) == 0;
}

void
str_lower(char *s)
{
	for (; *s != '\0'; s++) {
		if (*s >= 'A' && *s <= 'Z')
			*s = (char)(*s - 'A' + 'a');
	}
}

bool
str_is_alnum(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9');
}

void
str_replace_controls(char *s, size_t len, const char *kept, char instead)
{
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)s[i];

		if ((c < ' ' || c == 0x7f) &&
		    (c == '\0' || strchr(kept, c) == NULL))
			s[i] = instead;
	}
}

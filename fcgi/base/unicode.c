#include "base/unicode.h"

#include <utf8proc.h>

bool
unicode_is_line(const char *text)
{
	const utf8proc_uint8_t *at = (const utf8proc_uint8_t *)text;
	bool seen = false;

	while (*at != '\0') {
		utf8proc_int32_t c;
		utf8proc_ssize_t len = utf8proc_iterate(at, -1, &c);

		if (len <= 0)
			return false;
		at += len;
		switch (utf8proc_category(c)) {
		case UTF8PROC_CATEGORY_CC:
		case UTF8PROC_CATEGORY_ZL:
		case UTF8PROC_CATEGORY_ZP:
			return false;
		case UTF8PROC_CATEGORY_ZS:
		case UTF8PROC_CATEGORY_CF:
			break;
		default:
			seen = true;
		}
	}
	return seen;
}

char *
unicode_nfkc(const char *text)
{
	return (char *)utf8proc_NFKC((const utf8proc_uint8_t *)text);
}

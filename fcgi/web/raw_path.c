#include "web/raw_path.h"

/*
 * Whether the percent-escape is %00, %2e, %2f or %5c, in upper or lower case.
 */
static bool
is_hidden(const char *hex)
{
	switch (hex[0]) {
	case '0':
		return hex[1] == '0';
	case '2':
		return hex[1] == 'e' || hex[1] == 'E' || hex[1] == 'f' ||
		       hex[1] == 'F';
	case '5':
		return hex[1] == 'c' || hex[1] == 'C';
	default:
		return false;
	}
}

/* nginx also ends the path at a fragment ('#'), which no client should send. */
static bool
is_end(char c)
{
	return c == '\0' || c == '?' || c == '#';
}

/*
 * Whether the segment after a slash is empty (another slash follows), "." or
 * "..".
 */
static bool
is_odd_segment(const char *s)
{
	if (*s != '.')
		return *s == '/';
	s += s[1] == '.' ? 2 : 1;
	return *s == '/' || is_end(*s);
}

bool
raw_path_is_plain(const char *target)
{
	for (const char *p = target; *p != '\0' && *p != '?'; p++) {
		if ((*p == '/' && is_odd_segment(p + 1)) ||
		    (*p == '%' && is_hidden(p + 1)) || *p == '\\')
			return false;
	}
	return true;
}

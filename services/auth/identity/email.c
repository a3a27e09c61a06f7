#include "auth/identity/email.h"

#include <assert.h>
#include <stddef.h>
#include <string.h>

#include "base/arena.h"
#include "base/str.h"

/*
 * The regular expression of BetterAuth's validator (zod 4), as code:
 *   ^(?!\.)(?!.*\.\.)([A-Za-z0-9_'+\-\.]*)[A-Za-z0-9_+-]@
 *   ([A-Za-z0-9][A-Za-z0-9\-]*\.)+[A-Za-z]{2,}$
 */

static bool
is_alpha(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool
local_valid(const char *s, size_t len)
{
	if (len == 0 || s[0] == '.' || s[len - 1] == '.' || s[len - 1] == '\'')
		return false;
	for (size_t i = 0; i < len; i++) {
		if (!str_is_alnum(s[i]) && strchr("_'+-.", s[i]) == NULL)
			return false;
	}
	return true;
}

/* Checks one label of len bytes; the last one must be two or more letters. */
static bool
label_valid(const char *s, size_t len, bool last)
{
	if (len < (last ? 2 : 1) || !str_is_alnum(s[0]))
		return false;
	for (size_t i = 0; i < len; i++) {
		if (last ? !is_alpha(s[i]) : !str_is_alnum(s[i]) && s[i] != '-')
			return false;
	}
	return true;
}

static bool
domain_valid(const char *s)
{
	int labels = 0;

	for (;; labels++) {
		size_t len = strcspn(s, ".");
		bool last = s[len] == '\0';

		if (!label_valid(s, len, last))
			return false;
		if (last)
			return labels > 0;
		s += len + 1;
	}
}

bool
email_valid(const char *text)
{
	const char *at = strchr(text, '@');

	return at != NULL && strlen(text) <= EMAIL_MAX_BYTES &&
	       strstr(text, "..") == NULL &&
	       local_valid(text, (size_t)(at - text)) && domain_valid(at + 1);
}

const char *
email_canonical(struct arena *a, const char *text)
{
	char *email = arena_strdup(a, text);

	assert(email_valid(text));
	str_lower(email);
	return email;
}

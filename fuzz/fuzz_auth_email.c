/*
 * fuzz_auth_email: an address that is accepted has one at sign and nothing that
 * could break a mail header.  Its canonical form is accepted, too, and does not
 * change when it is made canonical again.
 */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

#include "auth/identity/email.h"
#include "base/arena.h"
#include "base/str.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static const char allowed[] = "abcdefghijklmnopqrstuvwxyz"
			      "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
			      "0123456789_'+-.@";

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct arena *a = arena_new();
	const char *text = arena_strndup(a, (const char *)data, len);
	const char *at, *canonical;

	if (email_valid(text)) {
		at = strchr(text, '@');
		assert(at != NULL && strchr(at + 1, '@') == NULL);
		assert(strlen(text) <= EMAIL_MAX_BYTES);
		assert(strspn(text, allowed) == strlen(text));
		assert(strstr(text, "..") == NULL);
		assert(strchr(at, '.') != NULL);
		canonical = email_canonical(a, text);
		assert(email_valid(canonical));
		assert(strcasecmp(canonical, text) == 0);
		assert(str_eq(email_canonical(a, canonical), canonical));
	}
	arena_free(a);
	return 0;
}

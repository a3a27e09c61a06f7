/*
 * fuzz_auth_signed_cookie: a Cookie header is accepted only if it carries our
 * signature.  The input is used as a header, and also as a value that we sign
 * and that must be read back unchanged.
 */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "auth/http/signed_cookie.h"
#include "base/arena.h"
#include "base/str.h"
#include "base/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static const char secret[] = "0123456789abcdef0123456789abcdef";

/* Returns the value of the first cookie with a valid signature. */
static const char *
find_with(struct arena *a, const char *key, size_t key_len, const char *header)
{
	const char *value;
	struct signed_cookie_key k = { key, key_len, "sid" };

	return signed_cookie_find_all(a, &k, header, &value, 1) == 1 ? value
	                                                             : NULL;
}

static const char *
find(struct arena *a, const char *header)
{
	return find_with(a, secret, sizeof(secret) - 1, header);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct arena *a = arena_new();
	const char *text = arena_strndup(a, (const char *)data, len);
	const char *value = find(a, text);
	const char *cookie;

	if (value != NULL) {
		/*
		 * An accepted cookie is identical to one that we would have
		 * written.
		 */
		cookie =
		    signed_cookie_write(a, secret, sizeof(secret) - 1, value);
		assert(
		    str_eq(find(a, arena_printf(a, "sid=%s", cookie)), value));
		assert(*value != '\0');
	}
	if (*text != '\0' && strlen(text) < 256 &&
	    utf8_valid(text, strlen(text))) {
		cookie =
		    signed_cookie_write(a, secret, sizeof(secret) - 1, text);
		assert(str_eq(
		    find(a, arena_printf(a, "x=y; sid=%s; z", cookie)), text));
		/* With another key the cookie is not accepted. */
		assert(find_with(a, "other", 5,
			   arena_printf(a, "sid=%s", cookie)) == NULL);
	}
	arena_free(a);
	return 0;
}

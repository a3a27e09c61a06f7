/*
 * fuzz_core_locale: an accepted language tag differs from its canonical form
 * only in case, and the canonical form does not change when it is made
 * canonical again.
 */
#include <assert.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

#include "base/arena.h"
#include "core/profile/locale.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct arena *a = arena_new();
	const char *tag = arena_strndup(a, (const char *)data, len);
	const char *canonical = locale_canonical(a, tag);
	const char *again;

	if (canonical != NULL) {
		assert(strcasecmp(tag, canonical) == 0);
		assert(strspn(canonical,
			   "-0123456789abcdefghijklmnopqrstuvwxyz"
			   "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == strlen(canonical));
		again = locale_canonical(a, canonical);
		assert(again != NULL && strcmp(again, canonical) == 0);
	}
	arena_free(a);
	return 0;
}

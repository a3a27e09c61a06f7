#include "auth/plugin/two_factor/backup_codes.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "auth/identity/encrypted_text.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/digest.h"
#include "base/json.h"
#include "base/random.h"

enum { HALF_LEN = 5, CODE_LEN = 2 * HALF_LEN + 1, CODES_MAX_BYTES = 64 * 1024 };

static const char *
new_code(struct arena *a)
{
	char *code = arena_alloc(a, CODE_LEN + 1);

	random_alnum(code, CODE_LEN);
	code[HALF_LEN] = '-';
	return code;
}

struct strings
backup_codes_new(struct arena *a)
{
	const char **codes = arena_alloc(a, BACKUP_CODES * sizeof(*codes));

	for (size_t i = 0; i < BACKUP_CODES; i++)
		codes[i] = new_code(a);
	return (struct strings){ codes, BACKUP_CODES };
}

const char *
backup_codes_write(
    const struct auth *auth, struct arena *a, const struct strings *codes)
{
	struct buf b;

	buf_init(&b, a, CODES_MAX_BYTES);
	json_write_strings(&b, codes->items, codes->count);
	return buf_failed(&b) ? NULL : encrypted_text_write(auth, a, b.data);
}

/* BetterAuth's option storeBackupCodes: "plain" stores the array itself. */
static const struct json *
read_stored(const struct auth *auth, struct arena *a, const char *stored)
{
	const char *problem,
	    *text = *stored == '[' ? stored
	                           : encrypted_text_read(auth, a, stored, NULL);

	return text == NULL ? NULL : json_read(a, text, strlen(text), &problem);
}

static bool
is_code(const struct json *item, const char *code)
{
	const char *text = json_get_string(item);
	size_t len = strlen(text);

	return len == strlen(code) && digest_equal(text, code, len);
}

/* Compares with every code, whether one was found or not. */
enum err
backup_codes_use(const struct auth *auth, struct arena *a, const char *stored,
    const char *code, const char **ret_rest)
{
	const struct json *list = read_stored(auth, a, stored);
	struct strings rest = { 0 };
	const char **items;

	if (list == NULL || json_kind(list) != JSON_KIND_ARRAY)
		return ERR_INTERNAL;
	items = arena_alloc(a, (json_count(list) + 1) * sizeof(*items));
	for (size_t i = 0; i < json_count(list); i++) {
		const struct json *item = json_item(list, i);

		if (json_kind(item) != JSON_KIND_STRING)
			return ERR_INTERNAL;
		if (!is_code(item, code))
			items[rest.count++] = json_get_string(item);
	}
	if (rest.count == json_count(list))
		return ERR_NOT_FOUND;
	rest.items = items;
	*ret_rest = backup_codes_write(auth, a, &rest);
	return *ret_rest != NULL ? ERR_OK : ERR_INTERNAL;
}

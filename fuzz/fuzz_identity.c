/*
 * fuzz_identity: the input is signed as claims, as auth would sign them.  An
 * assertion that is accepted names a user and a session, is for this service
 * and no other, is not accepted an hour later, and gives the same identity when
 * that identity is signed again.  A space in front of the claims makes the JSON
 * library read them, and changes nothing.
 */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/arena.h"
#include "base/jws.h"
#include "base/str.h"
#include "web/identity.h"

enum { NOW = 1767323045 };

static const unsigned char key[IDENTITY_KEY_SIZE] = "only the harness has it";
static const struct identity_keys keys = { .current = key };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static bool
same(const struct strings *x, const struct strings *y)
{
	if (x->count != y->count)
		return false;
	for (size_t i = 0; i < x->count; i++) {
		if (!str_eq(x->items[i], y->items[i]))
			return false;
	}
	return true;
}

/* Asserts that both identities are the same, or both NULL. */
static void
check_alike(const struct identity *x, const struct identity *y)
{
	assert((x == NULL) == (y == NULL));
	if (x == NULL)
		return;
	assert(str_eq(x->user_id, y->user_id));
	assert(str_eq(x->session_id, y->session_id));
	assert(same(&x->roles, &y->roles));
	assert(same(&x->accounts, &y->accounts));
	assert(x->role_gated == y->role_gated);
	assert(same(&x->required_roles, &y->required_roles));
}

static void
check_accepted(struct arena *a, const char *token, const struct identity *who)
{
	const struct identity *again;
	const char *fresh;

	assert(*who->user_id != '\0' && *who->session_id != '\0');
	assert(identity_verify(a, &keys, "wallet", token, NOW) == NULL);
	assert(identity_verify(a, &keys, "core", token, NOW + 3600) == NULL);
	assert(identity_verify(a, &keys, "core", token, NOW - 3600) == NULL);

	fresh = identity_sign(a, key, "core", who, NOW * INT64_C(1000));
	if (fresh == NULL || strlen(fresh) > JWS_TOKEN_MAX)
		return; /* escapes may make the token longer than the input */
	again = identity_verify(a, &keys, "core", fresh, NOW);
	assert(again != NULL);
	check_alike(who, again);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct arena *a = arena_new();
	const char *claims = arena_strndup(a, (const char *)data, len);
	const char *token = jws_sign(a, key, sizeof(key), claims, len);
	const struct identity *who =
	    identity_verify(a, &keys, "core", token, NOW);
	const char *blank = arena_printf(a, " %s", claims);

	/*
	 * The same claims with a space in front give the same identity, unless
	 * the claims contain a NUL, or the space makes them too long.
	 */
	if (strlen(claims) == len && strlen(token) + 4 <= JWS_TOKEN_MAX)
		check_alike(who,
		    identity_verify(a, &keys, "core",
			jws_sign(a, key, sizeof(key), blank, len + 1), NOW));

	assert(identity_verify(a, &keys, "core", claims, NOW) == NULL);
	if (who != NULL)
		check_accepted(a, token, who);

	arena_free(a);
	return 0;
}

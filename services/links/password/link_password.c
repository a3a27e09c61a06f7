#include "links/password/link_password.h"

#include <stdlib.h>
#include <string.h>

#include <libscrypt.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/digest.h"
#include "base/fair_semaphore.h"
#include "base/hex.h"
#include "base/log.h"
#include "base/random.h"
#include "base/str.h"
#include "base/unicode.h"
#include "cache/rate_limit.h"
#include "links/links.h"
#include "links/log_events.h"
#include "web/flow_key.h"
#include "web/request.h"

enum {
	COST_N = 16384,
	COST_R = 8,
	COST_P = 1,
	SALT_SIZE = 16,
	KEY_SIZE = 32,
	WAIT_US = 2000000,
	/*
	 * Attempts per PERIOD_MS for one link: from one network, and from all
	 * networks together.
	 */
	NETWORK_ATTEMPTS = 10,
	LINK_ATTEMPTS = 300,
	PERIOD_MS = 60000,
};

enum { HASHES_WAITING = GAUGE__MAX };

/* clang-format off */
static const struct metrics_name gauges[] = {
	{ "kedge_links_hashes_waiting",
	  .help = "Requests that wait to hash the password of a link." },
	{ 0 },
};
/* clang-format on */
const struct metrics_own link_password_metrics = { .gauges = gauges };

struct hash_slots {
	struct fair_semaphore *semaphore;
	int64_t waiting_max;
};

struct hash_slots *
hash_slots_new(int64_t concurrency, int64_t waiting_max)
{
	struct hash_slots *slots = calloc(1, sizeof(*slots));

	if (slots == NULL)
		abort();
	slots->semaphore = fair_semaphore_new(concurrency, HASHES_WAITING);
	slots->waiting_max = waiting_max;
	return slots;
}

void
hash_slots_free(struct hash_slots *slots)
{
	if (slots == NULL)
		return;
	fair_semaphore_free(slots->semaphore);
	free(slots);
}

static enum err
derive(const char *password, const unsigned char salt[SALT_SIZE],
    unsigned char key[KEY_SIZE])
{
	char *nfkc = unicode_nfkc(password);
	size_t len;
	int failed;

	if (nfkc == NULL)
		return ERR_INTERNAL;
	len = strlen(nfkc);
	failed = libscrypt_scrypt((const uint8_t *)nfkc, len, salt, SALT_SIZE,
	    COST_N, COST_R, COST_P, key, KEY_SIZE);
	explicit_bzero(nfkc, len);
	free(nfkc);
	if (failed == 0)
		return ERR_OK;
	log_event(LOG_ERROR, EVENT_LINK_HASHING_FAILED);
	return ERR_UNAVAILABLE;
}

static enum err
derive_in_turn(struct hash_slots *slots, const char *password,
    const unsigned char salt[SALT_SIZE], unsigned char key[KEY_SIZE])
{
	enum err e;

	if (fair_semaphore_waiters(slots->semaphore) >= slots->waiting_max ||
	    !fair_semaphore_acquire(slots->semaphore,
		clock_monotonic_us() + WAIT_US, /* ret_thing= */ NULL))
		return ERR_RATE_LIMITED;
	e = derive(password, salt, key);
	fair_semaphore_release(slots->semaphore);
	return e;
}

enum err
link_password_hash(struct links *links, struct req *r, const char *password,
    const char **ret_hash)
{
	unsigned char salt[SALT_SIZE], key[KEY_SIZE];
	char salt_hex[2 * SALT_SIZE + 1], key_hex[2 * KEY_SIZE + 1];
	enum err e;

	random_bytes(salt, sizeof(salt));
	e = derive_in_turn(links->hashes, password, salt, key);
	if (e != ERR_OK)
		return e;
	hex_write(salt, sizeof(salt), salt_hex);
	hex_write(key, sizeof(key), key_hex);
	explicit_bzero(key, sizeof(key));
	*ret_hash = arena_printf(r->arena, "scrypt:%d:%d:%d:%s:%s", COST_N,
	    COST_R, COST_P, salt_hex, key_hex);
	return ERR_OK;
}

static bool
read_hex(const char *text, size_t size, unsigned char *out)
{
	for (size_t i = 0; i < size; i++) {
		int high = hex_value(text[2 * i]);
		int low = high >= 0 ? hex_value(text[2 * i + 1]) : -1;

		if (low < 0)
			return false;
		out[i] = (unsigned char)(high << 4 | low);
	}
	return true;
}

static bool
read_hash(struct arena *a, const char *hash, unsigned char salt[SALT_SIZE],
    unsigned char key[KEY_SIZE])
{
	const char *head =
	    arena_printf(a, "scrypt:%d:%d:%d:", COST_N, COST_R, COST_P);
	size_t len = strlen(head);

	return str_has_prefix(hash, head) &&
	       strlen(hash) == len + 2 * SALT_SIZE + 1 + 2 * KEY_SIZE &&
	       read_hex(hash + len, SALT_SIZE, salt) &&
	       hash[len + 2 * SALT_SIZE] == ':' &&
	       read_hex(hash + len + 2 * SALT_SIZE + 1, KEY_SIZE, key);
}

static enum err
charge(struct links *links, struct req *r, const char *key, int64_t attempts)
{
	int64_t retry_ms = 0;
	enum err e = rate_limit_take(
	    links->process.limit, key, attempts, PERIOD_MS, &retry_ms);

	if (e == ERR_RATE_LIMITED)
		r->retry_after_s = (retry_ms + 999) / 1000;
	return e;
}

/* The key contains a hash of the network, not the address. */
static enum err
charge_attempt(struct links *links, struct req *r, const char *link_id)
{
	enum err e = charge(links, r,
	    arena_printf(r->arena, "password:%s:%016llx", link_id,
		(unsigned long long)flow_key(r)),
	    NETWORK_ATTEMPTS);

	if (e != ERR_OK)
		return e;
	return charge(links, r, arena_printf(r->arena, "password:%s", link_id),
	    LINK_ATTEMPTS);
}

enum err
link_password_check(struct links *links, struct req *r, const char *link_id,
    const char *password, const char *hash, bool *ret_right)
{
	unsigned char salt[SALT_SIZE], key[KEY_SIZE], given[KEY_SIZE];
	enum err e = charge_attempt(links, r, link_id);

	if (e != ERR_OK)
		return e;
	if (!read_hash(r->arena, hash, salt, key)) {
		log_event(LOG_ERROR, EVENT_LINK_HASHING_FAILED);
		return ERR_INTERNAL;
	}
	e = derive_in_turn(links->hashes, password, salt, given);
	if (e == ERR_OK)
		*ret_right = digest_equal(given, key, sizeof(key));
	explicit_bzero(key, sizeof(key));
	explicit_bzero(given, sizeof(given));
	return e;
}

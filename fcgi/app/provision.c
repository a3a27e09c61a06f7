#include "app/provision.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "app/auth_client.h"
#include "app/log_events.h"
#include "app/service_program.h"
#include "base/clock.h"
#include "base/digest.h"
#include "base/log.h"
#include "http_client/http_client.h"
#include "web/request.h"

/*
 * A table of the users that auth has been told about, so that this process need
 * not call auth again for them.  A hash of the user's id selects one of SETS
 * sets, of WAYS entries each; in a full set the entry that expires first is
 * replaced.  Forgetting a user too early only costs a call.
 */
enum { SETS = 256, WAYS = 4, USER_HASH_SIZE = 16 };
enum { ANSWER_MAX_BYTES = 4096 };

struct known_user {
	unsigned char hash[USER_HASH_SIZE]; /* hash of the user's id */
	int64_t until_ms; /* monotonic time until which the entry is valid; 0:
	                     it is free */
};

struct provision {
	struct provision_options options;
	pthread_mutex_t lock; /* protects all members below */
	struct known_user users[SETS][WAYS];
	int64_t backoff_ms; /* 0: auth answered the last call */
	/*
	 * During back-off: the monotonic times of the last failure, and of the
	 * next attempt.
	 */
	int64_t failed_at_ms;
	int64_t try_at_ms;
};

static int64_t
now_ms(void)
{
	return clock_monotonic_us() / 1000;
}

struct provision *
provision_new(const struct provision_options *options)
{
	struct provision *p = calloc(1, sizeof(*p));

	if (p == NULL)
		abort();
	p->options = *options;
	pthread_mutex_init(&p->lock, NULL);
	return p;
}

void
provision_free(struct provision *p)
{
	if (p == NULL)
		return;
	pthread_mutex_destroy(&p->lock);
	free(p);
}

/*
 * Returns the user's entry in the table, or the entry to overwrite.  The caller
 * holds the lock.
 */
static struct known_user *
find_user(struct provision *p, const unsigned char hash[SHA256_SIZE])
{
	struct known_user *set = p->users[hash[0]];
	struct known_user *oldest = &set[0];

	for (int i = 0; i < WAYS; i++) {
		if (memcmp(set[i].hash, hash, USER_HASH_SIZE) == 0)
			return &set[i];
		if (set[i].until_ms < oldest->until_ms)
			oldest = &set[i];
	}
	return oldest;
}

static bool
is_known(struct provision *p, const unsigned char hash[SHA256_SIZE])
{
	const struct known_user *u;
	bool known;

	pthread_mutex_lock(&p->lock);
	u = find_user(p, hash);
	known = u->until_ms > now_ms() &&
	        memcmp(u->hash, hash, USER_HASH_SIZE) == 0;
	pthread_mutex_unlock(&p->lock);
	return known;
}

/*
 * Whether this request may call auth.  It may not if another request has told,
 * or is telling, auth about the same user, or if the back-off is not over.  If
 * the request may call auth, the user is reserved for the duration of the call,
 * and so is the one attempt that is allowed after a failure.
 */
static bool
may_tell(struct provision *p, const unsigned char hash[SHA256_SIZE])
{
	int64_t now = now_ms();
	struct known_user *u;
	bool may;

	pthread_mutex_lock(&p->lock);
	u = find_user(p, hash);
	may = u->until_ms <= now || memcmp(u->hash, hash, USER_HASH_SIZE) != 0;
	if (may && p->backoff_ms > 0) {
		may = now >= p->try_at_ms;
		if (may)
			p->try_at_ms = now + p->backoff_ms;
	}
	if (may) {
		memcpy(u->hash, hash, USER_HASH_SIZE);
		u->until_ms = now + PROVISION_TIMEOUT_MS;
	}
	pthread_mutex_unlock(&p->lock);
	return may;
}

static void
note_told(struct provision *p, const unsigned char hash[SHA256_SIZE])
{
	struct known_user *u;

	pthread_mutex_lock(&p->lock);
	p->backoff_ms = 0;
	u = find_user(p, hash);
	memcpy(u->hash, hash, USER_HASH_SIZE);
	u->until_ms = now_ms() + PROVISION_REMEMBER_MS;
	pthread_mutex_unlock(&p->lock);
}

/*
 * Increases the back-off after a failed call.  Failures of calls that ran at
 * the same time count as one, because one outage causes them all.
 */
static void
note_failed(struct provision *p, const unsigned char hash[SHA256_SIZE],
    int64_t started_at_ms)
{
	struct known_user *u;

	pthread_mutex_lock(&p->lock);
	if (p->backoff_ms == 0 || started_at_ms >= p->failed_at_ms) {
		p->backoff_ms *= 2;
		if (p->backoff_ms < PROVISION_BACKOFF_MIN_MS)
			p->backoff_ms = PROVISION_BACKOFF_MIN_MS;
		if (p->backoff_ms > PROVISION_BACKOFF_MAX_MS)
			p->backoff_ms = PROVISION_BACKOFF_MAX_MS;
		p->failed_at_ms = now_ms();
		p->try_at_ms = p->failed_at_ms + p->backoff_ms;
	}
	u = find_user(p, hash);
	if (memcmp(u->hash, hash, USER_HASH_SIZE) == 0)
		u->until_ms = 0;
	pthread_mutex_unlock(&p->lock);
}

/*
 * Tells auth about the user.  Returns true when another call would change
 * nothing: auth has recorded the account, or has refused for good (the user has
 * just been deleted).
 */
static bool
tell(const struct provision *p, struct req *r, const char *user_id)
{
	struct http_client_response response;
	enum err e;

	e = auth_client_call(p->options.auth, r,
	    &(struct auth_call){
		.method = "POST",
		.path = "provision",
		.user_id = user_id,
		.timeout_ms = PROVISION_TIMEOUT_MS,
		.max_bytes = ANSWER_MAX_BYTES,
	    },
	    &response);
	if (e != ERR_OK)
		return false; /* auth_client_call() has logged it */
	if (response.status == 200)
		return true;
	log_event(LOG_WARN, EVENT_FIRST_CONTACT_REJECTED,
	    LOG_NUM("status", response.status), LOG_TEXT("user_id", user_id));
	return response.status == 404;
}

enum err
provision_ensure(struct provision *p, struct req *r)
{
	const struct identity *who = r->identity;
	unsigned char hash[SHA256_SIZE];
	int64_t started_at_ms;
	enum err e;

	if (strings_has(&who->accounts, p->options.auth->service))
		return ERR_OK;
	sha256(who->user_id, strlen(who->user_id), hash);
	if (is_known(p, hash))
		return ERR_OK;

	/*
	 * Create the record before auth is told.  This is repeated at each
	 * request until auth has been told.
	 */
	e = p->options.create(r);
	if (e != ERR_OK)
		return e;
	if (!may_tell(p, hash))
		return ERR_OK;
	started_at_ms = now_ms();
	if (tell(p, r, who->user_id))
		note_told(p, hash);
	else
		note_failed(p, hash, started_at_ms);
	return ERR_OK;
}

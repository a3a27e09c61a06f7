/*
 * Sessions are created, verified and revoked with a real PostgreSQL and a real
 * Redis.
 *
 * `here` and `other` are two processes of one host; `far` is on another host:
 * it has separate memory, and learns of an epoch only when it renews its lease.
 */
#include "unit.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "auth/auth.h"
#include "auth/auth_shared.h"
#include "auth/config.h"
#include "auth/identity/account_store.h"
#include "auth/identity/epoch_store.h"
#include "auth/identity/session.h"
#include "auth/identity/session_cache.h"
#include "auth/identity/session_store.h"
#include "auth/identity/user.h"
#include "auth/identity/user_store.h"
#include "auth_database.h"
#include "base/arena.h"
#include "base/attr.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "cache/cache.h"
#include "db/db.h"
#include "servers.h"
#include "web/service.h"

enum { TIMEOUT_MS = 300, RETRY_MS = 50, PATIENCE_MS = 10000, LEASE_MS = 60000 };

static const char hash[] = "salt:key";
static const char *redis;
static struct arena *a;
static struct auth here, other, far;
static struct plugin_set set;
static struct auth_shared shared, far_shared;
static const char *user_id;

static int64_t
row_epoch(void)
{
	return atoll(sql_text(a, "SELECT epoch FROM kedge_session_epoch"));
}

static void
open_process(struct auth *auth, struct auth_shared *memory)
{
	*auth = (struct auth){ .shared = memory, .plugins = &set };
	auth->process.db = auth_database_open(4);
	auth->process.cache = cache_open(&(struct cache_options){
	    .url = redis,
	    .prefix = "auth",
	    .connections = 4,
	    .timeout_ms = TIMEOUT_MS,
	    .retry_ms = RETRY_MS,
	});
}

static struct db *
open_nowhere(void)
{
	return db_open(&(struct db_options){
	    .url = "host=/nowhere",
	    .application_name = "test",
	    .connections = 1,
	    .acquire_timeout_ms = 1000,
	    .statement_timeout_ms = 5000,
	});
}

static enum err
renew_lease(struct auth *auth)
{
	return lease_renew(&auth->shared->lease, &auth->shared->epoch,
	    auth->process.db, a, LEASE_MS);
}

/* Gives the host a lease, so that it may use its cache. */
static void
join(struct auth *auth)
{
	memset(auth->shared, 0, sizeof(*auth->shared));
	lease_init(&auth->shared->lease);
	ck_assert_int_eq(renew_lease(auth), ERR_OK);
}

/* Makes the host's lease expire. */
static void
lapse(struct auth *auth)
{
	atomic_store(&auth->shared->lease.until_us, 0);
	sql(arena_printf(a,
	    "UPDATE kedge_session_host SET expires_at = clock_timestamp() -"
	    " interval '%d s' WHERE host = '%016llx'",
	    LEASE_CLOCK_STEP_S,
	    (unsigned long long)atomic_load(&auth->shared->lease.host)));
}

static void
close_process(struct auth *auth)
{
	db_close(auth->process.db);
	cache_close(auth->process.cache);
}

static void
setup(void)
{
	struct account_new new = {
		.email = "a@example.com",
		.name = "A",
		.password_hash = hash,
	};
	int role = columns_find(&set.user_columns, "role");
	struct account account;

	new.columns.texts[role] = "user";
	new.columns.set[role] = true;
	a = arena_new();
	sql("DELETE FROM \"user\"");
	sql("DELETE FROM kedge_session_host");
	open_process(&here, &shared);
	open_process(&other, &shared);
	open_process(&far, &far_shared);
	ck_assert_int_eq(
	    account_insert_user(here.process.db, a, &new, &account), ERR_OK);
	user_id = account.user.id;
	join(&here);
	memset(&far_shared, 0, sizeof(far_shared));
}

static void
teardown(void)
{
	close_process(&here);
	close_process(&other);
	close_process(&far);
	arena_free(a);
}

static struct account
account_of_user(void)
{
	struct account account;

	ck_assert_int_eq(
	    account_find_by(here.process.db, a, "id", user_id, &account),
	    ERR_OK);
	return account;
}

static struct proof
password_of(const struct account *account)
{
	return (struct proof){
		.kind = PROOF_PASSWORD,
		.account_id = account->id,
		.password_hash = account->password_hash,
	};
}

static enum err
begin(int64_t ttl_s, struct proof proof, const char **ret_token)
{
	return session_begin(here.process.db, a,
	    &(struct session_start){
		.user_id = user_id,
		.ip_address = "",
		.user_agent = "",
		.ttl_s = ttl_s,
	    },
	    &proof, ret_token);
}

static const char *
sign_in(void)
{
	struct account c = account_of_user();
	const char *token = NULL;

	ck_assert_int_eq(begin(SESSION_TTL_S, password_of(&c), &token), ERR_OK);
	return token;
}

/*
 * Looks up a session's claims as verify does: in the cache first, then in the
 * database.
 */
static enum err
find_claims(
    struct auth *auth, const char *token, struct session_claims *ret_claims)
{
	struct session_lookup lookup = { .arena = a, .token = token };
	struct session_lookup *one = &lookup;

	session_look_up(auth, &one, 1);
	return session_settle(auth, one, ret_claims);
}

static enum err
verify(struct auth *auth, const char *token)
{
	struct session_claims claims;

	return find_claims(auth, token, &claims);
}

static const char *
roles_seen(struct auth *auth, const char *token)
{
	struct session_claims claims;

	ck_assert_int_eq(find_claims(auth, token, &claims), ERR_OK);
	return claims.roles;
}

static bool
is_cached(struct auth *auth, const char *token)
{
	struct session_lookup lookup = {
		.arena = a,
		.token = token,
		.epoch = epoch_get(&auth->shared->epoch),
	};
	struct session_lookup *one = &lookup;

	session_cache_get(auth->process.cache, &one, 1);
	return one->known;
}

/* Deletes the rows so that neither auth nor the triggers notice. */
static void
lose_rows(void)
{
	sql("BEGIN; SELECT set_config('kedge.revoking', 'tombstone', true);"
	    " DELETE FROM session; COMMIT");
}

static void
wait_for_redis(void)
{
	int64_t until = clock_monotonic_us() + PATIENCE_MS * 1000;

	while (!cache_ready(here.process.cache) ||
	       !cache_ready(other.process.cache) ||
	       !cache_ready(far.process.cache)) {
		ck_assert_int_lt(clock_monotonic_us(), until);
		usleep(10000);
	}
}

static void
freeze_redis(void)
{
	int status;

	servers_signal_tree(servers_redis_pid(), SIGSTOP);
	ck_assert_int_eq(waitpid(servers_redis_pid(), &status, WUNTRACED),
	    servers_redis_pid());
	ck_assert(WIFSTOPPED(status));
}

START_TEST(claims_are_cached)
{
	const char *token = sign_in();

	ck_assert_int_eq(verify(&here, token), ERR_OK);
	lose_rows();
	ck_assert_int_eq(verify(&here, token), ERR_OK);
	ck_assert_int_eq(verify(&other, token), ERR_OK);
	ck_assert_int_eq(verify(&here, "no such token"), ERR_NOT_FOUND);
}
END_TEST

START_TEST(claims_have_the_values_of_the_rows)
{
	const char *token = sign_in();
	struct session_claims claims;

	sql("INSERT INTO service_account SELECT id, 'core' FROM \"user\"");
	ck_assert_int_eq(find_claims(&here, token, &claims), ERR_OK);
	ck_assert_str_eq(claims.user_id, user_id);
	ck_assert_str_eq(
	    claims.session_id, sql_text(a, "SELECT id FROM session"));
	ck_assert_str_eq(claims.roles, "user");
	ck_assert_str_eq(claims.accounts, "core");
	ck_assert(!claims.banned);
	ck_assert_int_gt(claims.expires_at_ms,
	    clock_now_ms() + (SESSION_TTL_S - 60) * 1000LL);
}
END_TEST

START_TEST(revocation_is_seen_by_every_process)
{
	const char *token = sign_in(), *kept = sign_in();

	ck_assert_int_eq(verify(&here, token), ERR_OK);
	ck_assert_int_eq(verify(&other, kept), ERR_OK);
	ck_assert_int_eq(session_end(&here, a, token), ERR_OK);
	ck_assert_int_eq(verify(&here, token), ERR_NOT_FOUND);
	ck_assert_int_eq(verify(&other, token), ERR_NOT_FOUND);
	ck_assert_int_eq(verify(&other, kept), ERR_OK);
	ck_assert_int_eq(session_end(&here, a, token), ERR_OK);
}
END_TEST

START_TEST(revocation_of_a_deleted_row_removes_its_cached_claims)
{
	const char *token = sign_in();

	ck_assert_int_eq(verify(&here, token), ERR_OK);
	lose_rows();
	ck_assert_int_eq(session_end(&other, a, token), ERR_OK);
	ck_assert_int_eq(verify(&here, token), ERR_NOT_FOUND);
}
END_TEST

START_TEST(
    revocation_of_an_unsigned_token_without_a_row_removes_its_cached_claims)
{
	const char *token = sign_in();
	int64_t epoch = epoch_get(&shared.epoch);

	ck_assert_int_eq(verify(&here, token), ERR_OK);
	lose_rows();
	ck_assert_int_eq(session_end_unsigned(&other, a, token), ERR_OK);
	ck_assert_int_eq(verify(&here, token), ERR_NOT_FOUND);
	ck_assert_int_eq(epoch_get(&shared.epoch), epoch);
}
END_TEST

START_TEST(revocation_of_an_unsigned_token_ends_its_session)
{
	const char *token = sign_in();

	ck_assert_int_eq(verify(&here, token), ERR_OK);
	ck_assert_int_eq(session_end_unsigned(&other, a, token), ERR_OK);
	ck_assert_int_eq(verify(&here, token), ERR_NOT_FOUND);
}
END_TEST

START_TEST(revocation_of_own_sessions_keeps_those_of_other_users)
{
	const char *token = sign_in();

	ck_assert_int_eq(session_end_own(&here, a, token, "somebody"), ERR_OK);
	ck_assert_int_eq(verify(&here, token), ERR_OK);
	ck_assert_int_eq(session_end_own(&here, a, token, user_id), ERR_OK);
	ck_assert_int_eq(verify(&here, token), ERR_NOT_FOUND);
}
END_TEST

START_TEST(revocation_of_all_keeps_the_excepted_session)
{
	const char *one = sign_in(), *two = sign_in(), *kept = sign_in();

	ck_assert_int_eq(verify(&other, one), ERR_OK);
	ck_assert_int_eq(session_end_all(&here, a, user_id, kept), ERR_OK);
	ck_assert_int_eq(verify(&other, one), ERR_NOT_FOUND);
	ck_assert_int_eq(verify(&other, two), ERR_NOT_FOUND);
	ck_assert_int_eq(verify(&other, kept), ERR_OK);
	ck_assert_int_eq(session_end_all(&here, a, user_id, NULL), ERR_OK);
	ck_assert_int_eq(verify(&other, kept), ERR_NOT_FOUND);
}
END_TEST

/*
 * A verify process has read the session's row before the revocation, and fills
 * the cache after it.
 */
START_TEST(fill_after_a_revocation_is_refused)
{
	const char *token = sign_in();
	struct session_lookup lookup = { .arena = a, .token = token };
	struct session_lookup *one = &lookup;
	int64_t row;

	session_look_up(&other, &one, 1);
	ck_assert(!one->known);
	ck_assert_int_eq(session_select_claims(
			     other.process.db, a, token, &one->claims, &row),
	    ERR_OK);
	one->epoch = row;
	ck_assert_int_eq(session_end(&here, a, token), ERR_OK);
	session_cache_fill(other.process.cache, one);
	ck_assert(!is_cached(&here, token));
	ck_assert_int_eq(verify(&here, token), ERR_NOT_FOUND);
}
END_TEST

START_TEST(revocation_while_redis_hangs_is_effective_when_it_continues)
{
	const char *token = sign_in(), *kept = sign_in();
	int64_t before = epoch_get(&shared.epoch);
	enum err e;

	ck_assert_int_eq(verify(&here, token), ERR_OK);
	freeze_redis();
	e = session_end(&here, a, token);
	servers_signal_tree(servers_redis_pid(), SIGCONT);
	ck_assert_int_eq(e, ERR_OK);
	ck_assert_int_gt(epoch_get(&shared.epoch), before);
	ck_assert_int_eq(row_epoch(), epoch_get(&shared.epoch));
	wait_for_redis();
	ck_assert_int_eq(verify(&here, token), ERR_NOT_FOUND);
	ck_assert_int_eq(verify(&other, token), ERR_NOT_FOUND);
	ck_assert_int_eq(verify(&other, kept), ERR_OK);
	ck_assert(is_cached(&other, kept));
}
END_TEST

START_TEST(revocation_while_redis_is_stopped_is_effective_when_it_runs_again)
{
	const char *token = sign_in();

	ck_assert_int_eq(verify(&here, token), ERR_OK);
	ck_assert_str_eq(servers_redis_do("SAVE"), "+OK");
	servers_stop_redis();
	ck_assert_int_eq(session_end(&here, a, token), ERR_OK);
	ck_assert_int_eq(verify(&other, token), ERR_NOT_FOUND);
	redis = servers_start_redis();
	wait_for_redis();
	ck_assert_int_eq(verify(&here, token), ERR_NOT_FOUND);
	ck_assert_int_eq(verify(&other, token), ERR_NOT_FOUND);
}
END_TEST

START_TEST(without_redis_everything_works)
{
	const char *token = sign_in();
	struct cache *cache = here.process.cache;

	here.process.cache = NULL;
	ck_assert_int_eq(verify(&here, token), ERR_OK);
	ck_assert_int_eq(session_end(&here, a, token), ERR_OK);
	ck_assert_int_eq(verify(&here, token), ERR_NOT_FOUND);
	here.process.cache = cache;
}
END_TEST

START_TEST(unknown_epoch_reads_no_cache_and_learns_it)
{
	const char *token = sign_in();
	int64_t epoch = epoch_get(&shared.epoch);

	ck_assert_int_eq(verify(&here, token), ERR_OK);
	lose_rows();
	atomic_store(&shared.epoch.value, 0);
	ck_assert_int_eq(verify(&here, token), ERR_NOT_FOUND);
	ck_assert_int_eq(epoch_get(&shared.epoch), epoch);
}
END_TEST

/* The other host reads the new epoch from the database. */
START_TEST(ticker_learns_and_restores_the_epoch)
{
	int64_t until = clock_monotonic_us() + PATIENCE_MS * 1000;
	struct session_ticker *ticker;
	int64_t wanted;

	lease_init(&far_shared.lease);
	ticker = session_ticker_start(&(struct session_ticker_options){
	    .turns = &far_shared.turns,
	    .epoch = &far_shared.epoch,
	    .lease = &far_shared.lease,
	    .db = far.process.db,
	    .lease_ms = LEASE_MS,
	});
	sql("UPDATE kedge_session_epoch SET epoch = epoch + 1");
	wanted = row_epoch();
	while (epoch_get(&far_shared.epoch) != wanted ||
	       !lease_is_valid(&far_shared.lease)) {
		ck_assert_int_lt(clock_monotonic_us(), until);
		usleep(10000);
	}
	/*
	 * The database was restored to an earlier state: a host that knows a
	 * later epoch raises the epoch in the database to it.
	 */
	epoch_raise(&far_shared.epoch, wanted + 5);
	while (row_epoch() != wanted + 5) {
		ck_assert_int_lt(clock_monotonic_us(), until);
		usleep(10000);
	}
	session_ticker_stop(ticker);
	/* The last process of a host has released the host's lease. */
	ck_assert(!lease_is_valid(&far_shared.lease));
	ck_assert_str_eq(
	    sql_text(a, "SELECT count(*)::text FROM kedge_session_host"), "1");
}
END_TEST

START_TEST(revocation_is_seen_by_a_host_with_a_later_epoch)
{
	const char *token = sign_in();

	/*
	 * Claims that were cached before the database was restored to an
	 * earlier state.
	 */
	epoch_raise(&shared.epoch, row_epoch() + 3);
	ck_assert_int_eq(verify(&here, token), ERR_OK);
	ck_assert_int_eq(session_end(&here, a, token), ERR_OK);
	ck_assert_int_eq(verify(&here, token), ERR_NOT_FOUND);
}
END_TEST

START_TEST(revocation_is_seen_by_a_host_with_an_earlier_epoch)
{
	const char *token = sign_in();

	join(&far);
	ck_assert_int_eq(verify(&far, token), ERR_OK);
	ck_assert(is_cached(&far, token));
	sql("UPDATE kedge_session_epoch SET epoch = epoch + 10");
	ck_assert_int_eq(session_end(&here, a, token), ERR_OK);
	ck_assert_int_lt(epoch_get(&far_shared.epoch), row_epoch());
	ck_assert_int_eq(verify(&far, token), ERR_NOT_FOUND);
	ck_assert_int_eq(verify(&here, token), ERR_NOT_FOUND);
}
END_TEST

/*
 * The process that ends the session does not know the new epoch, while the
 * other host does.
 */
START_TEST(revocation_by_a_host_with_an_earlier_epoch_is_seen)
{
	const char *token = sign_in();

	join(&far);
	sql("UPDATE kedge_session_epoch SET epoch = epoch + 10");
	ck_assert_int_eq(renew_lease(&here), ERR_OK);
	ck_assert_int_eq(verify(&here, token), ERR_OK);
	ck_assert(is_cached(&here, token));
	ck_assert_int_eq(session_end(&far, a, token), ERR_OK);
	ck_assert_int_eq(verify(&here, token), ERR_NOT_FOUND);
}
END_TEST

/*
 * The process that ends the session cannot reach Redis, and another host, which
 * can, has not been told of the epoch.
 */
START_TEST(revocation_is_answered_when_every_host_has_acknowledged_it)
{
	struct cache *cache = here.process.cache;
	const char *token = sign_in(), *kept = sign_in();

	join(&far);
	ck_assert_int_eq(verify(&far, token), ERR_OK);
	ck_assert_int_eq(verify(&far, kept), ERR_OK);
	here.process.cache = NULL;
	/*
	 * The other host does not know the raised epoch yet, so the sign-out
	 * gets ERR_UNAVAILABLE.
	 */
	ck_assert_int_eq(session_end(&here, a, token), ERR_UNAVAILABLE);
	ck_assert_int_eq(verify(&far, token), ERR_OK);
	ck_assert_int_eq(
	    session_end_all(&here, a, user_id, kept), ERR_UNAVAILABLE);
	/*
	 * Once the other host knows the raised epoch, the repeated sign-out
	 * succeeds.
	 */
	ck_assert_int_eq(renew_lease(&far), ERR_OK);
	ck_assert_int_eq(session_end_all(&here, a, user_id, kept), ERR_OK);
	ck_assert_int_eq(verify(&far, token), ERR_NOT_FOUND);
	ck_assert_int_eq(verify(&far, kept), ERR_OK);
	here.process.cache = cache;
}
END_TEST

START_TEST(revocation_does_not_wait_for_an_expired_lease)
{
	struct cache *cache = here.process.cache;
	struct db *db = far.process.db;
	const char *token = sign_in();

	join(&far);
	ck_assert_int_eq(verify(&far, token), ERR_OK);
	ck_assert(is_cached(&far, token));
	lapse(&far);
	here.process.cache = NULL;
	ck_assert_int_eq(session_end(&here, a, token), ERR_OK);
	here.process.cache = cache;
	/*
	 * The cache of the other host still has the session, and that host asks
	 * PostgreSQL.
	 */
	ck_assert(is_cached(&far, token));
	ck_assert_int_eq(verify(&far, token), ERR_NOT_FOUND);
	far.process.db = open_nowhere();
	ck_assert_int_eq(verify(&far, token), ERR_UNAVAILABLE);
	db_close(far.process.db);
	far.process.db = db;
}
END_TEST

/*
 * A verify process is suspended between its look-up of the session and its
 * verdict.
 */
START_TEST(lease_and_epoch_are_checked_again_after_the_read)
{
	const char *token = sign_in();
	struct session_lookup lookup[2] = { { .arena = a, .token = token },
		{ .arena = a, .token = token } };
	struct session_claims claims;

	join(&far);
	ck_assert_int_eq(verify(&far, token), ERR_OK);
	for (int i = 0; i < 2; i++) {
		struct session_lookup *one = &lookup[i];

		session_look_up(&far, &one, 1);
		ck_assert(one->known);
	}
	lapse(&far);
	lose_rows();
	ck_assert_int_eq(
	    session_settle(&far, &lookup[0], &claims), ERR_NOT_FOUND);
	/*
	 * Claims that were read under an earlier lease stay unusable after a
	 * new lease has begun.
	 */
	sql("UPDATE kedge_session_epoch SET epoch = epoch + 1");
	ck_assert_int_eq(renew_lease(&far), ERR_OK);
	ck_assert_int_eq(
	    session_settle(&far, &lookup[1], &claims), ERR_NOT_FOUND);
}
END_TEST

/*
 * A host writes its lease row before it reads the epoch.  A process that raises
 * the epoch in between either sees the lease row, or the host reads the raised
 * epoch.
 */
START_TEST(lease_counts_with_the_epoch_that_was_read_after_it)
{
	int64_t before = row_epoch();

	sql("CREATE FUNCTION raise_between() RETURNS trigger LANGUAGE plpgsql"
	    " AS $$ BEGIN UPDATE kedge_session_epoch SET epoch = epoch + 1;"
	    " RETURN NULL; END $$;"
	    " CREATE TRIGGER raise_between AFTER INSERT ON kedge_session_host"
	    " FOR EACH ROW EXECUTE FUNCTION raise_between()");
	join(&far);
	sql("DROP FUNCTION raise_between() CASCADE");
	ck_assert_int_eq(epoch_get(&far_shared.epoch), before + 1);
	ck_assert_str_eq(
	    sql_text(a, "SELECT count(*)::text FROM kedge_session_host h,"
			" kedge_session_epoch e WHERE h.epoch = e.epoch"),
	    "1");
}
END_TEST

static enum err renewed;

static void *
renew_far(void *arg)
{
	struct arena *own = arena_new();

	(void)arg;
	renewed = lease_renew(&far_shared.lease, &far_shared.epoch,
	    far.process.db, own, LEASE_MS);
	arena_free(own);
	return NULL;
}

/*
 * A worker renews the host's lease while the last other worker releases it: the
 * row may be deleted meanwhile.
 */
START_TEST(lease_released_during_a_renewal_is_not_valid)
{
	int64_t until = clock_monotonic_us() + PATIENCE_MS * 1000;
	struct db *nowhere = open_nowhere();
	pthread_t id;

	lease_init(&far_shared.lease);
	lease_join(&far_shared.lease);
	sql("BEGIN");
	sql("LOCK TABLE kedge_session_host IN SHARE MODE");
	ck_assert_int_eq(pthread_create(&id, NULL, renew_far, NULL), 0);
	while (str_eq(sql_text(a, "SELECT count(*)::text FROM pg_locks WHERE"
				  " NOT granted AND relation ="
				  " 'kedge_session_host'::regclass"),
	    "0")) {
		ck_assert_int_lt(clock_monotonic_us(), until);
		usleep(10000);
	}
	lease_leave(&far_shared.lease, nowhere, a);
	sql("COMMIT");
	pthread_join(id, NULL);
	ck_assert_int_eq(renewed, ERR_UNAVAILABLE);
	ck_assert(!lease_is_valid(&far_shared.lease));
	/* Only the row of the host `here` is left. */
	ck_assert_str_eq(
	    sql_text(a, "SELECT count(*)::text FROM kedge_session_host"), "1");
	ck_assert_int_eq(renew_lease(&far), ERR_OK);
	ck_assert(lease_is_valid(&far_shared.lease));
	db_close(nowhere);
}
END_TEST

/*
 * The event loop confirms a cached session and answers: it must not wait for
 * PostgreSQL.
 */
START_TEST(confirmed_session_is_settled_without_a_query)
{
	const char *token = sign_in();
	struct session_lookup lookup[2] = { { .arena = a, .token = token },
		{ .arena = a, .token = token } };
	struct session_claims claims;
	struct db *db;

	join(&far);
	ck_assert_int_eq(verify(&far, token), ERR_OK);
	for (int i = 0; i < 2; i++) {
		struct session_lookup *one = &lookup[i];

		session_look_up(&far, &one, 1);
	}
	ck_assert(session_confirm(&far, &lookup[0]));
	lapse(&far);
	ck_assert(!session_confirm(&far, &lookup[1]));
	db = far.process.db;
	far.process.db = open_nowhere();
	ck_assert_int_eq(session_settle(&far, &lookup[0], &claims), ERR_OK);
	ck_assert_int_eq(
	    session_settle(&far, &lookup[1], &claims), ERR_UNAVAILABLE);
	db_close(far.process.db);
	far.process.db = db;
}
END_TEST

/*
 * A host whose lease expires may have died between a commit and the tombstone
 * for it, so the epoch is raised.
 */
START_TEST(expired_lease_of_another_host_raises_the_epoch)
{
	int64_t until = clock_monotonic_us() + PATIENCE_MS * 1000;
	int64_t before = row_epoch();
	struct session_ticker *ticker;

	join(&far);
	sql(arena_printf(a,
	    "UPDATE kedge_session_host SET expires_at = clock_timestamp() -"
	    " interval '%d s' WHERE host = '%016llx'",
	    LEASE_DEAD_S + 1,
	    (unsigned long long)atomic_load(&far_shared.lease.host)));
	ticker = session_ticker_start(&(struct session_ticker_options){
	    .turns = &shared.turns,
	    .epoch = &shared.epoch,
	    .lease = &shared.lease,
	    .db = here.process.db,
	    .lease_ms = LEASE_MS,
	});
	while (epoch_get(&shared.epoch) == before) {
		ck_assert_int_lt(clock_monotonic_us(), until);
		usleep(10000);
	}
	session_ticker_stop(ticker);
	ck_assert_int_eq(row_epoch(), before + 1);
}
END_TEST

/* Redis fails over and back: its data are as old as before the fail-over. */
START_TEST(revocation_is_effective_after_redis_was_a_replica)
{
	const char *token = sign_in(), *kept = sign_in();

	ck_assert_int_eq(verify(&here, token), ERR_OK);
	ck_assert_int_eq(verify(&other, kept), ERR_OK);
	ck_assert_str_eq(servers_redis_do("REPLICAOF 127.0.0.1 1"), "+OK");
	ck_assert_int_eq(session_end(&here, a, token), ERR_OK);
	ck_assert_str_eq(servers_redis_do("REPLICAOF NO ONE"), "+OK");
	wait_for_redis();
	ck_assert_int_eq(verify(&here, token), ERR_NOT_FOUND);
	ck_assert_int_eq(verify(&other, token), ERR_NOT_FOUND);
	ck_assert_int_eq(verify(&other, kept), ERR_OK);
	ck_assert(is_cached(&other, kept));
}
END_TEST

/*
 * SQL statements of the release that had no leases.  That release runs without
 * a cache, and all hosts ignore their cached copies of sessions that it has
 * ended.
 */
START_TEST(older_release_runs_without_its_cache)
{
	int64_t before = row_epoch();
	const char *one, *two;

	sign_in();
	sql("SET ROLE auth");
	one = sql_text(a, "SELECT epoch FROM kedge_cache_epoch");
	two = sql_text(a, "SELECT epoch FROM kedge_cache_epoch");
	ck_assert_str_ne(one, two);
	ck_assert_int_eq(row_epoch(), before);
	two =
	    sql_text(a, "UPDATE kedge_cache_epoch"
			" SET epoch = greatest(epoch + 1, 7) RETURNING epoch");
	ck_assert_int_gt(atoll(two), atoll(one));
	ck_assert_int_eq(row_epoch(), before + 1);
	sql("BEGIN; SELECT pg_advisory_xact_lock_shared("
	    "hashtextextended('kedge_cache_epoch', 0)),"
	    " set_config('kedge.revoking', 'on', true);"
	    " DELETE FROM session; COMMIT");
	ck_assert_int_eq(row_epoch(), before + 2);
	sql("RESET ROLE");
}
END_TEST

static const struct audit_who operator= { .actor = "root", .kind = "command" };

START_TEST(role_change_is_seen_and_ends_no_session)
{
	const char *token = sign_in();

	ck_assert_str_eq(roles_seen(&here, token), "user");
	ck_assert_int_eq(
	    user_set_role(&other, a, &operator, "a@example.com", "admin,user"),
	    ERR_OK);
	ck_assert_str_eq(roles_seen(&here, token), "admin,user");
	ck_assert_int_eq(
	    user_set_role(&other, a, &operator, "b@example.com", "x"),
	    ERR_NOT_FOUND);
}
END_TEST

START_TEST(provisioning_is_seen_and_may_be_repeated)
{
	const char *token = sign_in();
	struct session_claims claims;

	ck_assert_int_eq(verify(&here, token), ERR_OK);
	for (int i = 0; i < 2; i++)
		ck_assert_int_eq(
		    user_provision(&other, a, user_id, "core"), ERR_OK);
	ck_assert_int_eq(find_claims(&here, token, &claims), ERR_OK);
	ck_assert_str_eq(claims.accounts, "core");
	ck_assert_int_eq(
	    user_provision(&other, a, "nobody", "core"), ERR_NOT_FOUND);
}
END_TEST

/* clang-format off */
static const struct {
	const char *sql;
	bool raises;
} foreign[] = {
	{ "DELETE FROM session", true },
	{ "DELETE FROM \"user\"", true },
	{ "UPDATE \"user\" SET role = 'admin'", true },
	{ "UPDATE \"user\" SET banned = true", true },
	{ "UPDATE \"user\" SET \"banExpires\" = now()", true },
	{ "UPDATE session SET \"expiresAt\" = now() - interval '1 s'", true },
	{ "UPDATE session SET token = token || 'x'", true },
	{ "UPDATE session SET \"expiresAt\" = now() + interval '9 d'", false },
	{ "UPDATE session SET \"updatedAt\" = now()", false },
	{ "UPDATE \"user\" SET name = 'B'", false },
	{ "DELETE FROM session WHERE token = 'x'", false },
};
/* clang-format on */

START_TEST(foreign_change_raises_the_epoch)
{
	int64_t before;

	sign_in();
	sign_in();
	before = row_epoch();
	sql(foreign[_i].sql);
	ck_assert_int_eq(row_epoch() - before, foreign[_i].raises ? 1 : 0);
}
END_TEST

START_TEST(own_changes_do_not_raise_the_epoch)
{
	const char *token = sign_in();
	int64_t before = row_epoch();

	sign_in();
	ck_assert_int_eq(session_end(&here, a, token), ERR_OK);
	ck_assert_int_eq(
	    user_set_role(&here, a, &operator, "a@example.com", "editor"),
	    ERR_OK);
	ck_assert_int_eq(session_end_all(&here, a, user_id, NULL), ERR_OK);
	ck_assert_int_eq(row_epoch(), before);
}
END_TEST

START_TEST(cached_session_verifies_while_postgres_is_away)
{
	const char *cached = sign_in(), *uncached = sign_in();

	ck_assert_int_eq(verify(&here, cached), ERR_OK);
	auth_database_stop();
	ck_assert_int_eq(verify(&here, cached), ERR_OK);
	ck_assert_int_eq(verify(&here, uncached), ERR_UNAVAILABLE);
	/*
	 * A sign-out is not answered with success before it has taken effect.
	 */
	ck_assert_int_eq(session_end(&here, a, cached), ERR_UNAVAILABLE);
	auth_database_restart();
}
END_TEST

START_TEST(find_extends_a_session_when_that_is_due)
{
	const char *token = sign_in();
	struct session_found found;
	bool refreshed = true;

	ck_assert_int_eq(
	    session_find(&here, a, token, true, &found, &refreshed), ERR_OK);
	ck_assert(!refreshed);
	ck_assert(found.is_fresh);
	sql("UPDATE session SET \"expiresAt\" = now() + interval '6 d',"
	    " \"createdAt\" = now() - interval '1 d'");
	ck_assert_int_eq(
	    session_find(&here, a, token, false, &found, &refreshed), ERR_OK);
	ck_assert(!refreshed && found.refresh_due && !found.is_fresh);
	ck_assert_int_eq(
	    session_find(&here, a, token, true, &found, &refreshed), ERR_OK);
	ck_assert(refreshed);
	ck_assert_str_eq(found.session.token, token);
	ck_assert_str_eq(sql_text(a, "SELECT (\"expiresAt\" > now() +"
				     " interval '167 h')::text FROM session"),
	    "true");
}
END_TEST

/* A process like `here` whose database connection is read-only. */
static void
open_read_only(struct auth *auth)
{
	*auth = here;
	auth->process.db = db_open(&(struct db_options){
	    .url = arena_printf(a,
		"%s options='-c default_transaction_read_only=on'",
		auth_database_url()),
	    .application_name = "test",
	    .connections = 1,
	    .acquire_timeout_ms = 1000,
	    .statement_timeout_ms = 5000,
	});
}

START_TEST(find_in_a_read_only_database_does_not_extend)
{
	const char *token = sign_in();
	struct session_found found;
	bool refreshed = true;
	struct auth reader;

	open_read_only(&reader);
	sql("UPDATE session SET \"expiresAt\" = now() + interval '6 d'");
	ck_assert_int_eq(
	    session_find(&reader, a, token, true, &found, &refreshed), ERR_OK);
	ck_assert(!refreshed && found.refresh_due);
	ck_assert_str_eq(found.session.token, token);
	/*
	 * An expired session is not valid, even though its row is still in the
	 * database.
	 */
	sql("UPDATE session SET \"expiresAt\" = now() - interval '1 s'");
	ck_assert_int_eq(
	    session_find(&reader, a, token, true, &found, &refreshed),
	    ERR_NOT_FOUND);
	ck_assert_str_eq(
	    sql_text(a, "SELECT count(*)::text FROM session"), "1");
	db_close(reader.process.db);
}
END_TEST

START_TEST(list_is_newest_first_and_includes_the_current_session)
{
	struct session own = { .user_id = user_id, .token = sign_in() };
	const struct session *sessions;
	size_t count;

	sql("UPDATE session SET \"createdAt\" = now() - interval '1 d'");
	sql(arena_printf(a,
	    "INSERT INTO session (id, token, \"userId\", \"createdAt\","
	    " \"updatedAt\", \"expiresAt\", \"impersonatedBy\")"
	    " SELECT n, n, u.id, now() - n * interval '1 s', now(),"
	    " now() + CASE n WHEN 1 THEN -1 ELSE 1 END * interval '1 h',"
	    " CASE n WHEN 2 THEN u.id END"
	    " FROM \"user\" u, generate_series(1, %d) n",
	    SESSION_LIST_MAX + 2));
	ck_assert_int_eq(
	    session_list(&here, a, &own, &sessions, &count), ERR_OK);
	ck_assert_uint_eq(count, SESSION_LIST_MAX);
	for (size_t i = 0; i < count - 1; i++)
		ck_assert_str_eq(
		    sessions[i].token, arena_printf(a, "%zu", i + 3));
	ck_assert_str_eq(sessions[count - 1].token, own.token);
}
END_TEST

START_TEST(find_deletes_an_expired_session)
{
	const char *token = sign_in();
	struct session_found found;
	bool refreshed;

	sql("UPDATE session SET \"expiresAt\" = now() - interval '1 s'");
	ck_assert_int_eq(
	    session_find(&here, a, token, true, &found, &refreshed),
	    ERR_NOT_FOUND);
	ck_assert_str_eq(
	    sql_text(a, "SELECT count(*)::text FROM session"), "0");
	ck_assert_int_eq(verify(&here, token), ERR_NOT_FOUND);
}
END_TEST

/* clang-format off */
static const struct {
	const char *sql;
	unsigned spoils; /* BIT() of each kind of proof that this SQL invalidates */
} no_more[] = {
	{ "SELECT 1", 0 },
	{ "UPDATE account SET password = 'another'", BIT(PROOF_PASSWORD) },
	{ "UPDATE account SET password = NULL", BIT(PROOF_PASSWORD) },
	{ "UPDATE \"user\" SET email = 'b@example.com'", BIT(PROOF_EMAIL) },
	{ "UPDATE \"user\" SET banned = true", BIT(PROOF__MAX) - 1 },
	{ "UPDATE \"user\" SET \"twoFactorEnabled\" = true",
	  BIT(PROOF__MAX) - 1 },
	{ "UPDATE \"user\" SET banned = true,"
	    " \"banExpires\" = now() + interval '1 h'", BIT(PROOF__MAX) - 1 },
	{ "UPDATE \"user\" SET banned = true,"
	    " \"banExpires\" = now() - interval '1 s'", 0 },
	{ "DELETE FROM \"user\"", BIT(PROOF__MAX) - 1 },
	{ "DELETE FROM account", BIT(PROOF_PASSWORD) | BIT(PROOF_ACCOUNT) },
	/* The account belongs to another user now. */
	{ "INSERT INTO \"user\" (id, name, email, \"emailVerified\") VALUES"
	    " ('other', '', 'other@example.com', false);"
	    " UPDATE account SET \"userId\" = 'other'",
	  BIT(PROOF_PASSWORD) | BIT(PROOF_ACCOUNT) },
};
/* clang-format on */

/*
 * The proof was valid when it was checked, but has become invalid before the
 * session is created.
 */
START_TEST(proof_that_is_outdated_begins_no_session)
{
	struct account c = account_of_user();
	const char *token = NULL;

	sql(no_more[_i].sql);
	for (int kind = 0; kind < PROOF__MAX; kind++) {
		struct proof proof = password_of(&c);
		bool spoilt = (no_more[_i].spoils & BIT(kind)) != 0;

		proof.kind = (enum proof_kind)kind;
		proof.email = "a@example.com";
		ck_assert_int_eq(
		    begin(60, proof, &token), spoilt ? ERR_NOT_FOUND : ERR_OK);
	}
}
END_TEST

/*
 * A change that invalidates the proof is in progress, and commits after the
 * INSERT of the session has begun.
 */
struct meanwhile {
	const char *sql;
	struct proof proof;
	pthread_t thread;
	enum err outcome;
};

static void *
begin_meanwhile(void *arg)
{
	struct meanwhile *m = arg;
	struct arena *own = arena_new();
	const char *token;

	m->outcome = session_begin(other.process.db, own,
	    &(struct session_start){
		.user_id = user_id,
		.ip_address = "",
		.user_agent = "",
		.ttl_s = 60,
	    },
	    &m->proof, &token);
	arena_free(own);
	return NULL;
}

/*
 * Returns when a transaction waits for a lock, or after PATIENCE_MS, because in
 * some rows of the test no transaction waits.
 */
static void
wait_for_a_waiter(void)
{
	int64_t until = clock_monotonic_us() + PATIENCE_MS * 1000;

	while (*sql_text(a, "SELECT count(*)::text FROM pg_locks"
			    " WHERE NOT granted") == '0' &&
	       clock_monotonic_us() < until)
		usleep(1000);
}

/* clang-format off */
static const struct {
	enum proof_kind kind;
	const char *sql;
} meanwhiles[] = {
	{ PROOF_PASSWORD, "UPDATE account SET password = 'another'" },
	{ PROOF_ACCOUNT, "DELETE FROM account" },
	{ PROOF_EMAIL, "UPDATE \"user\" SET email = 'b@example.com'" },
	{ PROOF_EMAIL, "UPDATE \"user\" SET banned = true" },
};
/* clang-format on */

START_TEST(sign_in_waits_for_a_change_of_the_account_in_progress)
{
	struct account c = account_of_user();
	struct meanwhile m = { .proof = password_of(&c) };

	m.proof.kind = meanwhiles[_i].kind;
	m.proof.email = "a@example.com";
	sql("BEGIN");
	sql(meanwhiles[_i].sql);
	ck_assert_int_eq(
	    pthread_create(&m.thread, NULL, begin_meanwhile, &m), 0);
	wait_for_a_waiter();
	sql("COMMIT");
	pthread_join(m.thread, NULL);
	ck_assert_int_eq(m.outcome, ERR_NOT_FOUND);
}
END_TEST

START_TEST(same_address_twice_is_a_conflict)
{
	struct account account;

	ck_assert_int_eq(account_insert_user(here.process.db, a,
			     &(struct account_new){
				 .email = "a@example.com",
				 .name = "B",
				 .password_hash = hash,
			     },
			     &account),
	    ERR_CONFLICT);
	ck_assert_str_eq(
	    sql_text(a, "SELECT count(*)::text FROM account"), "1");
}
END_TEST

/*
 * The accounts have accountId values as an import writes them; there is also an
 * account of another provider.
 */
START_TEST(account_is_found_whatever_its_account_id_says)
{
	struct account c;

	sql("UPDATE account SET \"accountId\" = 'a@example.com'");
	sql("INSERT INTO account (id, \"accountId\", \"providerId\","
	    " \"userId\", password, \"updatedAt\") SELECT 'github', id,"
	    " 'github', id, 'none', now() FROM \"user\"");
	ck_assert_int_eq(
	    account_find_by(here.process.db, a, "email", "a@example.com", &c),
	    ERR_OK);
	ck_assert_str_eq(c.password_hash, hash);
	ck_assert_str_eq(account_of_user().password_hash, hash);
	/* Of two password accounts the one is used that BetterAuth 1.7 uses. */
	sql("INSERT INTO account (id, \"accountId\", \"providerId\","
	    " \"userId\", password, \"updatedAt\", \"createdAt\")"
	    " SELECT 'own', id, 'credential', id, 'own', now(),"
	    " now() + interval '1 h' FROM \"user\"");
	ck_assert_str_eq(account_of_user().password_hash, "own");
}
END_TEST

START_TEST(token_has_256_bits)
{
	const char *one = sign_in(), *two = sign_in();

	ck_assert_uint_eq(strlen(one), 43);
	ck_assert_str_ne(one, two);
	for (const char *p = one; *p != '\0'; p++)
		ck_assert(str_is_alnum(*p));
}
END_TEST

int
main(void)
{
	Suite *suite = suite_create("auth_session");
	TCase *tc = tcase_create("session");

	signal(SIGPIPE, SIG_IGN); /* services ignore SIGPIPE */
	log_init("test", LOG_ERROR);
	auth_database_start();
	redis = servers_start_redis();
	if (!config_compose(&set, /* plugins= */ NULL, /* fields= */ NULL))
		return 1;

	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, claims_are_cached);
	tcase_add_test(tc, claims_have_the_values_of_the_rows);
	tcase_add_test(tc, revocation_is_seen_by_every_process);
	tcase_add_test(
	    tc, revocation_of_a_deleted_row_removes_its_cached_claims);
	tcase_add_test(tc,
	    revocation_of_an_unsigned_token_without_a_row_removes_its_cached_claims);
	tcase_add_test(tc, revocation_of_an_unsigned_token_ends_its_session);
	tcase_add_test(
	    tc, revocation_of_own_sessions_keeps_those_of_other_users);
	tcase_add_test(tc, revocation_of_all_keeps_the_excepted_session);
	tcase_add_test(tc, fill_after_a_revocation_is_refused);
	tcase_add_test(
	    tc, revocation_while_redis_hangs_is_effective_when_it_continues);
	tcase_add_test(tc,
	    revocation_while_redis_is_stopped_is_effective_when_it_runs_again);
	tcase_add_test(tc, without_redis_everything_works);
	tcase_add_test(tc, unknown_epoch_reads_no_cache_and_learns_it);
	tcase_add_test(tc, ticker_learns_and_restores_the_epoch);
	tcase_add_test(tc, revocation_is_seen_by_a_host_with_a_later_epoch);
	tcase_add_test(tc, revocation_is_seen_by_a_host_with_an_earlier_epoch);
	tcase_add_test(tc, revocation_by_a_host_with_an_earlier_epoch_is_seen);
	tcase_add_test(
	    tc, revocation_is_answered_when_every_host_has_acknowledged_it);
	tcase_add_test(tc, revocation_does_not_wait_for_an_expired_lease);
	tcase_add_test(tc, lease_and_epoch_are_checked_again_after_the_read);
	tcase_add_test(tc, lease_counts_with_the_epoch_that_was_read_after_it);
	tcase_add_test(tc, lease_released_during_a_renewal_is_not_valid);
	tcase_add_test(tc, confirmed_session_is_settled_without_a_query);
	tcase_add_test(tc, expired_lease_of_another_host_raises_the_epoch);
	tcase_add_test(tc, revocation_is_effective_after_redis_was_a_replica);
	tcase_add_test(tc, older_release_runs_without_its_cache);
	tcase_add_test(tc, role_change_is_seen_and_ends_no_session);
	tcase_add_test(tc, provisioning_is_seen_and_may_be_repeated);
	tcase_add_loop_test(
	    tc, foreign_change_raises_the_epoch, 0, COUNT_OF(foreign));
	tcase_add_test(tc, own_changes_do_not_raise_the_epoch);
	tcase_add_test(tc, cached_session_verifies_while_postgres_is_away);
	tcase_add_test(tc, find_extends_a_session_when_that_is_due);
	tcase_add_test(tc, find_in_a_read_only_database_does_not_extend);
	tcase_add_test(
	    tc, list_is_newest_first_and_includes_the_current_session);
	tcase_add_test(tc, find_deletes_an_expired_session);
	tcase_add_loop_test(
	    tc, proof_that_is_outdated_begins_no_session, 0, COUNT_OF(no_more));
	tcase_add_loop_test(tc,
	    sign_in_waits_for_a_change_of_the_account_in_progress, 0,
	    COUNT_OF(meanwhiles));
	tcase_add_test(tc, same_address_twice_is_a_conflict);
	tcase_add_test(tc, account_is_found_whatever_its_account_id_says);
	tcase_add_test(tc, token_has_256_bits);
	suite_add_tcase(suite, tc);

	return unit_run_here(suite, 120);
}

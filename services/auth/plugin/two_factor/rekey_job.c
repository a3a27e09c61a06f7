#include "auth/plugin/two_factor/rekey_job.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "auth/auth.h"
#include "auth/identity/encrypted_text.h"
#include "auth/log_events.h"
#include "auth/plugin/two_factor/two_factor_store.h"
#include "base/arena.h"
#include "base/attr.h"
#include "base/log.h"
#include "db/db.h"

enum { REKEY_LIMIT_S = 3600 };

struct rekeying {
	const struct auth *auth;
	struct db *db;
	int64_t rekeyed, unreadable;
};

/*
 * Encrypts a text anew in *text if that is necessary.  A text that begins with
 * "[" is not encrypted (backup_codes.h).
 */
static bool
rekey_text(struct rekeying *k, struct arena *a, const char **text)
{
	bool is_current;
	const char *plain;

	if (**text == '[')
		return false;
	plain = encrypted_text_read(k->auth, a, *text, &is_current);
	if (plain == NULL)
		k->unreadable++;
	if (plain == NULL || is_current)
		return false;
	*text = encrypted_text_write(k->auth, a, plain);
	return true;
}

/* A row that somebody changes at the same time is left for the next night. */
static enum err
rekey_row(struct rekeying *k, struct arena *a, const struct two_factor *row)
{
	const char *secret = row->secret, *codes = row->backup_codes;
	bool changed = rekey_text(k, a, &secret);
	enum err e;

	changed = rekey_text(k, a, &codes) || changed;
	if (!changed)
		return ERR_OK;
	e = two_factor_rekey(k->db, a, row, secret, codes);
	if (e == ERR_OK)
		k->rekeyed++;
	return e == ERR_NOT_FOUND ? ERR_OK : e;
}

/* Goes through the table in the order of the ids, some rows at a time. */
static enum err
rekey_all(struct rekeying *k, struct arena *a)
{
	struct arena *ids = arena_new();
	const char *after = "";
	const struct two_factor *rows;
	size_t count;
	enum err e;

	do {
		arena_reset(a);
		e = two_factor_select_after(k->db, a, after, &rows, &count);
		for (size_t i = 0; e == ERR_OK && i < count; i++)
			e = rekey_row(k, a, &rows[i]);
		if (e == ERR_OK && count > 0) {
			arena_reset(ids);
			after = arena_strdup(ids, rows[count - 1].id);
		}
	} while (e == ERR_OK && count > 0);
	arena_free(ids);
	return e;
}

static enum err
rekey(struct job *job, struct db *db, const void *payload UNUSED)
{
	struct rekeying k = { .auth = job->app, .db = db };
	struct arena *a = arena_new();
	enum err e = rekey_all(&k, a);

	arena_free(a);
	if (k.unreadable > 0)
		log_event(LOG_ERROR, EVENT_SECRET_UNREADABLE,
		    LOG_TEXT("table", "twoFactor"),
		    LOG_NUM("texts", k.unreadable));
	if (e == ERR_OK)
		job_set_result(
		    job, arena_printf(job->arena,
			     "{\"rekeyed\":%lld,\"unreadable\":%lld}",
			     (long long)k.rekeyed, (long long)k.unreadable));
	return e;
}

/* clang-format off */
const struct job_kind two_factor_jobs[] = {
	{ .name = "two-factor.rekey", .handle = rekey, .external = true,
	  .time_limit_s = REKEY_LIMIT_S, .max_attempts = 3 },
	{ 0 },
};

const struct job_schedule two_factor_schedules[] = {
	{ "two-factor.rekey", "27 3 * * *", .kind = "two-factor.rekey",
	  .single = true },
	{ 0 },
};
/* clang-format on */

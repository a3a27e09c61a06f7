#include "auth/mail/auth_mail_job.h"

#include <stdbool.h>
#include <string.h>

#include "auth/auth.h"
#include "auth/mail/auth_mail_store.h"
#include "base/arena.h"
#include "base/attr.h"
#include "base/digest.h"
#include "base/json.h"
#include "base/seal.h"
#include "db/db.h"
#include "job/job.h"
#include "mail/mail.h"

enum {
	TIME_LIMIT_S = 60, /* AUTH_MAIL_TIMEOUT_MS is less */
	BACKOFF_BASE_S = 5,
	BACKOFF_MAX_S = 900,
	/* Longer than any link is valid: a day and a half. */
	ATTEMPTS_MAX = 150,
};

struct send_in {
	const char *mail;
};

/* clang-format off */
static const struct field send_fields[] = {
	{ FIELD(struct send_in, mail, "mail"), .required = true, .min = 1,
	  .max = 64, .doc = "The id of a row of kedge_mail." },
	{ 0 },
};
/* clang-format on */

void
auth_mail_key(const char *secret, size_t len, unsigned char *ret_key)
{
	hkdf_sha256(secret, len, "kedge mail v1", ret_key);
}

/*
 * Decrypts the values of the message with the present secret, or with the one
 * before the last rotation.
 */
static const char *
open_values(
    const struct auth *auth, struct arena *a, const struct mail_row *row)
{
	unsigned char key[SEAL_KEY_SIZE];
	const char *values;

	auth_mail_key(auth->secret, auth->secret_len, key);
	values = seal_open(a, key, row->id, row->sealed);
	if (values == NULL && auth->secret_previous != NULL) {
		auth_mail_key(
		    auth->secret_previous, auth->secret_previous_len, key);
		values = seal_open(a, key, row->id, row->sealed);
	}
	explicit_bzero(key, sizeof(key));
	return values;
}

struct value_list {
	struct mail_value items[MAIL_VALUES_MAX + 1];
	size_t count;
};

static void
take_value(void *ctx, const char *name, const struct json *value)
{
	struct value_list *list = ctx;

	if (list->count < MAIL_VALUES_MAX &&
	    json_kind(value) == JSON_KIND_STRING)
		list->items[list->count++] = (struct mail_value){
			.name = name,
			.text = json_get_string(value),
		};
}

static bool
read_values(const struct auth *auth, struct arena *a,
    const struct mail_row *row, struct value_list *ret_list)
{
	const char *text = open_values(auth, a, row), *problem;
	const struct json *j;

	if (text == NULL)
		return false;
	j = json_read(a, text, strlen(text), &problem);
	*ret_list = (struct value_list){ 0 };
	json_each(j, take_value, ret_list);
	return j != NULL;
}

/*
 * Deletes the message, because its link must not stay in the database, and
 * discards the job.
 */
static enum err
give_up(struct job *job, struct db *db, const struct mail_row *row,
    const char *reason)
{
	enum err e = auth_mail_delete(db, job->arena, row->id);

	return e != ERR_OK ? e : job_discard(job, reason);
}

static enum err
attempt(struct job *job, struct db *db, const struct mail_row *row,
    const struct value_list *values)
{
	struct auth *auth = job->app;
	struct mail_result result;

	mail_send(auth->mailer, job->arena,
	    &(struct mail){
		.id = job->id,
		.template = row->kind,
		.to = row->recipient,
		.language = row->language,
		.values = values->items,
		.date_ms = row->created_ms,
	    },
	    &result);
	switch (result.outcome) {
	case MAIL_SENT:
		/*
		 * Committed at once, because the job is external: after that,
		 * the message is not sent again.
		 */
		return auth_mail_delete(db, job->arena, row->id);
	case MAIL_DEFERRED:
		return job_fail(job, ERR_UNAVAILABLE, result.reason);
	case MAIL_FAILED:
		break;
	}
	return give_up(job, db, row, result.reason);
}

static enum err
send(struct job *job, struct db *db, const void *payload)
{
	const struct send_in *in = payload;
	const struct auth *auth = job->app;
	struct value_list values;
	struct mail_row row;
	enum err e = auth_mail_select(db, job->arena, in->mail, &row);

	/*
	 * An earlier attempt has deleted the message, and the worker died
	 * before it stored that the job is complete.
	 */
	if (e == ERR_NOT_FOUND) {
		job_set_result(job,
		    "{\"note\":\"nothing is left to send: it was sent, or "
		    "given up, before\"}");
		return ERR_OK;
	}
	if (e != ERR_OK)
		return e;
	if (row.kind[0] == '\0') /* AUTH_MAIL_NOBODY */
		return auth_mail_delete(db, job->arena, row.id);
	if (row.is_expired)
		return give_up(job, db, &row,
		    "not sent: what is in the message has expired");
	if (auth->mailer == NULL)
		return job_fail(job, ERR_UNAVAILABLE,
		    "mail is off on this host: set AUTH_MAIL_URL");
	if (!read_values(auth, job->arena, &row, &values))
		return give_up(job, db, &row,
		    "not sent: AUTH_SECRET has changed since, and "
		    "AUTH_SECRET_PREVIOUS is not the old one");
	return attempt(job, db, &row, &values);
}

static enum err
sweep(struct job *job, struct db *db, const void *payload UNUSED)
{
	int64_t deleted;
	enum err e = auth_mail_sweep(db, job->arena, &deleted);

	if (e == ERR_OK)
		job_set_result(job, arena_printf(job->arena, "{\"mails\":%lld}",
					(long long)deleted));
	return e;
}

/* clang-format off */
const struct job_kind auth_mail_jobs[] = {
	{ .name = "mail.send", .handle = send, .external = true,
	  .payload = SCHEMA(struct send_in, send_fields),
	  .queue = AUTH_MAIL_QUEUE, .time_limit_s = TIME_LIMIT_S,
	  .max_attempts = ATTEMPTS_MAX,
	  .backoff = { BACKOFF_EXPONENTIAL, BACKOFF_BASE_S, BACKOFF_MAX_S },
	  .internal = true },
	{ .name = "mail.sweep", .handle = sweep, .max_attempts = 3 },
	{ 0 },
};

const struct job_schedule auth_mail_schedules[] = {
	{ "mail.sweep", "7 * * * *", .kind = "mail.sweep", .single = true },
	{ 0 },
};
/* clang-format on */

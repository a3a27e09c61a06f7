#include "auth/plugin/two_factor/otp.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "auth/auth.h"
#include "auth/identity/encrypted_text.h"
#include "auth/identity/user_store.h"
#include "auth/identity/verification.h"
#include "auth/mail/auth_mail.h"
#include "auth/plugin/two_factor/two_factor_config.h"
#include "base/arena.h"
#include "base/digest.h"
#include "base/random.h"
#include "db/db.h"
#include "web/request.h"

enum { DIGITS = 6, RANGE = 1000000 };

#define PREFIX "2fa-otp-"

/* A number below RANGE, all equally likely: larger values are drawn again. */
static void
new_code(char ret_code[DIGITS + 1])
{
	uint32_t n;

	do
		random_bytes(&n, sizeof(n));
	while (n >= UINT32_MAX / RANGE * RANGE);
	snprintf(ret_code, DIGITS + 1, "%0*u", DIGITS, n % RANGE);
}

struct sending {
	struct req *r;
	const struct user *user;
	const char *identifier;
	char code[DIGITS + 1];
};

static const struct db_stmt delete_old = {
	.name = "two_factor_otp_delete",
	.sql = "DELETE FROM verification WHERE identifier = $1",
	.nargs = 1,
};

/* The message and the code exist together, or neither does. */
static enum err
make(struct db *tx, struct arena *a, void *ctx)
{
	const struct sending *s = ctx;
	struct auth *auth = auth_of(s->r);
	int64_t ttl_s = two_factor_config(s->r)->otp_s;
	const struct mail_value values[] = { { "code", s->code },
		{ NULL, NULL } };
	enum err e = db_run(tx, a, &delete_old, DB_ARGS(s->identifier), NULL);

	if (e == ERR_OK)
		e = verification_create(tx, a, s->identifier,
		    arena_printf(
			a, "%s:0", encrypted_text_write(auth, a, s->code)),
		    ttl_s);
	if (e != ERR_OK)
		return e;
	return auth_mail_enqueue(s->r, tx, a,
	    &(struct auth_mail){
		.kind = &two_factor_mails[0],
		.to = s->user->email,
		.values = values,
		.ttl_s = ttl_s,
	    });
}

enum err
otp_send(struct req *r, const struct user *user, const char *key)
{
	struct sending s = {
		.r = r,
		.user = user,
		.identifier = arena_printf(r->arena, PREFIX "%s", key),
	};
	enum err e = auth_mail_charge(r, user->email, user->id);

	if (e != ERR_OK)
		return e;
	new_code(s.code);
	e = db_transact(auth_of(r)->process.db, r->arena, make, &s);
	explicit_bzero(s.code, sizeof(s.code));
	return e;
}

static const struct db_stmt count_try = {
	.name = "two_factor_otp_try",
	.sql = "UPDATE verification SET value = split_part(value, ':', 1)"
	       " || ':' || (split_part(value, ':', 2)::bigint + 1)"
	       " WHERE identifier = $1 AND value ~ ':[0-9]{1,9}$'"
	       " AND \"expiresAt\" > clock_timestamp()"
	       " RETURNING split_part(value, ':', 1),"
	       " split_part(value, ':', 2)::bigint",
	.nargs = 1,
};
enum { TRY_CODE, TRY_COUNT };

enum err
otp_use(struct req *r, const char *key, const char *code)
{
	struct auth *auth = auth_of(r);
	struct db *db = auth->process.db;
	const char *identifier = arena_printf(r->arena, PREFIX "%s", key);
	const char *right, *ignored;
	struct db_rows rows;
	enum err e =
	    db_run_one(db, r->arena, &count_try, DB_ARGS(identifier), &rows);

	if (e != ERR_OK)
		return e;
	if (db_get_i64(&rows, 0, TRY_COUNT) > OTP_TRIES)
		return ERR_RATE_LIMITED;
	right = encrypted_text_read(
	    auth, r->arena, db_get_text(&rows, 0, TRY_CODE), NULL);
	if (right == NULL || strlen(code) != strlen(right) ||
	    !digest_equal(code, right, strlen(right)))
		return ERR_UNAUTHENTICATED;
	return verification_consume(db, r->arena, identifier, &ignored);
}

#include "auth/plugin/email_verification/email_change.h"

#include <stddef.h>

#include "auth/auth.h"
#include "auth/identity/session.h"
#include "auth/identity/user_store.h"
#include "auth/identity/verification.h"
#include "auth/mail/auth_mail.h"
#include "auth/plugin/email_verification/email_verification_config.h"
#include "web/request.h"

enum { NOTICE_TTL_S = 2 * 86400 };

struct change {
	struct req *r;
	const struct user *user;
	const char *email; /* the address before the change */
	const char *new_email; /* NULL: it stays */
};

static enum err
mark(struct db *tx, struct arena *a, void *ctx, struct strings *ret_tokens)
{
	const struct change *c = ctx;
	enum err e = user_lock(tx, a, c->user->id);

	if (e == ERR_OK)
		e = user_store_email(tx, a, c->user->id, c->email,
		    /* new_email= */ NULL, /* verified= */ true);
	return e != ERR_OK
	           ? e
	           : session_tokens_of_user(tx, a, c->user->id, ret_tokens);
}

enum err
email_mark_verified(struct req *r, const struct user *user, const char *email)
{
	struct change c = { .r = r, .user = user, .email = email };

	return session_revoke(auth_of(r), r->arena, mark, &c);
}

static enum err
replace(struct db *tx, struct arena *a, void *ctx, struct strings *ret_tokens)
{
	const struct change *c = ctx;
	enum err e = user_lock(tx, a, c->user->id);

	if (e == ERR_OK)
		e = user_store_email(tx, a, c->user->id, c->email, c->new_email,
		    c->user->email_verified);
	if (e == ERR_OK)
		e = verification_drop(tx, a, "reset-password:", c->user->id);
	if (e == ERR_OK)
		e = verification_drop(tx, a, "delete-account-", c->user->id);
	if (e == ERR_OK)
		e = auth_mail_enqueue(c->r, tx, a,
		    &(struct auth_mail){
			.kind = &email_verification_mails[MAIL_CHANGED],
			.to = c->email,
			.ttl_s = NOTICE_TTL_S,
		    });
	return e != ERR_OK
	           ? e
	           : session_tokens_of_user(tx, a, c->user->id, ret_tokens);
}

enum err
email_change_apply(
    struct req *r, const struct user *user, const struct email_token *token)
{
	struct change c = {
		.r = r,
		.user = user,
		.email = token->email,
		.new_email = token->update_to,
	};

	return session_revoke(auth_of(r), r->arena, replace, &c);
}

#include "auth/plugin/email_verification/email_link.h"

#include <stddef.h>

#include "auth/auth.h"
#include "auth/mail/auth_mail.h"
#include "auth/plugin/email_verification/email_verification_config.h"
#include "base/arena.h"
#include "db/db.h"
#include "web/request.h"

enum err
email_link_enqueue(struct req *r, struct db *tx, struct arena *a, int mail,
    const char *to, const struct email_token *token, const char *callback_url)
{
	int64_t ttl_s = email_verification_config(r)->lifetime_s;
	const char *path = arena_printf(a, "/verify-email?token=%s&",
	    email_token_sign(auth_of(r), a, token, ttl_s));
	const struct mail_value values[] = {
		{ "url", auth_mail_link(r, path,
			     callback_url != NULL && *callback_url != '\0'
				 ? callback_url
				 : "/") },
		{ NULL, NULL },
	};

	return auth_mail_enqueue(r, tx, a,
	    &(struct auth_mail){
		.kind = &email_verification_mails[mail],
		.to = to,
		.values = values,
		.ttl_s = ttl_s,
	    });
}

struct sending {
	struct req *r;
	int mail;
	const char *to;
	const struct email_token *token;
	const char *callback_url;
};

static enum err
enqueue(struct db *tx, struct arena *a, void *ctx)
{
	const struct sending *s = ctx;

	return email_link_enqueue(
	    s->r, tx, a, s->mail, s->to, s->token, s->callback_url);
}

enum err
email_link_send(struct req *r, int mail, const char *to,
    const struct email_token *token, const char *callback_url)
{
	struct sending s = { r, mail, to, token, callback_url };

	return db_transact(auth_of(r)->process.db, r->arena, enqueue, &s);
}

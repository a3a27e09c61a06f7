/* email_link: makes the links that confirm an address, and sends them. */
#ifndef AUTH_EMAIL_LINK_H
#define AUTH_EMAIL_LINK_H

#include "auth/plugin/email_verification/email_token.h"
#include "base/attr.h"
#include "base/err.h"

struct arena;
struct db;
struct req;

/*
 * Enqueues the message `mail` (enum of email_verification_config.h) with a link
 * of this token to `to`; NULL: to nobody, see struct auth_mail.
 */
MUST_CHECK enum err email_link_enqueue(struct req *r, struct db *tx,
    struct arena *a, int mail, const char *to, const struct email_token *token,
    const char *callback_url);
/* Calls email_link_enqueue() in a transaction of its own. */
MUST_CHECK enum err email_link_send(struct req *r, int mail, const char *to,
    const struct email_token *token, const char *callback_url);

#endif

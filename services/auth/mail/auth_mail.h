/*
 * auth_mail: the messages that auth sends to its users.
 *
 * A message is enqueued in the transaction that makes the token in it: either
 * both exist, or neither.  A row of kedge_mail has what the message needs, with
 * its values encrypted (base/seal.h) under a key derived from AUTH_SECRET; the
 * job mail.send knows only the row's id, so administrators who look at jobs see
 * no link.  The row is deleted as soon as the mail server has taken the message
 * over, or has refused it for good.
 *
 * How often one address, and one user, can be sent mail is limited
 * (auth_mail_charge()), so that nobody can flood a mailbox.
 */
#ifndef AUTH_AUTH_MAIL_H
#define AUTH_AUTH_MAIL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"
#include "mail/mail.h"

struct arena;
struct auth;
struct auth_config;
struct auth_plugin;
struct db;
struct plugin_set;
struct req;

/*
 * A message that a plugin sends: the name of its template (mail/NAME.en.txt),
 * and the names of its values.  Every message also has the value `site`, the
 * host of AUTH_URL, and `lifetime`, the validity of its link or code in
 * minutes.
 */
struct auth_mail_kind {
	const char *name; /* NULL ends the list */
	const char *const *values; /* ended by NULL */
};

struct auth_mail {
	const struct auth_mail_kind *kind;
	/*
	 * NULL: to nobody.  Then the same is written to the database, and
	 * nothing is sent, so that a request for an address that nobody has
	 * takes as long as one for a user's.
	 */
	const char *to;
	const struct mail_value
	    *values; /* the values that this kind of message has */
	int64_t ttl_s; /* afterwards the message is of no use, and not sent */
};

/* Whether mail can be sent at all (AUTH_MAIL_URL). */
bool auth_mail_is_on(const struct auth *auth);

/*
 * Counts a message to this address, and for this user (an id, or NULL for
 * none).  When there have been too many, refuses with 429 and Retry-After.  For
 * a request without a session, call it before the address is looked up, so that
 * the answer says nothing about who exists.
 */
MUST_CHECK enum err
auth_mail_charge(struct req *r, const char *to, const char *user_id);

/*
 * Enqueues the message in the transaction; does nothing when mail is off.  The
 * request tells the language that its client prefers.  An address that mail
 * cannot reach (mail/mail_address.h) is logged, and counts as sent: the answer
 * must not depend on it.
 */
MUST_CHECK enum err auth_mail_enqueue(struct req *r, struct db *tx,
    struct arena *a, const struct auth_mail *mail);

/*
 * Returns a link for a message: "ORIGIN/api/auth", then `path`, then the
 * parameter callbackURL.  `path` must end in "?" or "&".
 */
const char *
auth_mail_link(struct req *r, const char *path, const char *callback_url);

/* The part that auth always has: the job and its variables. */
extern const struct auth_plugin auth_mail_part;

/*
 * Checks the templates for all messages of the plugins that are on.  False:
 * logged.
 */
MUST_CHECK bool
auth_mail_check(const struct mail_config *config, const struct plugin_set *set);

#endif

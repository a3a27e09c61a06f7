/*
 * plugin: the declaration of a plugin of auth.
 *
 * Each plugin of BetterAuth that Kedge has is a folder plugin/NAME/, and this
 * struct is all that the rest of auth sees of it. plugins.c lists the structs
 * in one table; AUTH_PLUGINS says which of them are on.  At start plugin_set.h
 * combines them with auth's own parts, and refuses two that claim the same
 * name.  README.md explains how to write a plugin.
 */
#ifndef AUTH_PLUGIN_H
#define AUTH_PLUGIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "web/schema.h"

struct arena;
struct auth;
struct auth_mail_kind;
struct config_var;
struct credential;
struct db;
struct job_kind;
struct job_schedule;
struct plugin_set;
struct refusal;
struct req;
struct route;
struct signin;
struct user;

enum {
	COLUMNS_MAX = 32, /* of one table, of all plugins together */
	CLAIMS_MORE_MAX = 8,
};

/*
 * A column that a plugin adds to "user" or session, in its own migration; or
 * one of the application (identity/additional_fields.h).
 */
struct auth_column {
	const char *column; /* NULL ends the list */
	const char *name; /* on the wire */
	enum column_type {
		COLUMN_TEXT,
		COLUMN_BOOL,
		COLUMN_TIME,
		COLUMN_NUMBER, /* an integer, if a client may set it */
		COLUMN_STRINGS, /* jsonb: an array of strings */
	} type;
	/* The value in a new row, in PostgreSQL's text format; NULL: NULL. */
	const char *fallback;
	/*
	 * Whether a client may set it, by sign-up and update-user. Otherwise a
	 * value that JavaScript takes for true is refused or, on sign-up, if
	 * there is a fallback, replaced by the fallback.
	 */
	bool from_client;
	/*
	 * A sign-up must set it, unless there is a fallback; it cannot become
	 * NULL.
	 */
	bool is_required;
	bool is_hidden; /* it is in no response */
	/*
	 * The column is unique; account_find_by() can find a user by its value.
	 */
	bool is_key;
	const char *doc;
};

/* The new values of the plugins' columns in a user's row, in composed order. */
struct column_values {
	const char *texts[COLUMNS_MAX];
	bool set[COLUMNS_MAX]; /* not set: unchanged, or the fallback */
};

/*
 * An additional claim of a session, which verify caches as text.  An SQL
 * expression over `session AS s` and "user" AS u; NULL counts as "".  The data
 * that it reads may only be changed through session_revoke() (session.h).
 */
struct auth_claim {
	const char *name; /* NULL ends the list */
	const char *sql;
	bool asserted; /* services see it, in the assertion's `claims` */
};

/* A signed cookie (http/auth_cookie.h); the prefixes are put before its name.
 */
struct auth_cookie {
	const char *name; /* NULL ends the list */
};

/*
 * The places where a plugin takes part in requests.  Each may be NULL.  The
 * hooks of all plugins that are on are called in the order of plugins.c; the
 * first one that does not return ERR_OK ends the request.
 */
struct auth_hooks {
	/*
	 * Called at start with the settings: NULL, or a sentence that says
	 * which variable is wrong and what it must be.
	 */
	const char *(*problem)(const struct auth *auth);
	/* Called once at start: for tables that depend on the whole set. */
	void (*compose)(const struct plugin_set *set);
	/*
	 * Called for a request of the API, after the origin check, before the
	 * schema.
	 */
	enum err (*screen)(struct req *r);
	/*
	 * Whether the request has a credential of the plugin's kind, which then
	 * takes precedence over its cookies.  verify calls it, too: it must not
	 * wait.
	 */
	bool (*credential)(const struct req *r, struct credential *ret);
	/* Called before a row of "user" is inserted by sign-up, or changed. */
	enum err (*before_user)(
	    struct req *r, bool creating, struct column_values *values);
	/*
	 * Whether sign-up begins no session, because the new user must prove
	 * something first.  Then sign-up also answers for an address that a
	 * user has as for a new one.
	 */
	bool (*withholds_session)(const struct req *r);
	/*
	 * Called in the transaction that creates a user by sign-up.  `user` is
	 * NULL when sign-up only pretends to create one: then the hook writes
	 * as much, to no effect.
	 */
	enum err (*on_sign_up)(struct req *r, struct db *tx, struct arena *a,
	    const struct user *user);
	/*
	 * Called when the proof is valid and the user not banned, and there is
	 * no session yet.  *ret_answered: the plugin has answered instead,
	 * because it requires something else first (a second factor).
	 */
	enum err (*before_sign_in)(
	    struct req *r, const struct signin *in, bool *ret_answered);
	/* Called when a session has begun, and its cookie is set. */
	void (*after_sign_in)(
	    struct req *r, const struct user *user, const char *token);
	/*
	 * Called when the response sets the session's cookie; `value` is
	 * "TOKEN.MAC".
	 */
	void (*session_cookie)(struct req *r, const char *value);
	/*
	 * Called in the transaction that replaces a password which its owner
	 * has forgotten, or deletes the user: what else lets somebody in as
	 * this user, such as trusted devices and codes, must end.
	 */
	enum err (*on_reset)(
	    struct db *tx, struct arena *a, const char *user_id);
	/* Called in the transaction that ends these sessions. */
	enum err (*on_revoke)(
	    struct db *tx, struct arena *a, const struct strings *tokens);
};

struct auth_plugin {
	const char *name; /* as in AUTH_PLUGINS and in BetterAuth's manual */
	const struct route *routes; /* each row has its own rate rule */
	const struct auth_column *user_columns, *session_columns;
	const struct refusal *refusals; /* ended by a NULL code */
	const struct auth_cookie *cookies;
	/*
	 * Offsets are into the plugin's own struct of config_size bytes, which
	 * plugin_config() returns when it is given these rows.  The variables
	 * are read whether the plugin is on or off.
	 */
	const struct config_var *vars;
	size_t config_size;
	const struct job_kind *jobs;
	const struct job_schedule *schedules;
	const struct auth_mail_kind *mails; /* messages (mail/auth_mail.h) */
	const struct auth_claim *claims;
	const struct auth_hooks *hooks;
	/*
	 * Its hook before_sign_in asks every user whose twoFactorEnabled is
	 * true for the second factor. Without such a plugin these users cannot
	 * sign in.
	 */
	bool asks_second_factor;
};

#endif

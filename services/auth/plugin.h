/*
 * plugin: what a plugin of auth declares.
 *
 * What BetterAuth keeps in a plugin is a folder plugin/NAME/ of ours, and this
 * struct is all that the rest of auth sees of it.  plugins.c names the structs
 * in one table; AUTH_PLUGINS says which of them are on.  At start plugin_set.h
 * composes them with what auth has in any case, and refuses two that claim the
 * same.  README.md tells how to write one.
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

/* A column that a plugin adds to "user" or session, in a migration of its own.
 */
struct auth_column {
	const char *column; /* NULL ends the list */
	const char *name; /* on the wire */
	enum column_type { COLUMN_TEXT, COLUMN_BOOL, COLUMN_TIME } type;
	/* Of a new row, as PostgreSQL reads it; NULL: NULL. */
	const char *fallback;
	/*
	 * A client may set it, by sign-up and update-user; such a column is
	 * text.  Otherwise a value that JavaScript takes for true is refused;
	 * on sign-up, if there is a fallback, replaced by that.
	 */
	bool from_client;
	/* Unique; a user's account can be found by it (account_find()). */
	bool is_key;
	const char *doc;
};

/* What a user's row shall hold of the plugins' columns, in composed order. */
struct column_values {
	const char *texts[COLUMNS_MAX];
	bool set[COLUMNS_MAX]; /* not set: as it is, or the fallback */
};

/*
 * What verify remembers of a session besides what it always does, as text.  An
 * SQL expression over `session AS s` and "user" AS u; NULL counts as "".  What
 * it is made of may change through session_revoke() alone (session.h).
 */
struct auth_claim {
	const char *name; /* NULL ends the list */
	const char *sql;
	bool asserted; /* services see it, in the assertion's `claims` */
};

/* A cookie; its whole name has the prefixes before it. */
struct auth_cookie {
	const char *name; /* NULL ends the list */
};

/*
 * Where a plugin takes part in what others do.  Any may be NULL.  Hooks of all
 * plugins that are on are called in the order of plugins.c; the first that does
 * not return ERR_OK ends the request.
 */
struct auth_hooks {
	/* Once, at start: for tables that are made of the whole set. */
	void (*compose)(const struct plugin_set *set);
	/* A request of the API, after the origin's check, before its schema. */
	enum err (*screen)(struct req *r);
	/*
	 * Whether the request carries a credential of the plugin's kind, which
	 * then goes before its cookies.  Called by verify, too: must not wait.
	 */
	bool (*credential)(const struct req *r, struct credential *ret);
	/* A row of "user" is about to be written: by sign-up, or changed. */
	enum err (*before_user)(
	    struct req *r, bool creating, struct column_values *values);
	/*
	 * The proof is good and the user not banned, and there is no session
	 * yet.  *ret_answered: the plugin has answered instead, and wants to
	 * see something else first (a second factor).
	 */
	enum err (*before_sign_in)(
	    struct req *r, const struct signin *in, bool *ret_answered);
	/* A session has begun, and its cookie is set. */
	void (*after_sign_in)(
	    struct req *r, const struct user *user, const char *token);
	/* The answer sets the session's cookie; `value` is "TOKEN.MAC". */
	void (*session_cookie)(struct req *r, const char *value);
	/* In the transaction that ends these sessions. */
	enum err (*on_revoke)(
	    struct db *tx, struct arena *a, const struct strings *tokens);
};

struct auth_plugin {
	const char *name; /* as in AUTH_PLUGINS and in BetterAuth's manual */
	const struct route *routes; /* each row carries its own rate rule */
	const struct auth_column *user_columns, *session_columns;
	const struct refusal *refusals; /* ended by a NULL code */
	const struct auth_cookie *cookies;
	/*
	 * Offsets are into a struct of the plugin's own, of config_size bytes;
	 * plugin_config() gives it.  Read whether the plugin is on or off.
	 */
	const struct config_var *vars;
	size_t config_size;
	const struct job_kind *jobs;
	const struct job_schedule *schedules;
	const struct auth_claim *claims;
	const struct auth_hooks *hooks;
};

#endif

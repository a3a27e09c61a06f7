#include "auth/identity/user.h"

#include <string.h>

#include "auth/auth.h"
#include "auth/identity/account_store.h"
#include "auth/identity/second_factor.h"
#include "auth/identity/session.h"
#include "auth/identity/session_store.h"
#include "auth/identity/user_store.h"
#include "base/arena.h"

enum err
user_update(struct auth *auth, struct arena *a, const char *user_id,
    const struct user_change *change)
{
	return user_store_update(auth->process.db, a, user_id, change);
}

struct fact {
	const char *user_id;
	const char *role; /* or */
	const char *service;
};

/*
 * Changes data that assertions contain, and so invalidates the user's sessions.
 */
static enum err
change_fact(
    struct db *tx, struct arena *a, void *ctx, struct strings *ret_tokens)
{
	const struct fact *fact = ctx;
	enum err e = user_lock(tx, a, fact->user_id);

	if (e != ERR_OK)
		return e;
	e = fact->role != NULL
	        ? user_store_role(tx, a, fact->user_id, fact->role)
	        : user_store_account(tx, a, fact->user_id, fact->service);
	if (e != ERR_OK)
		return e;
	return session_tokens_of_user(tx, a, fact->user_id, ret_tokens);
}

/* An operator's action on a user, and the audit row of it. */
struct deed {
	struct auth *auth;
	const struct audit_who *who;
	struct audit_act act; /* object_id is the user's id */
	const char *email;
	const char *role;
	const struct user_ban *ban;
	bool had_second_factor; /* set by remove_second_factor() */
};

static const char *
ban_object(struct arena *a, bool is_banned, const struct user_ban *ban)
{
	const struct audit_value values[] = {
		{ "banned", is_banned ? "true" : "false" },
		{ "reason", is_banned ? ban->reason : NULL },
		{ "until", is_banned ? ban->expires_at : NULL },
		{ NULL, NULL },
	};

	return audit_object(a, values);
}

static const char *
role_object(struct arena *a, const char *role)
{
	const struct audit_value values[] = {
		{ "role", role },
		{ NULL, NULL },
	};

	return audit_object(a, values);
}

/* Locks the user, and reads the values before the change for the audit row. */
static enum err
begin_deed(struct db *tx, struct arena *a, const struct deed *d,
    struct user_facts *ret_facts)
{
	enum err e = user_lock(tx, a, d->act.object_id);

	return e != ERR_OK ? e : user_store_facts(tx, a, d->email, ret_facts);
}

static enum err
change_role(
    struct db *tx, struct arena *a, void *ctx, struct strings *ret_tokens)
{
	struct fact fact = { 0 };
	struct user_facts before;
	struct deed *d = ctx;
	enum err e = begin_deed(tx, a, d, &before);

	if (e != ERR_OK)
		return e;
	d->act.before = role_object(a, before.role);
	d->act.after = role_object(a, d->role);
	fact.user_id = d->act.object_id;
	fact.role = d->role;
	e = change_fact(tx, a, &fact, ret_tokens);
	return e != ERR_OK ? e : audit_write(tx, a, d->who, &d->act);
}

static enum err
change_ban(
    struct db *tx, struct arena *a, void *ctx, struct strings *ret_tokens)
{
	struct user_facts before;
	struct deed *d = ctx;
	enum err e = begin_deed(tx, a, d, &before);

	if (e != ERR_OK)
		return e;
	d->act.before = ban_object(a, before.is_banned,
	    &(struct user_ban){ before.ban_reason, before.ban_expires_at });
	d->act.after = ban_object(a, d->ban != NULL, d->ban);
	e = user_store_ban(tx, a, d->act.object_id, d->ban);
	if (e == ERR_OK)
		e = audit_write(tx, a, d->who, &d->act);
	if (e != ERR_OK)
		return e;
	if (d->ban == NULL)
		return session_tokens_of_user(
		    tx, a, d->act.object_id, ret_tokens);
	return session_end_all_in(d->auth, tx, a, d->act.object_id,
	    /* kept_token= */ NULL, ret_tokens);
}

static enum err
end_sessions(
    struct db *tx, struct arena *a, void *ctx, struct strings *ret_tokens)
{
	struct deed *d = ctx;
	enum err e = session_end_all_in(d->auth, tx, a, d->act.object_id,
	    /* kept_token= */ NULL, ret_tokens);

	return e != ERR_OK ? e : audit_write(tx, a, d->who, &d->act);
}

/* Assertions do not contain it, but sessions that are cached do. */
static enum err
remove_second_factor(
    struct db *tx, struct arena *a, void *ctx, struct strings *ret_tokens)
{
	struct deed *d = ctx;
	enum err e = user_lock(tx, a, d->act.object_id);

	if (e == ERR_OK)
		e = second_factor_remove(
		    tx, a, d->act.object_id, &d->had_second_factor);
	if (e != ERR_OK || !d->had_second_factor)
		return e;
	e = audit_write(tx, a, d->who, &d->act);
	if (e != ERR_OK)
		return e;
	return session_tokens_of_user(tx, a, d->act.object_id, ret_tokens);
}

static enum err
do_deed(struct arena *a, struct deed *d, session_change *change)
{
	enum err e =
	    user_find_id(d->auth->process.db, a, d->email, &d->act.object_id);

	if (e != ERR_OK)
		return e;
	d->act.object_kind = "user";
	return session_revoke(d->auth, a, change, d);
}

enum err
user_set_role(struct auth *auth, struct arena *a, const struct audit_who *who,
    const char *email, const char *role)
{
	struct deed d = {
		.auth = auth,
		.who = who,
		.act.action = "user.role",
		.email = email,
		.role = role,
	};

	return do_deed(a, &d, change_role);
}

enum err
user_set_ban(struct auth *auth, struct arena *a, const struct audit_who *who,
    const char *email, const struct user_ban *ban)
{
	struct deed d = {
		.auth = auth,
		.who = who,
		.act.action = ban != NULL ? "user.ban" : "user.unban",
		.email = email,
		.ban = ban,
	};

	return do_deed(a, &d, change_ban);
}

enum err
user_sign_out(struct auth *auth, struct arena *a, const struct audit_who *who,
    const char *email)
{
	struct deed d = {
		.auth = auth,
		.who = who,
		.act.action = "user.sign-out",
		.email = email,
	};

	return do_deed(a, &d, end_sessions);
}

enum err
user_remove_second_factor(struct auth *auth, struct arena *a,
    const struct audit_who *who, const char *email, bool *ret_had)
{
	struct deed d = {
		.auth = auth,
		.who = who,
		.act.action = "user.two-factor-off",
		.email = email,
	};
	enum err e = do_deed(a, &d, remove_second_factor);

	*ret_had = d.had_second_factor;
	return e;
}

/* Writes a row without before and after; `who` NULL: none. */
static enum err
note(struct db *tx, struct arena *a, const struct audit_who *who,
    const char *action, const char *user_id)
{
	const struct audit_act act = {
		.action = action, .object_kind = "user", .object_id = user_id
	};

	return who != NULL ? audit_write(tx, a, who, &act) : ERR_OK;
}

struct password_set {
	struct auth *auth;
	const struct audit_who *who;
	const char *user_id;
	const char *hash;
};

static enum err
set_password(
    struct db *tx, struct arena *a, void *ctx, struct strings *ret_tokens)
{
	const struct password_set *set = ctx;
	enum err e = user_lock(tx, a, set->user_id);

	if (e == ERR_OK)
		e = account_set_password(tx, a, set->user_id, set->hash);
	if (e == ERR_OK)
		e = note(tx, a, set->who, "user.password", set->user_id);
	if (e != ERR_OK)
		return e;
	return session_end_all_in(set->auth, tx, a, set->user_id,
	    /* kept_token= */ NULL, ret_tokens);
}

enum err
user_set_password(struct auth *auth, struct arena *a,
    const struct audit_who *who, const char *user_id, const char *password_hash)
{
	struct password_set set = { auth, who, user_id, password_hash };

	return session_revoke(auth, a, set_password, &set);
}

struct deletion {
	struct auth *auth;
	const struct audit_who *who;
	const char *user_id;
};

static enum err
delete_all(
    struct db *tx, struct arena *a, void *ctx, struct strings *ret_tokens)
{
	const struct deletion *deletion = ctx;
	enum err e = user_lock(tx, a, deletion->user_id);

	/* First the sessions, whose cached copies are invalidated. */
	if (e == ERR_OK)
		e = session_end_all_in(deletion->auth, tx, a, deletion->user_id,
		    /* kept_token= */ NULL, ret_tokens);
	if (e == ERR_OK)
		e = user_store_delete(tx, a, deletion->user_id);
	return e != ERR_OK ? e
	                   : note(tx, a, deletion->who, "user.delete",
				 deletion->user_id);
}

enum err
user_delete(struct auth *auth, struct arena *a, const struct audit_who *who,
    const char *user_id)
{
	struct deletion deletion = { auth, who, user_id };

	return session_revoke(auth, a, delete_all, &deletion);
}

enum err
user_provision(struct auth *auth, struct arena *a, const char *user_id,
    const char *service)
{
	struct fact fact = { .user_id = user_id, .service = service };

	return session_revoke(auth, a, change_fact, &fact);
}

struct strings
user_list(struct arena *a, const char *list)
{
	const char **items = NULL;
	size_t count = 0;

	for (const char *p = list; *p != '\0' && count < USER_LIST_MAX;) {
		size_t len = strcspn(p, ","), blanks = strspn(p, " \t");
		const char *item = p + (blanks < len ? blanks : len);
		size_t item_len = len - (size_t)(item - p);

		while (
		    item_len > 0 && strchr(" \t", item[item_len - 1]) != NULL)
			item_len--;
		if (item_len > 0) {
			if (items == NULL)
				items = arena_alloc(
				    a, USER_LIST_MAX * sizeof(*items));
			items[count++] = arena_strndup(a, item, item_len);
		}
		p += len + (p[len] == ',');
	}
	return (struct strings){ .items = items, .count = count };
}

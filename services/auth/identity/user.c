#include "auth/identity/user.h"

#include <string.h>

#include "auth/auth.h"
#include "auth/identity/account_store.h"
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

enum err
user_set_role(
    struct auth *auth, struct arena *a, const char *email, const char *role)
{
	struct fact fact = { .role = role };
	enum err e = user_find_id(auth->process.db, a, email, &fact.user_id);

	if (e != ERR_OK)
		return e;
	return session_revoke(auth, a, change_fact, &fact);
}

struct ban_change {
	struct auth *auth;
	const char *user_id;
	const struct user_ban *ban;
};

static enum err
change_ban(
    struct db *tx, struct arena *a, void *ctx, struct strings *ret_tokens)
{
	const struct ban_change *change = ctx;
	enum err e = user_lock(tx, a, change->user_id);

	if (e == ERR_OK)
		e = user_store_ban(tx, a, change->user_id, change->ban);
	if (e != ERR_OK)
		return e;
	if (change->ban == NULL)
		return session_tokens_of_user(
		    tx, a, change->user_id, ret_tokens);
	return session_end_all_in(change->auth, tx, a, change->user_id,
	    /* kept_token= */ NULL, ret_tokens);
}

enum err
user_set_ban(struct auth *auth, struct arena *a, const char *email,
    const struct user_ban *ban)
{
	struct ban_change change = { .auth = auth, .ban = ban };
	enum err e = user_find_id(auth->process.db, a, email, &change.user_id);

	if (e != ERR_OK)
		return e;
	return session_revoke(auth, a, change_ban, &change);
}

struct password_set {
	struct auth *auth;
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
	if (e != ERR_OK)
		return e;
	return session_end_all_in(set->auth, tx, a, set->user_id,
	    /* kept_token= */ NULL, ret_tokens);
}

enum err
user_set_password(struct auth *auth, struct arena *a, const char *user_id,
    const char *password_hash)
{
	struct password_set set = { auth, user_id, password_hash };

	return session_revoke(auth, a, set_password, &set);
}

struct deletion {
	struct auth *auth;
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
	return e != ERR_OK ? e : user_store_delete(tx, a, deletion->user_id);
}

enum err
user_delete(struct auth *auth, struct arena *a, const char *user_id)
{
	struct deletion deletion = { auth, user_id };

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

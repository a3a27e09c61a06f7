#include "auth/identity/user_cli_act.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "auth/auth.h"
#include "auth/identity/columns.h"
#include "auth/identity/email.h"
#include "auth/identity/session.h"
#include "auth/identity/user.h"
#include "base/arena.h"
#include "base/attr.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/str.h"
#include "base/utf8.h"

enum { FAILED = 1, USAGE = -1, REASON_MAX_BYTES = 1000, TEXT_MAX = 64 * 1024 };

static int
fail(const char *what)
{
	fprintf(stderr, "auth: %s\n", what);
	return FAILED;
}

static int
result(enum err e)
{
	if (e == ERR_OK)
		return 0;
	if (e == ERR_NOT_FOUND)
		return fail("there is no user with that address");
	return fail(e == ERR_UNAVAILABLE ? "the database is away"
					 : "it failed; the log says why");
}

static void
put(struct buf *b, const char *name, const char *text)
{
	buf_printf(b, "%s\"%s\":", b->len > 1 ? "," : "", name);
	json_write_string(b, text);
}

static int
print_json(struct arena *a, const struct user_facts *u)
{
	struct buf b;

	buf_init(&b, a, TEXT_MAX);
	buf_putc(&b, '{');
	put(&b, "id", u->id);
	put(&b, "email", u->email);
	buf_printf(
	    &b, ",\"emailVerified\":%s", u->email_verified ? "true" : "false");
	put(&b, "name", u->name);
	put(&b, "role", u->role);
	buf_printf(&b, ",\"banned\":%s", u->is_banned ? "true" : "false");
	put(&b, "banReason", u->ban_reason);
	put(&b, "banExpires", u->ban_expires_at);
	put(&b, "services", u->accounts);
	buf_printf(&b, ",\"sessions\":%lld", (long long)u->sessions);
	put(&b, "createdAt", u->created_at);
	buf_puts(&b, "}\n");
	return buf_failed(&b) || fputs(b.data, stdout) == EOF
	           ? fail("the user was not printed")
	           : 0;
}

static int
show(struct auth *auth, struct arena *a, const char *email, int argc,
    char **argv)
{
	bool json = argc == 1 && str_eq(argv[0], "--json");
	struct user_facts u;
	enum err e;

	if (argc > 0 && !json)
		return USAGE;
	e = user_store_facts(auth->process.db, a, email, &u);
	if (e != ERR_OK)
		return result(e);
	if (json)
		return print_json(a, &u);
	printf("id        %s\nemail     %s%s\nname      %s\nrole      %s\n"
	       "services  %s\nsessions  %lld\ncreated   %s\n",
	    u.id, u.email, u.email_verified ? " (verified)" : "", u.name,
	    u.role != NULL ? u.role : "user", u.accounts, (long long)u.sessions,
	    u.created_at);
	if (u.is_banned)
		printf("banned    %s%s%s\n",
		    u.ban_expires_at != NULL ? "until " : "until it is lifted",
		    u.ban_expires_at != NULL ? u.ban_expires_at : "",
		    u.ban_reason != NULL ? arena_printf(a, ": %s", u.ban_reason)
					 : "");
	return 0;
}

static int
ban(struct auth *auth, struct arena *a, const char *email, int argc,
    char **argv)
{
	struct user_ban ban = { 0 };
	int64_t ms;

	for (int i = 0; i < argc; i++) {
		if (str_eq(argv[i], "--reason") && i + 1 < argc)
			ban.reason = argv[++i];
		else if (str_eq(argv[i], "--until") && i + 1 < argc)
			ban.expires_at = argv[++i];
		else
			return USAGE;
	}
	if (columns_find(&auth->plugins->user_columns, "banned") < 0)
		return fail("the plugin admin is off: there are no bans");
	if (ban.reason != NULL &&
	    (strlen(ban.reason) > REASON_MAX_BYTES ||
		!utf8_valid(ban.reason, strlen(ban.reason))))
		return fail("the reason is not UTF-8, or too long: 1000 bytes "
			    "at most");
	if (ban.expires_at != NULL && !clock_read(ban.expires_at, &ms))
		return fail("--until needs a time like 2027-01-31T12:00:00Z");
	return result(user_set_ban(auth, a, email, &ban));
}

static int
unban(struct auth *auth, struct arena *a, const char *email, int argc,
    char **argv UNUSED)
{
	return argc > 0 ? USAGE
	                : result(user_set_ban(auth, a, email, /* ban= */ NULL));
}

static int
sign_out(struct auth *auth, struct arena *a, const char *email, int argc,
    char **argv UNUSED)
{
	const char *user_id;
	enum err e;

	if (argc > 0)
		return USAGE;
	e = user_find_id(auth->process.db, a, email, &user_id);
	if (e == ERR_OK)
		e = session_end_all(auth, a, user_id, /* kept_token= */ NULL);
	return result(e);
}

static const struct {
	const char *name;
	int (*run)(struct auth *auth, struct arena *a, const char *email,
	    int argc, char **argv);
} acts[] = {
	{ "show", show },
	{ "ban", ban },
	{ "unban", unban },
	{ "sign-out", sign_out },
};

bool
user_cli_act(
    struct auth *auth, struct arena *a, int argc, char **argv, int *ret_status)
{
	for (size_t i = 0; i < COUNT_OF(acts); i++) {
		if (!str_eq(acts[i].name, argv[0]))
			continue;
		if (argc < 2)
			*ret_status = USAGE;
		else if (!email_valid(argv[1]))
			*ret_status = result(ERR_NOT_FOUND);
		else
			*ret_status = acts[i].run(auth, a,
			    email_canonical(a, argv[1]), argc - 2, argv + 2);
		return true;
	}
	return false;
}

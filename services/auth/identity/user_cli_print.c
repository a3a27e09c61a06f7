#include "auth/identity/user_cli_print.h"

#include <stdio.h>

#include "auth/identity/session_store.h"
#include "auth/identity/user_store.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/json.h"

/*
 * room for one user or session as JSON, in which a name or a reason may be long
 */
enum { TEXT_MAX = 1 << 20 };

int
user_cli_fail(const char *what)
{
	fprintf(stderr, "auth: %s\n", what);
	return USER_CLI_FAILED;
}

int
user_cli_result(enum err e)
{
	if (e == ERR_OK)
		return 0;
	if (e == ERR_NOT_FOUND)
		return user_cli_fail("there is no user with that address");
	return user_cli_fail(e == ERR_UNAVAILABLE
				 ? "the database is away"
				 : "it failed; the log says why");
}

static void
put(struct buf *b, const char *name, const char *text)
{
	buf_printf(b, "%s\"%s\":", b->data[b->len - 1] == '{' ? "" : ",", name);
	json_write_string(b, text);
}

static void
put_bool(struct buf *b, const char *name, bool value)
{
	buf_printf(b, ",\"%s\":%s", name, value ? "true" : "false");
}

static bool
print(const struct buf *b)
{
	return !buf_failed(b) && fputs(b->data, stdout) != EOF;
}

/* -- one user -- */

static bool
print_facts_json(
    struct arena *a, const struct user_facts *u, const char *password)
{
	struct buf b;

	buf_init(&b, a, TEXT_MAX);
	buf_putc(&b, '{');
	put(&b, "id", u->id);
	put(&b, "email", u->email);
	put_bool(&b, "emailVerified", u->email_verified);
	put(&b, "name", u->name);
	put(&b, "role", u->role);
	put_bool(&b, "banned", u->is_banned);
	put(&b, "banReason", u->ban_reason);
	put(&b, "banExpires", u->ban_expires_at);
	put_bool(&b, "twoFactorEnabled", u->has_second_factor);
	put(&b, "services", u->accounts);
	buf_printf(&b, ",\"sessions\":%lld", (long long)u->sessions);
	put(&b, "createdAt", u->created_at);
	if (password != NULL)
		put(&b, "password", password);
	buf_puts(&b, "}\n");
	return print(&b);
}

static bool
print_facts_text(
    struct arena *a, const struct user_facts *u, const char *password)
{
	struct buf b;

	buf_init(&b, a, TEXT_MAX);
	buf_printf(&b,
	    "id          %s\nemail       %s%s\nname        %s\n"
	    "role        %s\ntwo-factor  %s\nservices    %s\n"
	    "sessions    %lld\ncreated     %s\n",
	    u->id, u->email, u->email_verified ? " (verified)" : "", u->name,
	    u->role != NULL ? u->role : "user",
	    u->has_second_factor ? "enabled" : "off", u->accounts,
	    (long long)u->sessions, u->created_at);
	if (u->is_banned)
		buf_printf(&b, "banned      %s%s%s%s\n",
		    u->ban_expires_at != NULL ? "until " : "until it is lifted",
		    u->ban_expires_at != NULL ? u->ban_expires_at : "",
		    u->ban_reason != NULL ? ": " : "",
		    u->ban_reason != NULL ? u->ban_reason : "");
	if (password != NULL)
		buf_printf(&b, "password    %s\n", password);
	return print(&b);
}

int
user_cli_print_facts(struct arena *a, const struct user_facts *u,
    const char *password, bool as_json)
{
	return (as_json ? print_facts_json : print_facts_text)(a, u, password)
	           ? 0
	           : user_cli_fail("the user was not printed");
}

/* -- lists -- */

bool
user_cli_print_listed(
    struct arena *a, const struct user_listed *u, int n, bool as_json)
{
	struct buf b;

	if (!as_json)
		return printf("%s\t%s\t%s\t%s\n", u->id, u->email,
			   u->role != NULL ? u->role : "user",
			   u->is_banned ? "banned" : "-") >= 0;
	buf_init(&b, a, TEXT_MAX);
	buf_puts(&b, n > 0 ? ",\n{" : "\n{");
	put(&b, "id", u->id);
	put(&b, "email", u->email);
	put(&b, "name", u->name);
	put(&b, "role", u->role);
	put_bool(&b, "banned", u->is_banned);
	put(&b, "createdAt", u->created_at);
	buf_putc(&b, '}');
	return print(&b);
}

static bool
print_session(
    struct arena *a, const struct session_listed *s, int n, bool as_json)
{
	struct buf b;

	buf_init(&b, a, TEXT_MAX);
	if (as_json) {
		buf_puts(&b, n > 0 ? ",\n{" : "\n{");
		put(&b, "id", s->id);
		put(&b, "createdAt", s->created_at);
		put(&b, "expiresAt", s->expires_at);
		put(&b, "ipAddress", s->ip_address);
		put(&b, "userAgent", s->user_agent);
		buf_putc(&b, '}');
	} else {
		buf_printf(&b, "%s\t%s\t%s\t%s\t%s\n", s->id, s->created_at,
		    s->expires_at, s->ip_address != NULL ? s->ip_address : "-",
		    s->user_agent != NULL ? s->user_agent : "-");
	}
	return print(&b);
}

int
user_cli_print_sessions(struct arena *a, const struct session_listed *sessions,
    int count, bool as_json)
{
	bool ok = true;

	if (as_json)
		putchar('[');
	for (int i = 0; ok && i < count; i++)
		ok = print_session(a, &sessions[i], i, as_json);
	if (as_json)
		fputs("\n]\n", stdout);
	if (!ok)
		return user_cli_fail("the sessions were not printed");
	if (count == SESSION_LIST_MAX)
		fprintf(stderr, "auth: only the newest %d are shown\n", count);
	return 0;
}

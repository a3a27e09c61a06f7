#include "auth/identity/user_cli_act.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "auth/auth.h"
#include "auth/identity/columns.h"
#include "auth/identity/email.h"
#include "auth/identity/session_store.h"
#include "auth/identity/user.h"
#include "auth/identity/user_cli_password.h"
#include "auth/identity/user_cli_print.h"
#include "base/attr.h"
#include "base/clock.h"
#include "base/str.h"
#include "base/utf8.h"

enum { USAGE = -1, REASON_MAX_BYTES = 1000, ROLE_MAX_BYTES = 256 };

/*
 * One command that changes a user. argc and argv are the arguments after the
 * e-mail address.
 */
struct act {
	struct auth *auth;
	struct audit_who who;
	struct arena *arena;
	const char *email; /* canonical */
	int argc;
	char **argv;
	bool json;
};

/* Prints the user, if JSON is wanted; `password` was generated, or NULL. */
static int
print_user(const struct act *act, const char *password, bool always)
{
	struct user_facts u;
	enum err e;

	if (!act->json && !always)
		return 0;
	e = user_store_facts(act->auth->process.db, act->arena, act->email, &u);
	return e != ERR_OK
	           ? user_cli_result(e)
	           : user_cli_print_facts(act->arena, &u, password, act->json);
}

/* The end of a command that has changed the user. */
static int
finish(const struct act *act, enum err e)
{
	return e != ERR_OK ? user_cli_result(e)
	                   : print_user(act, /* password= */ NULL, false);
}

static int
show(const struct act *act)
{
	return act->argc > 0
	           ? USAGE
	           : print_user(act, /* password= */ NULL, /* always= */ true);
}

bool
user_cli_is_role_list(const char *s)
{
	bool inside = false; /* inside a name, which has at least one byte */

	if (strlen(s) > ROLE_MAX_BYTES)
		return false;
	for (; *s != '\0'; s++) {
		if (*s == ',' ? !inside
			      : !str_is_alnum(*s) && *s != '-' && *s != '_')
			return false;
		inside = *s != ',';
	}
	return inside;
}

static int
role(const struct act *act)
{
	if (act->argc != 1)
		return USAGE;
	if (!user_cli_is_role_list(act->argv[0]))
		return user_cli_fail(USER_CLI_BAD_ROLES);
	if (columns_find(&act->auth->plugins->user_columns, "role") < 0)
		return user_cli_fail("the plugin admin is off: there are no "
				     "roles");
	return finish(act, user_set_role(act->auth, act->arena, &act->who,
			       act->email, act->argv[0]));
}

static int
ban(const struct act *act)
{
	struct user_ban b = { 0 };
	int64_t ms;

	for (int i = 0; i < act->argc; i++) {
		if (str_eq(act->argv[i], "--reason") && i + 1 < act->argc)
			b.reason = act->argv[++i];
		else if (str_eq(act->argv[i], "--until") && i + 1 < act->argc)
			b.expires_at = act->argv[++i];
		else
			return USAGE;
	}
	if (columns_find(&act->auth->plugins->user_columns, "banned") < 0)
		return user_cli_fail("the plugin admin is off: there are no "
				     "bans");
	if (b.reason != NULL && (strlen(b.reason) > REASON_MAX_BYTES ||
				    !utf8_valid(b.reason, strlen(b.reason))))
		return user_cli_fail("the reason is not UTF-8, or too long: "
				     "1000 bytes at most");
	if (b.expires_at != NULL && !clock_read(b.expires_at, &ms))
		return user_cli_fail("--until needs a time like "
				     "2027-01-31T12:00:00Z");
	return finish(act,
	    user_set_ban(act->auth, act->arena, &act->who, act->email, &b));
}

static int
unban(const struct act *act)
{
	return act->argc > 0
	           ? USAGE
	           : finish(act, user_set_ban(act->auth, act->arena, &act->who,
				     act->email, /* ban= */ NULL));
}

static enum err
find_id(const struct act *act, const char **ret_id)
{
	return user_find_id(
	    act->auth->process.db, act->arena, act->email, ret_id);
}

static int
sign_out(const struct act *act)
{
	return act->argc > 0 ? USAGE
	                     : finish(act, user_sign_out(act->auth, act->arena,
					       &act->who, act->email));
}

/* There is no --on: only the user has the device that makes the codes. */
static int
two_factor(const struct act *act)
{
	bool had;
	enum err e;

	if (act->argc != 1 || !str_eq(act->argv[0], "--off"))
		return USAGE;
	e = user_remove_second_factor(
	    act->auth, act->arena, &act->who, act->email, &had);
	if (e == ERR_OK && !had)
		fprintf(stderr, "auth: %s has no second factor\n", act->email);
	return finish(act, e);
}

static int
sessions(const struct act *act)
{
	const struct session_listed *list;
	const char *user_id;
	enum err e;
	int count;

	if (act->argc > 0)
		return USAGE;
	e = find_id(act, &user_id);
	if (e == ERR_OK)
		e = session_select_listed(
		    act->auth->process.db, act->arena, user_id, &list, &count);
	return e != ERR_OK ? user_cli_result(e)
	                   : user_cli_print_sessions(
				 act->arena, list, count, act->json);
}

static int
set_password(const struct act *act, const struct user_password *p)
{
	const char *hash = user_password_hash(act->arena, p);
	const char *user_id;
	enum err e;

	if (hash == NULL)
		return user_cli_fail("there is no memory to hash the password");
	e = find_id(act, &user_id);
	if (e == ERR_OK)
		e = user_set_password(
		    act->auth, act->arena, &act->who, user_id, hash);
	if (e != ERR_OK)
		return user_cli_result(e);
	if (act->json)
		return print_user(act, p->made ? p->text : NULL, true);
	if (p->made)
		printf("password: %s\n", p->text);
	return 0;
}

static int
password(const struct act *act)
{
	struct user_password p = { 0 };
	const char *user_id, *problem;
	int status;

	for (int i = 0; i < act->argc; i++) {
		if (str_eq(act->argv[i], "--password-stdin"))
			p.from_stdin = true;
		else if (str_eq(act->argv[i], "--generate"))
			p.generate = true;
		else
			return USAGE;
	}
	/* Before anybody types a password in vain. */
	status = user_cli_result(find_id(act, &user_id));
	if (status != 0)
		return status;
	problem = user_password_get(&p);
	status =
	    problem != NULL ? user_cli_fail(problem) : set_password(act, &p);
	explicit_bzero(p.text, sizeof(p.text));
	return status;
}

/* Asks whether to delete the user. True without a question: --yes. */
static bool
is_confirmed(const struct act *act)
{
	char answer[16] = "";

	if (act->argc == 1)
		return true;
	if (isatty(STDIN_FILENO) != 1) {
		user_cli_fail("delete asks on a terminal; say --yes");
		return false;
	}
	fprintf(stderr, "Delete %s for ever? [y/N] ", act->email);
	if (fgets(answer, sizeof(answer), stdin) != NULL &&
	    (answer[0] == 'y' || answer[0] == 'Y'))
		return true;
	user_cli_fail("nothing was deleted");
	return false;
}

static int
delete_user(const struct act *act)
{
	struct user_facts u;
	enum err e;
	int status;

	if (act->argc > 1 || (act->argc == 1 && !str_eq(act->argv[0], "--yes")))
		return USAGE;
	e = user_store_facts(act->auth->process.db, act->arena, act->email, &u);
	if (e != ERR_OK)
		return user_cli_result(e);
	if (!is_confirmed(act))
		return USER_CLI_FAILED;
	status = user_cli_result(
	    user_delete(act->auth, act->arena, &act->who, u.id));
	if (status == 0 && act->json)
		return user_cli_print_facts(
		    act->arena, &u, /* password= */ NULL, act->json);
	return status;
}

static const struct {
	const char *name;
	int (*run)(const struct act *act);
} acts[] = {
	{ "show", show },
	{ "role", role },
	{ "password", password },
	{ "two-factor", two_factor },
	{ "sessions", sessions },
	{ "ban", ban },
	{ "unban", unban },
	{ "sign-out", sign_out },
	{ "delete", delete_user },
};

bool
user_cli_act(struct auth *auth, struct arena *a, int argc, char **argv,
    bool as_json, int *ret_status)
{
	struct act act = {
		.auth = auth,
		.who = audit_who_of_command(a),
		.arena = a,
		.json = as_json,
	};

	for (size_t i = 0; i < COUNT_OF(acts); i++) {
		if (!str_eq(acts[i].name, argv[0]))
			continue;
		if (argc < 2) {
			*ret_status = USAGE;
		} else if (!email_valid(argv[1])) {
			*ret_status = user_cli_result(ERR_NOT_FOUND);
		} else {
			act.email = email_canonical(a, argv[1]);
			act.argc = argc - 2;
			act.argv = argv + 2;
			*ret_status = acts[i].run(&act);
		}
		return true;
	}
	return false;
}

#include "auth/identity/user_cli.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "audit/audit.h"
#include "auth/auth.h"
#include "auth/identity/account_store.h"
#include "auth/identity/columns.h"
#include "auth/identity/email.h"
#include "auth/identity/user_cli_act.h"
#include "auth/identity/user_cli_password.h"
#include "auth/identity/user_cli_print.h"
#include "auth/identity/user_store.h"
#include "base/arena.h"
#include "base/str.h"
#include "base/utf8.h"

enum { EXIT_USAGE = 2, LIST_PAGE = 1000, LIST_MAX = 1000000000 };

static int
usage(void)
{
	fputs("usage: kedge user create|list|show|role|password|two-factor|"
	      "sessions|ban|unban|sign-out|delete [ARGUMENTS] [--json]; see "
	      "\"kedge user --help\"\n",
	    stderr);
	return EXIT_USAGE;
}

/* -- create -- */

struct create {
	const char *email;
	const char *name;
	const char *role; /* NULL: the option is missing */
	struct user_password password;
};

static int
print_created(
    struct auth *auth, struct arena *a, const struct create *c, bool as_json)
{
	const char *email = email_canonical(a, c->email);
	const char *password = c->password.made ? c->password.text : NULL;
	struct user_facts facts;
	enum err e = user_store_facts(auth->process.db, a, email, &facts);

	if (e != ERR_OK)
		return user_cli_result(e);
	if (as_json)
		return user_cli_print_facts(a, &facts, password, as_json);
	printf("%s %s\n", facts.id, facts.email);
	if (password != NULL)
		printf("password: %s\n", password);
	return 0;
}

struct creation {
	struct audit_act act;
	const struct account_new *new;
	struct account account;
};

static enum err
run_creation(struct db *tx, struct arena *a, void *ctx)
{
	struct creation *c = ctx;
	enum err e = account_insert_user(tx, a, c->new, &c->account);

	c->act.object_id = c->account.user.id;
	return e;
}

static int
insert(struct auth *auth, struct arena *a, const struct create *c, bool as_json)
{
	const struct audit_who who = audit_who_of_command(a);
	struct account_new new = {
		.email = email_canonical(a, c->email),
		.name = c->name,
	};
	int role = columns_find(&auth->plugins->user_columns, "role");
	const struct audit_value values[] = {
		{ "role", c->role != NULL ? c->role : "user" },
		{ NULL, NULL },
	};
	struct creation creation = {
		.act = { .action = "user.create",
		    .object_kind = "user",
		    .after = audit_object(a, values) },
		.new = &new,
	};
	enum err e;

	if (role >= 0) {
		new.columns.texts[role] = c->role != NULL ? c->role : "user";
		new.columns.set[role] = true;
	} else if (c->role != NULL) {
		return user_cli_fail("the plugin admin is off: there are no "
				     "roles");
	}
	new.password_hash = user_password_hash(a, &c->password);
	if (new.password_hash == NULL)
		return user_cli_fail("there is no memory to hash the password");
	e = audit_do(
	    auth->process.db, a, &who, &creation.act, run_creation, &creation);
	if (e == ERR_CONFLICT)
		return user_cli_fail("a user with that address exists");
	return e != ERR_OK ? user_cli_result(e)
	                   : print_created(auth, a, c, as_json);
}

static const char *
check_create(const struct create *c)
{
	if (!email_valid(c->email))
		return "that is no e-mail address";
	if (c->role != NULL && !user_cli_is_role_list(c->role))
		return USER_CLI_BAD_ROLES;
	if (!utf8_valid(c->name, strlen(c->name)))
		return "the name is not UTF-8";
	return NULL;
}

static int
run_create(
    struct auth *auth, struct arena *a, int argc, char **argv, bool as_json)
{
	struct create c = { .password.generate_without_terminal = true };
	const char *problem;
	int status;

	for (int i = 1; i < argc; i++) {
		if (str_eq(argv[i], "--password-stdin"))
			c.password.from_stdin = true;
		else if (str_eq(argv[i], "--generate"))
			c.password.generate = true;
		else if (str_eq(argv[i], "--name") && i + 1 < argc)
			c.name = argv[++i];
		else if (str_eq(argv[i], "--role") && i + 1 < argc)
			c.role = argv[++i];
		else if (argv[i][0] != '-' && c.email == NULL)
			c.email = argv[i];
		else
			return usage();
	}
	if (c.email == NULL)
		return usage();
	if (c.name == NULL) /* the part before the at sign */
		c.name = arena_strndup(a, c.email, strcspn(c.email, "@"));
	problem = check_create(&c);
	if (problem == NULL)
		problem = user_password_get(&c.password);
	status = problem != NULL ? user_cli_fail(problem)
	                         : insert(auth, a, &c, as_json);
	explicit_bzero(c.password.text, sizeof(c.password.text));
	return status;
}

/* -- list -- */

struct list {
	int64_t limit;
	const char *after; /* an address; the list goes on behind it */
	bool json;
	int printed;
};

/* Prints a page; *ret_more: the list is longer than the limit. */
static enum err
print_page(struct auth *auth, struct list *l, struct arena *a, bool *ret_more)
{
	int64_t left = l->limit - l->printed;
	int wanted = left < LIST_PAGE ? (int)left : LIST_PAGE;
	const struct user_listed *users;
	enum err e;
	int count;

	/* Read one row more than is printed, to know whether there are more. */
	e = user_store_list(
	    auth->process.db, a, l->after, wanted + 1, &users, &count);
	if (e != ERR_OK)
		return e;
	*ret_more = count > wanted;
	for (int i = 0; i < count && i < wanted; i++, l->printed++) {
		if (!user_cli_print_listed(a, &users[i], l->printed, l->json))
			return ERR_INTERNAL;
		l->after = users[i].email;
	}
	return ERR_OK;
}

/*
 * The users are read page by page, so that the memory does not grow with their
 * number; a page begins behind the last address of the page before.
 */
static int
print_all(struct auth *auth, struct list *l)
{
	struct arena *pages[2] = { arena_new(), arena_new() };
	enum err e = ERR_OK;
	bool more = true;

	/* The address at which a page ended is in the arena of that page. */
	for (int i = 0; e == ERR_OK && more && l->printed < l->limit; i++) {
		arena_reset(pages[i % 2]);
		e = print_page(auth, l, pages[i % 2], &more);
	}
	if (e == ERR_OK && more && l->limit > 0)
		fprintf(stderr, "auth: there are more: --after %s\n", l->after);
	arena_free(pages[0]);
	arena_free(pages[1]);
	return user_cli_result(e);
}

static int
run_list(struct auth *auth, struct arena *a UNUSED, int argc, char **argv,
    bool as_json)
{
	struct list l = { .limit = LIST_MAX, .after = "", .json = as_json };
	int status;

	for (int i = 1; i < argc; i++) {
		if (str_eq(argv[i], "--after") && i + 1 < argc)
			l.after = argv[++i];
		else if (!str_eq(argv[i], "--limit") || i + 1 == argc ||
			 !str_i64(argv[++i], 1, LIST_MAX, &l.limit))
			return usage();
	}
	if (!utf8_valid(l.after, strlen(l.after)))
		return user_cli_fail("--after is not UTF-8");
	if (l.json)
		putchar('[');
	status = print_all(auth, &l);
	if (l.json)
		fputs("\n]\n", stdout);
	if (fflush(stdout) != 0 && status == 0)
		status = user_cli_fail("the list was not written");
	return status;
}

/* -- the command -- */

/* Removes --json from the arguments; returns whether it was there. */
static bool
take_json(int *argc, char **argv)
{
	int n = 0;

	for (int i = 0; i < *argc; i++)
		if (!str_eq(argv[i], "--json"))
			argv[n++] = argv[i];
	if (n == *argc)
		return false;
	argv[n] = NULL;
	*argc = n;
	return true;
}

int
user_cli(struct auth *auth, int argc, char **argv)
{
	struct arena *a = arena_new();
	bool json = take_json(&argc, argv);
	int status;

	argc--;
	argv++;
	if (argc > 0 && str_eq(argv[0], "create"))
		status = run_create(auth, a, argc, argv, json);
	else if (argc > 0 && str_eq(argv[0], "list"))
		status = run_list(auth, a, argc, argv, json);
	else if (argc < 1 ||
		 !user_cli_act(auth, a, argc, argv, json, &status) ||
		 status < 0)
		status = usage();
	arena_free(a);
	return status;
}

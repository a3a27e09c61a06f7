#include "auth/identity/user_cli.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "auth/auth.h"
#include "auth/identity/account_store.h"
#include "auth/identity/columns.h"
#include "auth/identity/email.h"
#include "auth/identity/user.h"
#include "auth/identity/user_cli_act.h"
#include "auth/identity/user_store.h"
#include "auth/password/password.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/json.h"
#include "base/random.h"
#include "base/str.h"
#include "base/utf8.h"

enum {
	EXIT_FAILED = 1,
	EXIT_USAGE = 2,
	PASSWORD_LINE_MAX = 1024,
	PASSWORD_MADE_LEN = 20,
	ROLE_MAX_BYTES = 256,
	LIST_MAX_BYTES = 64 << 20,
};

static int
usage(void)
{
	fputs("usage: auth user create EMAIL [--name NAME] [--role ROLE]"
	      " [--password-stdin]\n"
	      "       auth user list [--json]\n"
	      "       auth user show EMAIL [--json]\n"
	      "       auth user role EMAIL ROLE\n"
	      "       auth user ban EMAIL [--reason TEXT] [--until TIME]\n"
	      "       auth user unban|sign-out EMAIL\n",
	    stderr);
	return EXIT_USAGE;
}

static int
fail(const char *what)
{
	fprintf(stderr, "auth: %s\n", what);
	return EXIT_FAILED;
}

static int
fail_by(enum err e)
{
	return fail(e == ERR_UNAVAILABLE ? "the database is away"
					 : "it failed; the log says why");
}

/* Reads one line without its end; false at the end of input. */
static bool
read_line(char out[PASSWORD_LINE_MAX])
{
	if (fgets(out, PASSWORD_LINE_MAX, stdin) == NULL)
		return false;
	out[strcspn(out, "\r\n")] = '\0';
	return true;
}

static bool
ask_hidden(const char *prompt, char out[PASSWORD_LINE_MAX])
{
	struct termios shown, hidden;
	bool ok;

	if (tcgetattr(STDIN_FILENO, &shown) != 0)
		return false;
	hidden = shown;
	hidden.c_lflag &= ~(tcflag_t)ECHO;
	fputs(prompt, stderr);
	tcsetattr(STDIN_FILENO, TCSAFLUSH, &hidden);
	ok = read_line(out);
	tcsetattr(STDIN_FILENO, TCSAFLUSH, &shown);
	fputc('\n', stderr);
	return ok;
}

struct create {
	const char *email;
	const char *name;
	const char *role;
	bool role_given;
	bool from_stdin;
	bool made; /* the password was generated, and must be printed */
	char password[PASSWORD_LINE_MAX];
};

/* Returns NULL on success; otherwise why not. */
static const char *
get_password(struct create *c)
{
	char again[PASSWORD_LINE_MAX];
	bool same;

	if (!c->from_stdin && !isatty(STDIN_FILENO)) {
		random_alnum(c->password, PASSWORD_MADE_LEN);
		c->made = true;
		return NULL;
	}
	if (c->from_stdin)
		return read_line(c->password) ? NULL : "no password was given";
	if (!ask_hidden("Password: ", c->password) ||
	    !ask_hidden("Again: ", again))
		return "no password was given";
	same = strcmp(c->password, again) == 0;
	explicit_bzero(again, sizeof(again));
	return same ? NULL : "the two passwords differ";
}

static const char bad_roles[] = "roles are separated by commas, each made of "
				"letters, digits, - and _";

static bool
is_role_list(const char *s)
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

static const char *
check_create(const struct create *c)
{
	if (!email_valid(c->email))
		return "that is no e-mail address";
	if (!is_role_list(c->role))
		return bad_roles;
	if (!utf8_valid(c->name, strlen(c->name)))
		return "the name is not UTF-8";
	if (!utf8_valid(c->password, strlen(c->password)))
		return "the password is not UTF-8";
	if (password_too_short(c->password))
		return "the password is too short: 8 characters at least";
	if (password_too_long(c->password))
		return "the password is too long: 128 characters at most";
	return NULL;
}

static int
create_user(struct auth *auth, struct arena *a, const struct create *c)
{
	unsigned char key[PASSWORD_KEY_SIZE];
	char salt[PASSWORD_SALT_SIZE];
	struct account_new new = {
		.email = email_canonical(a, c->email),
		.name = c->name,
	};
	int role = columns_find(&auth->plugins->user_columns, "role");
	struct account account;
	enum err e;

	if (role >= 0) {
		new.columns.texts[role] = c->role;
		new.columns.set[role] = true;
	} else if (c->role_given) {
		return fail("the plugin admin is off: there are no roles");
	}
	password_new_salt(salt);
	if (!password_derive(c->password, salt, key))
		return fail("there is no memory to hash the password");
	new.password_hash = password_hash_write(a, salt, key);
	e = account_insert_user(auth->process.db, a, &new, &account);
	if (e == ERR_CONFLICT)
		return fail("a user with that address exists");
	if (e != ERR_OK)
		return fail_by(e);
	printf("%s %s\n", account.user.id, account.user.email);
	if (c->made)
		printf("password: %s\n", c->password);
	return 0;
}

static int
run_create(struct auth *auth, struct arena *a, int argc, char **argv)
{
	struct create c = { 0 };
	const char *problem;
	int status;

	for (int i = 1; i < argc; i++) {
		if (str_eq(argv[i], "--password-stdin"))
			c.from_stdin = true;
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
	c.role_given = c.role != NULL;
	if (!c.role_given)
		c.role = "user";
	if (c.name == NULL) /* the part before the at sign */
		c.name = arena_strndup(a, c.email, strcspn(c.email, "@"));
	problem = get_password(&c);
	if (problem == NULL)
		problem = check_create(&c);
	status = problem != NULL ? fail(problem) : create_user(auth, a, &c);
	explicit_bzero(c.password, sizeof(c.password));
	return status;
}

static int
run_role(struct auth *auth, struct arena *a, int argc, char **argv)
{
	enum err e;

	if (argc != 3)
		return usage();
	if (!is_role_list(argv[2]))
		return fail(bad_roles);
	e = email_valid(argv[1])
	        ? user_set_role(auth, a, email_canonical(a, argv[1]), argv[2])
	        : ERR_NOT_FOUND;
	if (e == ERR_NOT_FOUND)
		return fail("there is no user with that address");
	return e == ERR_OK ? 0 : fail_by(e);
}

static void
put_user_json(struct buf *b, const struct user_listed *user)
{
	buf_puts(b, "{\"id\":");
	json_write_string(b, user->id);
	buf_puts(b, ",\"email\":");
	json_write_string(b, user->email);
	buf_puts(b, ",\"name\":");
	json_write_string(b, user->name);
	buf_puts(b, ",\"role\":");
	json_write_string(b, user->role);
	buf_printf(b, ",\"banned\":%s,\"createdAt\":",
	    user->is_banned ? "true" : "false");
	json_write_string(b, user->created_at);
	buf_puts(b, "}");
}

static int
run_list(struct auth *auth, struct arena *a, int argc, char **argv)
{
	bool json = argc == 2 && str_eq(argv[1], "--json");
	const struct user_listed *users;
	struct buf b;
	int count;
	enum err e;

	if (argc != 1 && !json)
		return usage();
	e = user_store_list(auth->process.db, a, &users, &count);
	if (e != ERR_OK)
		return fail_by(e);
	buf_init(&b, a, LIST_MAX_BYTES);
	if (json)
		buf_putc(&b, '[');
	for (int i = 0; i < count; i++) {
		const struct user_listed *u = &users[i];

		if (json) {
			buf_puts(&b, i > 0 ? ",\n" : "\n");
			put_user_json(&b, u);
		} else {
			buf_printf(&b, "%s\t%s\t%s\t%s\n", u->id, u->email,
			    u->role != NULL ? u->role : "user",
			    u->is_banned ? "banned" : "-");
		}
	}
	if (json)
		buf_puts(&b, "\n]\n");
	if (buf_failed(&b))
		return fail("there are too many users to list");
	return fputs(b.data, stdout) == EOF || fflush(stdout) != 0
	           ? fail("the list was not written")
	           : 0;
}

int
user_cli(struct auth *auth, int argc, char **argv)
{
	struct arena *a = arena_new();
	int status;

	if (argc > 1 && str_eq(argv[1], "create"))
		status = run_create(auth, a, argc - 1, argv + 1);
	else if (argc > 1 && str_eq(argv[1], "role"))
		status = run_role(auth, a, argc - 1, argv + 1);
	else if (argc > 1 && str_eq(argv[1], "list"))
		status = run_list(auth, a, argc - 1, argv + 1);
	else if (argc < 2 ||
		 !user_cli_act(auth, a, argc - 1, argv + 1, &status) ||
		 status < 0)
		status = usage();
	arena_free(a);
	return status;
}

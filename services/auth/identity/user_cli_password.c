#include "auth/identity/user_cli_password.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "auth/identity/password_prompt.h"
#include "auth/password/password.h"
#include "base/random.h"
#include "base/utf8.h"

enum { MADE_LEN = 20 };

/* Reads one line without its end; false at the end of input. */
static bool
read_line(char out[USER_PASSWORD_SIZE])
{
	if (fgets(out, USER_PASSWORD_SIZE, stdin) == NULL)
		return false;
	out[strcspn(out, "\r\n")] = '\0';
	return true;
}

static const char *
ask_twice(struct user_password *p)
{
	char again[USER_PASSWORD_SIZE];
	bool same;

	if (!password_prompt("Password: ", p->text, sizeof(p->text)) ||
	    !password_prompt("Again: ", again, sizeof(again)))
		return "no password was given";
	same = strcmp(p->text, again) == 0;
	explicit_bzero(again, sizeof(again));
	return same ? NULL : "the two passwords differ";
}

static const char *
check(const char *password)
{
	if (!utf8_valid(password, strlen(password)))
		return "the password is not UTF-8";
	if (password_too_short(password))
		return "the password is too short: 8 characters at least";
	if (password_too_long(password))
		return "the password is too long: 128 characters at most";
	return NULL;
}

const char *
user_password_get(struct user_password *p)
{
	bool terminal = isatty(STDIN_FILENO) == 1;
	const char *problem = NULL;

	if (p->from_stdin && p->generate)
		return "say --password-stdin or --generate";
	if (p->from_stdin) {
		if (!read_line(p->text))
			problem = "no password was given";
	} else if (p->generate || (!terminal && p->generate_without_terminal)) {
		random_alnum(p->text, MADE_LEN);
		p->made = true;
	} else if (!terminal) {
		return "there is no terminal to ask for the password: say "
		       "--password-stdin or --generate";
	} else {
		problem = ask_twice(p);
	}
	return problem != NULL ? problem : check(p->text);
}

const char *
user_password_hash(struct arena *a, const struct user_password *p)
{
	unsigned char key[PASSWORD_KEY_SIZE];
	char salt[PASSWORD_SALT_SIZE];

	password_new_salt(salt);
	if (!password_derive(p->text, salt, key))
		return NULL;
	return password_hash_write(a, salt, key);
}

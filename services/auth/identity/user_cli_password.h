/*
 * user_cli_password: where the commands of user_cli get a password from: the
 * terminal, standard input, or a generator.
 */
#ifndef AUTH_USER_CLI_PASSWORD_H
#define AUTH_USER_CLI_PASSWORD_H

#include <stdbool.h>

#include "base/attr.h"

struct arena;

enum { USER_PASSWORD_SIZE = 1024 };

struct user_password {
	bool from_stdin; /* --password-stdin */
	bool generate; /* --generate */
	/* without either, and without a terminal, one is generated */
	bool generate_without_terminal;
	bool made; /* the password was generated, and must be printed */
	char text[USER_PASSWORD_SIZE]; /* the caller erases it */
};

/* Returns NULL on success; otherwise why there is no usable password. */
MUST_CHECK const char *user_password_get(struct user_password *p);
/* Returns its hash; NULL: there is no memory to compute it. */
const char *user_password_hash(struct arena *a, const struct user_password *p);

#endif

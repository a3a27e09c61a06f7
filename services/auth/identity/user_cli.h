/*
 * user_cli: `auth user ...`, for users who may read auth's environment.
 *
 *   auth user create EMAIL [--name N] [--role R] [--password-stdin]
 *   auth user role EMAIL ROLE
 *   auth user list [--json]
 *
 * and those of user_cli_act.h.
 *
 * Without --password-stdin the password is asked for twice on a terminal;
 * elsewhere it is generated and printed once.
 */
#ifndef AUTH_USER_CLI_H
#define AUTH_USER_CLI_H

struct auth;

/* argv[0] is "user".  Returns the exit status; 2 is wrong usage. */
int user_cli(struct auth *auth, int argc, char **argv);

#endif

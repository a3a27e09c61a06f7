/*
 * user_cli: `auth user ...`, for users who may read auth's environment.
 * cli/help/user describes the verbs; those about one user who exists are in
 * user_cli_act.h.
 */
#ifndef AUTH_USER_CLI_H
#define AUTH_USER_CLI_H

struct auth;

/* argv[0] is "user".  Returns the exit status; 2 is wrong usage. */
int user_cli(struct auth *auth, int argc, char **argv);

#endif

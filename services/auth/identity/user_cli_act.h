/*
 * user_cli_act: the commands of user_cli about one user who exists: show, role,
 * password, two-factor, sessions, ban, unban, sign-out and delete.
 */
#ifndef AUTH_USER_CLI_ACT_H
#define AUTH_USER_CLI_ACT_H

#include <stdbool.h>

struct arena;
struct auth;

/*
 * Runs the command if argv[0] is one of these; *ret_status is its exit status,
 * or -1 if its arguments are wrong. Returns whether it is. With `as_json`, a
 * command that changes the user prints the user afterwards.
 */
bool user_cli_act(struct auth *auth, struct arena *a, int argc, char **argv,
    bool as_json, int *ret_status);

#define USER_CLI_BAD_ROLES                                      \
	"roles are separated by commas, each made of letters, " \
	"digits, - and _"
/* Whether the text is such a list; if not, USER_CLI_BAD_ROLES says why. */
bool user_cli_is_role_list(const char *s);

#endif

/*
 * stack: the stack that a command works on: where Kedge's files and binaries
 * are, and the directory with everything that the stack makes.
 *
 * A command enters that directory, so that the paths in it are relative and
 * short: a socket's path may have 107 bytes at most.
 */
#ifndef CLI_STACK_H
#define CLI_STACK_H

#include <stdbool.h>

#include "base/attr.h"

#include "spec.h"

struct arena;

/* The configuration of the system's own services: see stack_open_system(). */
#define SYSTEM_DIR "/etc/kedge"
/* The secrets of a service are files SYSTEM_SECRETS_DIR/SERVICE/VARIABLE. */
#define SYSTEM_SECRETS_DIR SYSTEM_DIR "/secrets"
/* The connection strings of the migrations, which the user kedge runs. */
#define SYSTEM_MIGRATION_DIR SYSTEM_SECRETS_DIR "/kedge"

struct stack {
	struct arena *arena; /* memory that lives as long as the command */
	/* the directory of kedge.json, nginx/, sql/ and web/ */
	const char *root;
	/* the directory of the services' binaries */
	const char *bin;
	bool is_installed; /* by a package or "make install": not a checkout */
	const char *dir; /* absolute path of the stack's directory */
	bool is_system; /* the services that systemd runs on this host */
	/* the IPv4 address on which nginx listens; NULL: only 127.0.0.1 */
	const char *listen;
	struct spec spec;
};

/*
 * Returns the directory of kedge.json, nginx/, sql/ and web/; NULL: an error
 * was printed.
 */
const char *stack_root(struct arena *a);
/*
 * Finds the stack. `dir_option` is the value of --dir; NULL: the default
 * directory: ROOT/.run in a checkout, otherwise ~/.local/share/kedge.
 */
MUST_CHECK bool
stack_open(struct stack *s, struct arena *a, const char *dir_option);
/*
 * Opens the stack of this host, whose services are units of systemd: its
 * kedge.json, secrets and generated files are in SYSTEM_DIR. PostgreSQL is the
 * server that libpq's own variables name (PGHOST, PGPORT).
 */
MUST_CHECK bool stack_open_system(struct stack *s, struct arena *a);
/*
 * Like stack_open_system(), but reads the file `spec` instead of kedge.json;
 * NULL: kedge.json in SYSTEM_DIR.
 */
MUST_CHECK bool
stack_open_server(struct stack *s, struct arena *a, const char *spec);
/*
 * Whether a command without --dir means the stack of this host, not the open
 * one: Kedge is installed and set up on this host, root calls it, and root has
 * no stack of its own.
 */
bool stack_wants_system(const struct stack *s, const char *dir_option);
/*
 * Opens the stack of this host if `system` or stack_wants_system() says so,
 * otherwise the one of `dir_option`.
 */
MUST_CHECK bool stack_open_either(
    struct stack *s, struct arena *a, const char *dir_option, bool system);
/*
 * What a command must be told to mean this stack, " --dir DIRECTORY"; "": it is
 * the default one. The stack was entered.
 */
const char *stack_dir_option(const struct stack *s);
/* The directory of the programs that run the service's jobs. */
const char *stack_programs(const struct stack *s, const char *service);
/* Makes the stack's directory with its subdirectories, and enters it. */
MUST_CHECK bool stack_make(struct stack *s);
/* Whether a stack was created in the directory; it need not be running. */
bool stack_is_made(const struct stack *s);
/*
 * Enters the stack's directory. False: no stack is in it; an error was printed.
 */
MUST_CHECK bool stack_enter(struct stack *s);

#endif

/*
 * secret_store: the secrets of a stack or of a server, each in a file of its
 * own: ROOT/SERVICE/VARIABLE. ROOT is secrets/ in a stack's directory, and
 * /etc/kedge/secrets on a server. A service reads its files through
 * VARIABLE_FILE or as systemd credentials (base/secret.h).
 *
 * The secret of auth is two files, AUTH_SECRET and AUTH_SECRET_PREVIOUS, from
 * which the files of the other services are derived: NAME_IDENTITY_KEY and
 * NAME_IDENTITY_KEY_PREVIOUS. AUTH_SECRET_PREVIOUS always exists: before the
 * first rotation it is a random text with which nothing was ever signed. So a
 * rotation only changes the content of files that the processes already know.
 */
#ifndef CLI_SECRET_STORE_H
#define CLI_SECRET_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"

#include "spec.h"

struct arena;

struct secret_store {
	struct arena *arena;
	const char *root; /* absolute path */
	/* on a server the group kedge-SERVICE may read its files */
	bool is_server;
};

/* The two secrets that auth accepts; it signs with `current`. */
struct secret_pair {
	const char *current;
	const char *previous;
};

/* Returns a new random secret: 43 letters and digits, which have 256 bits. */
const char *secret_new(struct arena *a);
/* The name of a service's variable, such as "CORE_DATABASE_URL". */
const char *secret_variable(
    struct arena *a, const struct spec_service *service, const char *name);
const char *secret_store_path(const struct secret_store *store,
    const char *service, const char *variable);
/*
 * Returns the content of a file without the newline at its end; NULL: there is
 * no such file. False: it cannot be read; an error was printed.
 */
MUST_CHECK bool secret_store_find(const struct secret_store *store,
    const char *service, const char *variable, const char **ret_text);
/*
 * Replaces a file, or makes it, with its directory if needed. After a crash the
 * file has either the old content or the new one.
 */
MUST_CHECK bool secret_store_put(const struct secret_store *store,
    const char *service, const char *variable, const char *text);
MUST_CHECK bool secret_store_remove(const struct secret_store *store,
    const char *service, const char *variable);
/*
 * Returns the time at which the file of the secret was changed, in seconds
 * since 1970; -1: there is no such file.
 */
int64_t secret_store_changed_s(const struct secret_store *store,
    const char *service, const char *variable);

/*
 * Reads auth's secrets; makes those that are missing. If a rotation was
 * interrupted, returns the pair that this rotation was writing, even if some of
 * the files have not been written yet.
 */
MUST_CHECK bool secret_store_auth(const struct secret_store *store,
    const struct spec *spec, struct secret_pair *ret_pair);
/* Writes auth's secrets, and the keys of the other services. */
MUST_CHECK bool secret_store_put_auth(const struct secret_store *store,
    const struct spec *spec, const struct secret_pair *pair);
/* Returns the identity key of a service that belongs to a secret of auth. */
const char *secret_identity_key(
    struct arena *a, const char *auth_secret, const char *service);

/*
 * The state of a rotation of auth's secret that has not ended; it is in the
 * file SECRET_STATE of auth's directory. In both steps all files are written
 * from `pair` and all services are reloaded; in the step "accept" the new
 * secret is pair.previous, in the step "sign" it is pair.current.
 */
#define SECRET_STATE ".rotation"
struct secret_state {
	const char *step; /* "accept" or "sign"; NULL: no rotation */
	struct secret_pair pair;
};
MUST_CHECK bool secret_state_find(const struct secret_store *store,
    const struct spec *spec, struct secret_state *ret_state);
MUST_CHECK bool secret_state_put(const struct secret_store *store,
    const struct spec *spec, const struct secret_state *state);

#endif

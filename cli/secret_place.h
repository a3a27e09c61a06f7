/*
 * secret_place: where the services read their secrets, and how they are made to
 * read them again.
 */
#ifndef CLI_SECRET_PLACE_H
#define CLI_SECRET_PLACE_H

#include <stdbool.h>

#include "base/attr.h"

#include "secret_store.h"
#include "stack.h"

struct secrets {
	struct stack stack;
	struct secret_store store;
	bool runs; /* the services run, and must be reloaded */
	bool force; /* although a rotation ended a short time ago */
};

/* Where a service reads a secret. */
enum secret_place {
	SECRET_PLACE_NONE, /* nowhere: it is not set */
	SECRET_PLACE_STORE, /* the file of the store */
	SECRET_PLACE_FILE, /* another file, which can be rewritten */
	SECRET_PLACE_VARIABLE, /* its environment, which cannot be changed */
};
struct secret_source {
	enum secret_place place;
	const char *path; /* of the file */
	const char *text; /* the secret; NULL: there is none */
};
/* Finds where the running service reads the secret, or where it will. */
MUST_CHECK bool secrets_find(const struct secrets *s,
    const struct spec_service *service, const char *name,
    struct secret_source *ret_source);
/* Replaces the content of the file of the source. */
MUST_CHECK bool secrets_put(const struct secrets *s,
    const struct spec_service *service, const char *name,
    const struct secret_source *source, const char *text);
/*
 * Makes the processes of a service read their secrets again, and waits until
 * all of them have done so. Does nothing if the services do not run.
 */
MUST_CHECK bool
secrets_reload(const struct secrets *s, const struct spec_service *service);
/* Like secrets_reload(), for all services that Kedge runs. */
MUST_CHECK bool secrets_reload_all(const struct secrets *s);

#endif

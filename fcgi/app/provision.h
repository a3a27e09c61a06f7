/*
 * provision: a base service's first contact with a user.
 *
 * The assertion says in which services the user has a record.  When this one
 * is missing, the service makes its record and tells auth, which from then on
 * asserts it.  Both steps can be repeated, in any order, by any number of
 * requests at once, and a crash between them only repeats them: the next
 * request still lacks the account and runs the same two steps.
 *
 * Telling auth never fails a request.  It has PROVISION_TIMEOUT_MS; after a
 * failure nobody tries for a while (growing to PROVISION_BACKOFF_MAX_MS), then
 * one request does.  Of the requests for one user at once, one tells.  Users
 * who were told about are remembered for as long as assertions made before
 * may still come, so that they cost no call each.
 */
#ifndef APP_PROVISION_H
#define APP_PROVISION_H

#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"
#include "web/identity.h"

struct auth_client;
struct provision;
struct req;

enum {
	PROVISION_TIMEOUT_MS = 500,
	PROVISION_BACKOFF_MIN_MS = 1000,
	PROVISION_BACKOFF_MAX_MS = 5000,
	/* An assertion's life, twice: clocks differ, verify has a cache. */
	PROVISION_REMEMBER_MS = 2 * IDENTITY_TTL_S * 1000,
};

struct provision_options {
	const struct auth_client *auth; /* not copied */
	enum err (*create)(struct req *r); /* see service_main.h */
};

struct provision *provision_new(const struct provision_options *options);
void provision_free(struct provision *p);

/*
 * ERR_OK when the record is there, whatever auth said; otherwise what
 * options.create returned.  Nothing to do when the assertion has the account.
 */
MUST_CHECK enum err provision_ensure(struct provision *p, struct req *r);

/* The hook: provision_ensure unless the route is ROUTE_NO_RECORD. */
enum err provision_guard(struct req *r);

#endif

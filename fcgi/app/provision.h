/*
 * provision: a base service's first contact with a user.
 *
 * The assertion lists the services in which the user has a record.  When this
 * service is not on the list, it creates its record and tells auth, which puts
 * the service on the list from then on.  Both steps can be repeated, in any
 * order and by several requests at once.  After a crash between the two steps
 * they are repeated, because the service is still not on the list of the next
 * assertion.
 *
 * A failed call to auth never fails the request.  A call takes at most
 * PROVISION_TIMEOUT_MS.  After a failure no request calls auth for a while
 * (growing to PROVISION_BACKOFF_MAX_MS), then one request tries.  Of several
 * requests for one user, one calls auth.  After auth was told about a user, the
 * process remembers that for as long as assertions without the new record may
 * still arrive.
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
	/*
	 * Twice the lifetime of an assertion, because the clocks of hosts
	 * differ and verify caches sessions.
	 */
	PROVISION_REMEMBER_MS = 2 * IDENTITY_TTL_S * 1000,
};

struct provision_options {
	const struct auth_client *auth; /* must live as long as this struct */
	enum err (*create)(
	    struct req *r); /* create_record of service_program.h */
};

struct provision *provision_new(const struct provision_options *options);
void provision_free(struct provision *p);

/*
 * Returns ERR_OK when the user's record exists, whatever auth answered;
 * otherwise the result of options.create.  Does nothing when the assertion
 * lists the service.
 */
MUST_CHECK enum err provision_ensure(struct provision *p, struct req *r);

#endif

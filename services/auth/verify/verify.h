/*
 * verify: the verdict that nginx requests before a protected location.
 *
 * 204 with Kedge-Identity, the assertion for the service; 401 (with a Location
 * of the sign-in page if a browser navigates); 403; 503 when neither Redis nor
 * PostgreSQL is available; 500 for an invalid request.  nginx lets only 204
 * pass.
 *
 * On nginx's internal listener (KEDGE_INTERNAL) it answers as reverify.h
 * describes.
 *
 * The parameters of the question come from nginx (KEDGE_AUDIENCE, KEDGE_GUARD,
 * KEDGE_ROLES, KEDGE_METHOD, KEDGE_PATH, KEDGE_HEADERS), never from the client,
 * whose headers only authenticate it or fail to.
 */
#ifndef AUTH_VERIFY_H
#define AUTH_VERIFY_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

struct req;

/* Answers every request of the verify pool (service.h: handle_all). */
enum err verify_request(struct req *r);
/* Looks up the sessions of several requests together (service.h: prefetch). */
void
verify_prefetch(void *app, struct req *const *rs, bool *ret_ready, size_t n);
/* Whether the look-up is still valid (service.h: is_still_ready). */
bool verify_is_still_ready(void *app, struct req *r);
/* The hook: answers 403 to a malformed request; never lets it pass. */
void verify_write_error(struct req *r, enum err e);

#endif

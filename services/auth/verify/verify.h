/*
 * verify: the verdict that nginx asks for before a protected location.
 *
 * 204 with Kedge-Identity, the assertion for the one service that asks; 401 (a
 * browser's navigation also gets a Location to sign in at); 403; 503 when
 * neither Redis nor PostgreSQL can tell; 500 for a question that makes no
 * sense.  nginx lets nothing but 204 through.
 *
 * On nginx's internal listener alone (KEDGE_INTERNAL) it answers what
 * reverify.h tells.
 *
 * What is asked comes from nginx (KEDGE_AUDIENCE, KEDGE_GUARD, KEDGE_ROLES,
 * KEDGE_METHOD, KEDGE_PATH), never from the client, whose headers only prove
 * or fail to prove who it is.
 */
#ifndef AUTH_VERIFY_H
#define AUTH_VERIFY_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

struct req;

/* Answers every request of the verify pool (service.h: handle_all). */
enum err verify_request(struct req *r);
/* Looks up their sessions together (service.h: prefetch). */
void
verify_prefetch(void *app, struct req *const *rs, bool *ret_ready, size_t n);
/* Whether the look-up still holds (service.h: is_still_ready). */
bool verify_is_still_ready(void *app, struct req *r);
/* The hook: 403 for what cannot be read; never a yes. */
void verify_write_error(struct req *r, enum err e);

#endif

#include "app/reverify.h"

#include <stddef.h>

#include "app/auth_client.h"
#include "app/service_main.h"
#include "base/arena.h"
#include "base/clock.h"
#include "base/jws.h"
#include "base/log.h"
#include "http_client/http_client.h"
#include "web/identity.h"
#include "web/log_events.h"
#include "web/request.h"

/* The response: 200 with a new assertion, or 401, or 403. */
static enum err
read_answer(struct req *r, const struct http_client_response *response,
    const struct identity **ret_who)
{
	const struct service_process *process = r->app;

	switch (response->status) {
	case 200:
		*ret_who = identity_verify(r->arena, process->identity_key,
		    process->program->name, response->body,
		    clock_now_ms() / 1000);
		if (*ret_who != NULL)
			return ERR_OK;
		break;
	case 401:
		return ERR_UNAUTHENTICATED;
	case 403:
		return ERR_FORBIDDEN;
	default:
		break;
	}
	log_event(LOG_WARN, EVENT_REVERIFY_FAILED,
	    LOG_NUM("status", response->status));
	return ERR_UNAVAILABLE;
}

enum err
reverify_ask(
    struct req *r, const char *assertion, const struct identity **ret_who)
{
	const struct service_process *process = r->app;
	struct http_client_response response;
	enum err e;

	e = auth_client_call(&process->auth, r,
	    &(struct auth_call){
		.method = "GET",
		.path = "reverify",
		.user_id = r->identity->user_id,
		.header =
		    arena_printf(r->arena, "Kedge-Assertion: %s", assertion),
		.timeout_ms = REVERIFY_TIMEOUT_MS,
		.max_bytes = JWS_TOKEN_MAX,
	    },
	    &response);
	if (e == ERR_NOT_FOUND)
		return ERR_UNAUTHENTICATED; /* auth issues no assertion for such
		                               a user id */
	if (e != ERR_OK)
		return ERR_UNAVAILABLE; /* logged already */
	return read_answer(r, &response, ret_who);
}

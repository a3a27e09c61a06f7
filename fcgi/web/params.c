#include "web/params.h"

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/attr.h"
#include "base/log.h"
#include "base/str.h"
#include "base/uuid.h"
#include "web/log_events.h"
#include "web/raw_path.h"
#include "web/request.h"
#include "web/service.h"
#include "web/trace.h"

enum { REQUEST_ID_MIN = 8, REQUEST_ID_MAX = 64 };

/*
 * Not KEDGE_IDENTITY, without which nobody is signed in, and not CONTENT_TYPE
 * and CONTENT_LENGTH: a body without them is refused, or read to its end.
 */
static const struct required {
	const char *name;
	bool may_be_empty;
	bool not_of_verdicts; /* a verdict is not about the query */
} required[] = {
	/* Of these two, "" is of no route. */
	{ "REQUEST_METHOD", true, false },
	{ "KEDGE_PATH", true, false },
	{ "KEDGE_RAW_URI", false, false },
	{ "KEDGE_HOST", true, false }, /* HTTP/1.0 may name none */
	{ "KEDGE_SCHEME", false, false },
	{ "REMOTE_ADDR", false, false },
	{ "QUERY_STRING", true, true },
};

const char *
params_get(const struct req *r, const char *name)
{
	const char *value = req_param(r, name);

	return value != NULL ? value : "";
}

static bool
is_request_id(const char *s)
{
	size_t len = 0;

	for (; s[len] != '\0'; len++) {
		if (len == REQUEST_ID_MAX ||
		    (!str_is_alnum(s[len]) && s[len] != '-'))
			return false;
	}
	return len >= REQUEST_ID_MIN;
}

static const char *
read_request_id(struct req *r)
{
	const char *given = req_param(r, "KEDGE_REQUEST_ID");
	char *fresh;

	if (given != NULL && is_request_id(given))
		return given;
	fresh = arena_alloc(r->arena, UUID_TEXT_SIZE);
	uuid_v7(fresh);
	return fresh;
}

static enum err
check_required(const struct service *s, const struct req *r)
{
	for (size_t i = 0; i < COUNT_OF(required); i++) {
		const struct required *p = &required[i];
		const char *value = req_param(r, p->name);

		if ((value != NULL && (*value != '\0' || p->may_be_empty)) ||
		    (p->not_of_verdicts && s->handle_all != NULL))
			continue;
		log_event(LOG_ERROR, EVENT_FASTCGI_PARAMETER_MISSING,
		    LOG_TEXT("parameter", p->name), LOG_TEXT("path", r->path));
		return ERR_INTERNAL;
	}
	return ERR_OK;
}

/*
 * A refusal of verify's would become nginx's own: who judges other services'
 * paths leaves it to them, who get the same target.
 */
static enum err
check_path(const struct service *s, struct req *r)
{
	if (*r->path != '/')
		return ERR_INVALID;
	if (s->handle_all != NULL ||
	    raw_path_is_plain(params_get(r, "KEDGE_RAW_URI")))
		return ERR_OK;
	return req_fail(r, ERR_INVALID, err_info(ERR_INVALID)->code,
	    "The path can be read in more than one way");
}

enum err
params_read(const struct service *s, struct req *r)
{
	enum err e = ERR_OK;

	r->request_id = read_request_id(r);
	r->method = params_get(r, "REQUEST_METHOD");
	r->path = params_get(r, "KEDGE_PATH");
	r->query = params_get(r, "QUERY_STRING");
	r->host = params_get(r, "KEDGE_HOST");
	r->scheme = params_get(r, "KEDGE_SCHEME");
	r->client_ip = params_get(r, "REMOTE_ADDR");
	trace_read(r, req_header(r, "TRACEPARENT"));
	log_set_request(r->request_id, r->trace_id);

	if (r->source->list != NULL)
		e = req_check_params(r->source->list(r->source->ctx));
	if (e == ERR_OK)
		e = check_required(s, r);
	return e == ERR_OK ? check_path(s, r) : e;
}

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
 * The parameters that nginx must set, and where they are stored.
 * KEDGE_IDENTITY is not required: without it nobody is signed in.  CONTENT_TYPE
 * and CONTENT_LENGTH are not required either: a body without a type is refused,
 * and a body without a length is read to its end.
 */
static const struct required {
	const char *name;
	size_t member; /* offset of the member of struct req */
	bool may_be_empty;
	/*
	 * The parameter may be missing in a request for a verdict, because a
	 * verdict does not depend on the query.
	 */
	bool not_of_verdicts;
} required[] = {
	/* If the method or the path is empty, no route matches. */
	{ "REQUEST_METHOD", offsetof(struct req, method), true, false },
	{ "KEDGE_PATH", offsetof(struct req, path), true, false },
	{ "KEDGE_RAW_URI", offsetof(struct req, raw_uri), false, false },
	/* An HTTP/1.0 request may name no host. */
	{ "KEDGE_HOST", offsetof(struct req, host), true, false },
	{ "KEDGE_SCHEME", offsetof(struct req, scheme), false, false },
	{ "REMOTE_ADDR", offsetof(struct req, client_ip), false, false },
	{ "QUERY_STRING", offsetof(struct req, query), true, true },
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

/* Returns the first required parameter that is missing, or NULL. */
static const struct required *
read_members(const struct service *s, struct req *r)
{
	const struct required *missing = NULL;

	for (size_t i = 0; i < COUNT_OF(required); i++) {
		const struct required *p = &required[i];
		const char *value = req_param(r, p->name);
		const char **member = (void *)((char *)r + p->member);

		*member = value != NULL ? value : "";
		if (missing == NULL &&
		    (value == NULL || (*value == '\0' && !p->may_be_empty)) &&
		    !(p->not_of_verdicts && s->handle_all != NULL))
			missing = p;
	}
	return missing;
}

static enum err
refuse_missing(const struct req *r, const struct required *p)
{
	log_event(LOG_ERROR, EVENT_FASTCGI_PARAMETER_MISSING,
	    LOG_TEXT("parameter", p->name), LOG_TEXT("path", r->path));
	return ERR_INTERNAL;
}

/*
 * Checks that no parameter on which decisions depend is given twice.  The list
 * is searched only if some name occurs twice, which is rare.
 */
static enum err
check_names(const struct request_source *source)
{
	size_t bytes = 0;

	if (source->unique_bytes != NULL)
		bytes = source->unique_bytes(source->ctx);
	if (source->list == NULL ||
	    (bytes > 0 && bytes <= REQ_PARAMS_MAX_BYTES))
		return ERR_OK;
	return req_check_params(source->list(source->ctx));
}

/*
 * verify does not check the paths of requests to other services, because nginx
 * would turn such a refusal into an error of its own.  Those services get the
 * same path and check it themselves.
 */
static enum err
check_path(const struct service *s, struct req *r)
{
	if (*r->path != '/')
		return ERR_INVALID;
	if (s->handle_all != NULL || raw_path_is_plain(r->raw_uri))
		return ERR_OK;
	return req_fail(r, ERR_INVALID, err_info(ERR_INVALID)->code,
	    "The path can be read in more than one way");
}

enum err
params_read(const struct service *s, struct req *r)
{
	const struct required *missing = read_members(s, r);
	enum err e;

	r->request_id = read_request_id(r);
	trace_read(r, req_header(r, "TRACEPARENT"));
	log_set_request(r->request_id, r->trace_id);

	e = check_names(r->source);
	if (e == ERR_OK && missing != NULL)
		e = refuse_missing(r, missing);
	return e == ERR_OK ? check_path(s, r) : e;
}

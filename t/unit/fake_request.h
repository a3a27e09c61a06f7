/* fake_request: a request that is read from an array, without FastCGI. */
#ifndef FAKE_REQUEST_H
#define FAKE_REQUEST_H

#include <string.h>

#include "base/arena.h"
#include "base/log.h"
#include "web/access.h"
#include "web/request.h"
#include "web/service.h"

enum { FAKE_PARAMS_MAX = 32 };

struct fake_request {
	const char *params[FAKE_PARAMS_MAX + 1]; /* each as "NAME=value" */
	int nparams;
	const char *body;
	size_t body_len;
	bool breaks; /* true: the connection ends after the bytes of `body` */
	size_t step; /* the most bytes of `body` that one read returns; 0: no
	                limit */
	bool bare; /* true: omit the default parameters of fake_default() */
};

static inline void
fake_add(struct fake_request *f, const char *param)
{
	if (f->nparams < FAKE_PARAMS_MAX)
		f->params[f->nparams++] = param;
}

static inline const char *
fake_find(const struct fake_request *f, const char *name)
{
	size_t len = strlen(name);

	for (int i = 0; i < f->nparams; i++) {
		if (strncmp(f->params[i], name, len) == 0 &&
		    f->params[i][len] == '=')
			return f->params[i] + len + 1;
	}
	return NULL;
}

/*
 * Returns the default of a parameter that nginx/fastcgi.conf always sets; NULL:
 * it has none.
 */
static inline const char *
fake_default(const char *name)
{
	if (strcmp(name, "KEDGE_RAW_URI") == 0)
		return "/";
	if (strcmp(name, "KEDGE_SCHEME") == 0)
		return "http";
	if (strcmp(name, "REMOTE_ADDR") == 0)
		return "192.0.2.1";
	if (strcmp(name, "KEDGE_HOST") == 0 ||
	    strcmp(name, "QUERY_STRING") == 0)
		return "";
	return NULL;
}

static inline const char *
fake_param(void *ctx, const char *name)
{
	const struct fake_request *f = ctx;
	const char *value = fake_find(f, name);

	return value != NULL || f->bare ? value : fake_default(name);
}

static inline long
fake_read(void *ctx, char *out, size_t len)
{
	struct fake_request *f = ctx;

	if (len > f->body_len)
		len = f->body_len;
	if (f->step != 0 && len > f->step)
		len = f->step;
	if (len == 0)
		return f->breaks ? -1 : 0;
	memcpy(out, f->body, len);
	f->body += len;
	f->body_len -= len;
	return (long)len;
}

static inline const char *const *
fake_list(void *ctx)
{
	const struct fake_request *f = ctx;

	return f->params;
}

/*
 * Handles the request and stores it, with its response, in *ret_r; both live as
 * long as the arena.
 */
static inline void
fake_handle(const struct service *s, struct fake_request *f, struct arena *a,
    struct req *ret_r)
{
	struct request_source *source = arena_alloc(a, sizeof(*source));

	*source = (struct request_source){
		.param = fake_param,
		.read = fake_read,
		.list = fake_list,
		.ctx = f,
	};
	*ret_r = (struct req){ .arena = a, .source = source };
	service_handle(s, ret_r);
	access_end(
	    ret_r, (struct sent){ .bytes = (int64_t)ret_r->response.body_len });
	log_set_request(NULL, NULL);
}

#endif

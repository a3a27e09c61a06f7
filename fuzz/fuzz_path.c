/*
 * fuzz_path: the input is a request: its lines are a method, a path and more
 * parameters, and after an empty line follows the body.  No guarded handler
 * runs, because the fuzzer cannot sign an assertion.  The handler without a
 * guard runs only for exactly its own path.  A response of the type
 * application/json is JSON.
 */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "../t/unit/fake_request.h"

#include "base/attr.h"
#include "base/json.h"
#include "base/log.h"
#include "base/str.h"

struct in {
	const char *a, *b;
	const char *title;
};

/* clang-format off */
static const struct field in_fields[] = {
	{ FIELD(struct in, a, "a"), .from = FROM_PATH, .required = true },
	{ FIELD(struct in, b, "b"), .from = FROM_PATH, .required = true },
	{ 0 },
};
static const struct field body_fields[] = {
	{ FIELD(struct in, title, "title"), .required = true },
	{ 0 },
};
/* clang-format on */

static bool ran;

static enum err
never(
    struct req *r UNUSED, const void *in_struct UNUSED, void *out_struct UNUSED)
{
	assert(!"a guarded handler ran");
	return ERR_OK;
}

static enum err
open_handler(struct req *r, const void *in_struct, void *out_struct UNUSED)
{
	const struct in *in = in_struct;

	ran = true;
	assert(strcmp(r->method, "GET") == 0 || strcmp(r->method, "HEAD") == 0);
	assert(*in->a != '\0' && strchr(in->a, '/') == NULL);
	assert(*in->b != '\0' && strchr(in->b, '/') == NULL);
	assert(strcmp(r->path, arena_printf(r->arena, "/api/core/x/%s/y/%s",
				   in->a, in->b)) == 0);
	return ERR_OK;
}

static enum err
body_handler(struct req *r, const void *in_struct, void *out_struct)
{
	assert(strcmp(r->path, "/api/core/x") == 0);
	assert(r->body != NULL);
	*(struct in *)out_struct = *(const struct in *)in_struct;
	return ERR_OK;
}

/* clang-format off */
static const struct route route_list[] = {
	{ "GET", "/me", never },
	{ "GET", "/x/{a}", never, .in = SCHEMA(struct in, in_fields) },
	{ "GET", "/x/{a}/y/{b}", open_handler, .guard = GUARD_NONE,
	  .in = SCHEMA(struct in, in_fields) },
	{ "POST", "/x/{a}/y/{b}", never,
	  .in = SCHEMA(struct in, in_fields) },
	{ "POST", "/x", body_handler, .guard = GUARD_NONE, .body_form = true,
	  .in = SCHEMA(struct in, body_fields),
	  .out = SCHEMA(struct in, body_fields) },
	{ 0 },
};
/* clang-format on */
static const struct route *const routes[] = { route_list, NULL };
static const unsigned char key[IDENTITY_KEY_SIZE] = "nobody signs with this";
static const struct service service = {
	.name = "core",
	.title = "core",
	.prefix = "/api/core",
	.routes = routes,
	.identity_keys = { .current = key },
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void
check_answer(const struct req *r)
{
	const struct response *out = &r->response;
	const char *problem;

	assert(out->status >= 200 && out->status <= 503);
	assert(out->content_type != NULL || out->body_len == 0);
	if (str_eq(out->content_type, "application/json"))
		assert(json_read(r->arena, out->body, out->body_len,
			   &problem) != NULL);
	for (int i = 0; i < out->nheaders; i++)
		assert(strpbrk(out->headers[i], "\r\n") == NULL);
	assert(!ran || out->status == 204);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct arena *a = arena_new();
	char *rest = arena_strndup(a, (const char *)data, len), *line;
	struct fake_request f = { .step = 7 };
	struct req r;

	log_init("fuzz", LOG_ERROR);
	ran = false;
	line = strsep(&rest, "\n");
	fake_add(&f, arena_printf(a, "REQUEST_METHOD=%s", line));
	line = rest != NULL ? strsep(&rest, "\n") : "";
	fake_add(&f, arena_printf(a, "KEDGE_PATH=%s", line));
	while (rest != NULL && *(line = strsep(&rest, "\n")) != '\0')
		fake_add(&f, line);
	if (rest != NULL) {
		f.body = rest;
		f.body_len = strlen(rest);
	}
	fake_handle(&service, &f, a, &r);
	check_answer(&r);

	arena_free(a);
	return 0;
}

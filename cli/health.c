#include "health.h"

#include <stddef.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"
#include "base/str.h"
#include "http_client/http_client.h"

enum { ASK_MS = 2000, ANSWER_MAX = 64 * 1024, PROBLEM_MAX = 4096 };

/* Adds each member whose value is not "ok", for example "postgres: down". */
static void
add_problem(void *ctx, const char *name, const struct json *value)
{
	struct buf *b = ctx;
	const char *text;

	if (json_kind(value) == JSON_KIND_OBJECT) {
		json_each(value, add_problem, b);
		return;
	}
	if (json_kind(value) != JSON_KIND_STRING)
		return;
	text = json_get_string(value);
	/*
	 * The member "status" is "away" when any other member is: it adds
	 * nothing.
	 */
	if (!str_eq(text, "ok") &&
	    !(str_eq(name, "status") && str_eq(text, "away")))
		buf_printf(b, "%s%s: %s", b->len > 0 ? ", " : "", name, text);
}

struct health
health_ask(struct arena *a, const char *monitoring, const char *service)
{
	bool is_socket = str_has_prefix(monitoring, "unix:");
	const struct http_client_request request = {
		.method = "GET",
		.url = arena_printf(a, "http://%s/health/%s",
		    is_socket ? "localhost" : monitoring, service),
		.unix_socket = is_socket ? monitoring + strlen("unix:") : NULL,
		.timeout_ms = ASK_MS,
		.max_bytes = ANSWER_MAX,
		.allow_private = true,
	};
	struct health h = { .problem = "does not answer" };
	struct http_client_response response;
	const struct json *answer;
	const char *problem;
	struct buf b;

	if (http_client_call(a, &request, &response) != ERR_OK)
		return h;
	h.ready = response.status == 200;
	h.problem =
	    h.ready ? "" : arena_printf(a, "status %d", response.status);
	answer = json_read(a, response.body, response.body_len, &problem);
	if (answer == NULL || json_kind(answer) != JSON_KIND_OBJECT)
		return h;
	h.answer = response.body;
	buf_init(&b, a, PROBLEM_MAX);
	json_each(answer, add_problem, &b);
	if (b.len > 0)
		h.problem = b.data;
	return h;
}

#include "auth/http/client.h"

#include <stdbool.h>
#include <string.h>

#include "auth/http/address.h"
#include "base/arena.h"
#include "base/utf8.h"
#include "web/request.h"

enum { USER_AGENT_MAX_BYTES = 1024 };

static const char *
user_agent_of(const struct req *r)
{
	const char *given = req_header(r, "USER_AGENT");
	char *text;

	if (given == NULL)
		return "";
	text = arena_strndup(
	    r->arena, given, strnlen(given, USER_AGENT_MAX_BYTES));
	if (utf8_valid(text, strlen(text)))
		return text;
	for (char *p = text; *p != '\0'; p++) {
		if ((unsigned char)*p >= 0x80)
			*p = '?';
	}
	return text;
}

static bool
has_left(const void *ctx)
{
	return req_is_abandoned(ctx);
}

struct client
client_of(const struct req *r)
{
	return (struct client){
		.ip_address = address_of(r->arena, r->client_ip),
		.user_agent = user_agent_of(r),
		.waits = { .has_left = has_left,
		    .ctx = r,
		    .network = address_network(r->arena, r->client_ip) },
	};
}

#include "spec_part.h"

#include <string.h>

#include "base/json.h"
#include "base/str.h"

enum { HOST_MAX = 253, PATH_MAX_BYTES = 200 };

static bool
has_only(const char *s, size_t len, const char *allowed)
{
	size_t i;

	for (i = 0; i < len; i++)
		if (!str_is_alnum(s[i]) && strchr(allowed, s[i]) == NULL)
			return false;
	return len > 0;
}

bool
spec_is_host_port(const char *s)
{
	const char *colon = strrchr(s, ':');
	size_t len;
	int64_t port;

	if (colon == NULL || !str_i64(colon + 1, 1, 65535, &port))
		return false;
	len = (size_t)(colon - s);
	if (len > 2 && s[0] == '[' && s[len - 1] == ']')
		return len <= 47 &&
		       strspn(s + 1, "0123456789abcdefABCDEF:.") == len - 2;
	return len <= HOST_MAX && has_only(s, len, "-.");
}

bool
spec_is_plain_path(const char *s)
{
	return s[0] == '/' && strlen(s) <= PATH_MAX_BYTES &&
	       has_only(s, strlen(s), "-_./@+") && strstr(s, "..") == NULL;
}

static bool
read_address(const char *text, struct spec_upstream *ret)
{
	static const char fastcgi[] = "fastcgi:", http[] = "http://";

	if (str_has_prefix(text, fastcgi)) {
		ret->kind = SPEC_UPSTREAM_FASTCGI;
		ret->address = text + strlen(fastcgi);
	} else if (str_has_prefix(text, http)) {
		ret->kind = SPEC_UPSTREAM_HTTP;
		ret->address = text + strlen(http);
	} else {
		return false;
	}
	if (str_has_prefix(ret->address, "unix:"))
		return ret->kind == SPEC_UPSTREAM_FASTCGI &&
		       spec_is_plain_path(ret->address + strlen("unix:"));
	return spec_is_host_port(ret->address);
}

bool
spec_upstream_read(
    const struct json_path *p, const struct json *j, struct spec_service *s)
{
	struct json_path upstream = json_path_member(p, "upstream");
	struct json_path external = json_path_member(p, "external");
	const char *text = json_member_string(j, "upstream");

	if (!json_path_read_bool(p, j, "external", &s->external))
		return false;
	if (json_member(j, "upstream") == NULL)
		return !s->external ||
		       json_path_conflict(&external,
			   "only a service with \"upstream\" is external");
	return (text != NULL && read_address(text, &s->upstream)) ||
	       json_path_fail(&upstream,
		   "must be \"fastcgi:unix:/PATH\", \"fastcgi:HOST:PORT\" or "
		   "\"http://HOST:PORT\"");
}

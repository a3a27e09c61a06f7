#include "db/db_url.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include <libpq-fe.h>

#include "base/attr.h"
#include "base/str.h"

enum { PORT_MAX = 65535, PART_SIZE = 256 };

static const char not_read[] =
    "it is no connection string or URI that libpq can read";
static const char ambiguous[] =
    "a \"@\", \"/\" or \"?\" before or after the host is not "
    "percent-encoded (%40, %2F, %3F)";

/*
 * Whether a URI of the form "//user:password@hosts/database?parameters" can be
 * read in several ways.  It cannot if it has at most one "@", which comes
 * before the first "/", and no second "/" before the parameters.
 */
static bool
is_ambiguous(const char *uri)
{
	const char *at = strstr(uri, "://");
	size_t authority, path;

	if (at == NULL)
		return true;
	at += strlen("://");
	authority = strcspn(at, "/?");
	if (memchr(at, '@', authority) != memrchr(at, '@', authority))
		return true;
	at += authority;
	if (*at == '/') {
		path = strcspn(++at, "?");
		if (memchr(at, '@', path) != NULL ||
		    memchr(at, '/', path) != NULL)
			return true;
		at += path;
	}
	/*
	 * If the password has an unescaped "?", the rest of the password and
	 * the host come here.
	 */
	return *at == '?' && strchr(at, '@') != NULL &&
	       memchr(uri, '@', (size_t)(at - uri)) == NULL &&
	       strstr(at, "host=@") == NULL;
}

static bool
is_host(const char *s)
{
	/* The directory of a unix socket, or an abstract socket. */
	if (*s == '/' || *s == '@')
		return true;
	return strspn(s,
		   "abcdefghijklmnopqrstuvwxyz"
		   "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.:-_%") == strlen(s);
}

static bool
is_address(const char *s)
{
	unsigned char bytes[sizeof(struct in6_addr)];
	char text[PART_SIZE];
	size_t len = strcspn(s, "%"); /* a scope may follow: fe80::1%eth0 */

	memcpy(text, s, len);
	text[len] = '\0';
	return *s == '\0' || inet_pton(AF_INET, s, bytes) == 1 ||
	       inet_pton(AF_INET6, text, bytes) == 1;
}

static bool
is_port(const char *s)
{
	int64_t n;

	return *s == '\0' || str_i64(s, 1, PORT_MAX, &n);
}

/* Whether the function is() accepts each part of a comma-separated list. */
static bool
are_all(const char *list, bool (*is)(const char *part))
{
	char part[PART_SIZE];

	for (;;) {
		size_t len = strcspn(list, ",");

		if (len >= sizeof(part))
			return false;
		memcpy(part, list, len);
		part[len] = '\0';
		if (!is(part))
			return false;
		if (list[len] == '\0')
			return true;
		list += len + 1;
	}
}

static const char *
options_problem(const PQconninfoOption *options)
{
	static const struct {
		const char *keyword;
		bool (*is)(const char *part);
		const char *problem;
	} rows[] = {
		{ "host", is_host, "its host is none" },
		{ "hostaddr", is_address, "its hostaddr is no IP address" },
		{ "port", is_port, "its port is not from 1 to 65535" },
	};

	for (const PQconninfoOption *o = options; o->keyword != NULL; o++)
		for (size_t i = 0; i < COUNT_OF(rows); i++)
			if (o->val != NULL && o->val[0] != '\0' &&
			    str_eq(o->keyword, rows[i].keyword) &&
			    !are_all(o->val, rows[i].is))
				return rows[i].problem;
	return NULL;
}

const char *
db_url_problem(const char *url)
{
	PQconninfoOption *options;
	const char *problem;

	if ((str_has_prefix(url, "postgresql://") ||
		str_has_prefix(url, "postgres://")) &&
	    is_ambiguous(url))
		return ambiguous;
	/*
	 * Do not take libpq's error message: it would quote the text, and so a
	 * password.
	 */
	options = PQconninfoParse(url, /* errmsg= */ NULL);
	if (options == NULL)
		return not_read;
	problem = options_problem(options);
	PQconninfoFree(options);
	return problem;
}

void
db_url_each_variable(const char *url,
    void (*visit)(void *ctx, const char *name, const char *value), void *ctx)
{
	PQconninfoOption *options = PQconninfoParse(url, /* errmsg= */ NULL);

	for (PQconninfoOption *o = options; o != NULL && o->keyword != NULL;
	     o++)
		if (o->envvar != NULL && o->val != NULL)
			visit(ctx, o->envvar, o->val);
	PQconninfoFree(options);
}

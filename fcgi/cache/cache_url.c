#include "cache/cache_url.h"

#include <stdlib.h>
#include <string.h>

#include "base/hex.h"
#include "base/str.h"

enum { PORT_DEFAULT = 6379, PORT_MAX = 65535, DB_MAX = 1 << 20 };

/*
 * Decodes percent-encoding in place.  Returns false for an invalid escape or an
 * encoded NUL.
 */
static bool
decode(char *s)
{
	char *out = s;

	for (; *s != '\0'; s++) {
		int high, low;

		if (*s != '%') {
			*out++ = *s;
			continue;
		}
		high = hex_value(s[1]);
		low = high < 0 ? -1 : hex_value(s[2]);
		if (low < 0 || (high == 0 && low == 0))
			return false;
		*out++ = (char)(high * 16 + low);
		s += 2;
	}
	*out = '\0';
	return true;
}

/*
 * Replaces the separator at `at` by a NUL and returns the text after it; NULL
 * when `at` is NULL.
 */
static char *
cut(char *at)
{
	if (at == NULL)
		return NULL;
	*at = '\0';
	return at + 1;
}

static bool
read_parameter(struct cache_url *u, char *name)
{
	char *value = cut(strchr(name, '='));

	if (value == NULL || !decode(value))
		return false;
	if (strcmp(name, "password") == 0)
		u->password = value;
	else if (strcmp(name, "user") == 0)
		u->user = value;
	else if (strcmp(name, "db") == 0)
		return str_i64(value, 0, DB_MAX, &u->db);
	else
		return false;
	return true;
}

static bool
read_unix(struct cache_url *u, char *path)
{
	char *next, *at = cut(strchr(path, '?'));

	u->path = path;
	for (; at != NULL; at = next) {
		next = cut(strchr(at, '&'));
		if (!read_parameter(u, at))
			return false;
	}
	return path[0] != '\0' && decode(path);
}

static bool
read_login(struct cache_url *u, char *login)
{
	char *password;

	if (strpbrk(login, "@/?#") != NULL)
		return false;
	password = cut(strchr(login, ':'));
	if (password == NULL || !decode(login) || !decode(password))
		return false;
	if (login[0] != '\0')
		u->user = login;
	u->password = password;
	return true;
}

static bool
is_host(const char *s)
{
	return strspn(s,
		   "abcdefghijklmnopqrstuvwxyz"
		   "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.:-_%") == strlen(s);
}

static bool
read_tcp(struct cache_url *u, char *login)
{
	char *host = cut(strrchr(login, '@'));
	char *db, *port;

	if (host == NULL)
		host = login;
	else if (!read_login(u, login))
		return false;
	db = cut(strchr(host, '/'));
	if (db != NULL && db[0] != '\0' && !str_i64(db, 0, DB_MAX, &u->db))
		return false;
	if (host[0] == '[') {
		char *end = strchr(++host, ']');

		if (end == NULL || (end[1] != '\0' && end[1] != ':'))
			return false;
		port = end[1] == ':' ? end + 2 : NULL;
		*end = '\0';
	} else {
		port = cut(strchr(host, ':'));
	}
	if (port != NULL && !str_i64(port, 1, PORT_MAX, &u->port))
		return false;
	u->host = host;
	return host[0] != '\0' && decode(host) && is_host(host);
}

bool
cache_url_init(struct cache_url *u, const char *text)
{
	bool ok = false;

	*u = (struct cache_url){ .text = strdup(text), .port = PORT_DEFAULT };
	if (u->text == NULL)
		abort();
	if (str_has_prefix(text, "unix:"))
		ok = read_unix(u, u->text + strlen("unix:"));
	else if (str_has_prefix(text, "redis://"))
		ok = read_tcp(u, u->text + strlen("redis://"));
	if (!ok)
		cache_url_release(u);
	return ok;
}

bool
cache_url_is_valid(const char *text)
{
	struct cache_url u;

	if (!cache_url_init(&u, text))
		return false;
	cache_url_release(&u);
	return true;
}

void
cache_url_release(struct cache_url *u)
{
	if (u->password != NULL)
		explicit_bzero((char *)u->password, strlen(u->password));
	free(u->text);
	*u = (struct cache_url){ 0 };
}

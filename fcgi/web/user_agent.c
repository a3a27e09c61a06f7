#include "web/user_agent.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "base/attr.h"

enum where { BEGINNING, ANYWHERE, ANY_CASE };

/*
 * The first matching row applies: other browsers claim to be Chrome, and Chrome
 * claims to be Safari.  nginx/log.conf.in has the same table; t/10-edge.t
 * compares them.
 */
static const struct {
	const char *text;
	enum where where;
	const char *family;
} rows[] = {
	{ "bot", ANY_CASE, "bot" },
	{ "crawl", ANY_CASE, "bot" },
	{ "spider", ANY_CASE, "bot" },
	{ "slurp", ANY_CASE, "bot" },
	{ "Edg/", ANYWHERE, "Edge" },
	{ "EdgA/", ANYWHERE, "Edge" },
	{ "EdgiOS/", ANYWHERE, "Edge" },
	{ "OPR/", ANYWHERE, "Opera" },
	{ "Opera/", ANYWHERE, "Opera" },
	{ "SamsungBrowser/", ANYWHERE, "Samsung" },
	{ "Firefox/", ANYWHERE, "Firefox" },
	{ "FxiOS/", ANYWHERE, "Firefox" },
	{ "Chrome/", ANYWHERE, "Chrome" },
	{ "CriOS/", ANYWHERE, "Chrome" },
	{ "Chromium/", ANYWHERE, "Chrome" },
	{ "Safari/", ANYWHERE, "Safari" },
	{ "curl/", BEGINNING, "curl" },
	{ "Wget/", BEGINNING, "Wget" },
	{ "node", BEGINNING, "node" },
	{ "undici", BEGINNING, "node" },
	{ "axios", BEGINNING, "node" },
	{ "python", BEGINNING, "Python" },
	{ "Python", BEGINNING, "Python" },
	{ "Go-http-client/", BEGINNING, "Go" },
	{ "okhttp/", BEGINNING, "okhttp" },
};

static bool
fits(const char *header, const char *text, enum where where)
{
	switch (where) {
	case BEGINNING:
		return strncmp(header, text, strlen(text)) == 0;
	case ANYWHERE:
		return strstr(header, text) != NULL;
	case ANY_CASE:
		return strcasestr(header, text) != NULL;
	}
	return false;
}

const char *
user_agent_family(const char *header)
{
	if (header == NULL || *header == '\0')
		return "none";
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		if (fits(header, rows[i].text, rows[i].where))
			return rows[i].family;
	}
	return "other";
}

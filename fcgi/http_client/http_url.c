#include "http_client/http_url.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "http_client/address.h"

bool
http_url_scheme_is_allowed(const char *url)
{
	return strncasecmp(url, "http://", strlen("http://")) == 0 ||
	       strncasecmp(url, "https://", strlen("https://")) == 0;
}

/*
 * Returns a part of the URL.  The parser is libcurl's own, so that the check
 * reads the URL in the same way as the request.
 */
static char *
url_part(CURLU *url, CURLUPart part)
{
	char *text = NULL;

	return curl_url_get(url, part, &text, 0) == CURLUE_OK ? text : NULL;
}

/*
 * Whether the host is "localhost" or ends in ".localhost" (RFC 6761 section
 * 6.3), with or without a trailing dot.
 */
static bool
is_localhost(const char *host)
{
	static const char name[] = "localhost";
	size_t len = strlen(host), n = sizeof(name) - 1;

	if (len > 0 && host[len - 1] == '.')
		len--;
	return len >= n && strncasecmp(host + len - n, name, n) == 0 &&
	       (len == n || host[len - n - 1] == '.');
}

/*
 * Returns false only for a host that is certainly not public.  Most names give
 * true: their addresses are known only after a lookup.
 */
static bool
host_may_be_public(const char *host)
{
	struct sockaddr_in in = { .sin_family = AF_INET };
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6 };
	char text[INET6_ADDRSTRLEN] = "";
	size_t len = strcspn(host, "%]");

	if (inet_pton(AF_INET, host, &in.sin_addr) == 1)
		return address_is_public((const struct sockaddr *)&in);
	if (host[0] != '[')
		return !is_localhost(host);
	if (len <= sizeof(text))
		memcpy(text, host + 1, len - 1);
	return inet_pton(AF_INET6, text, &in6.sin6_addr) == 1 &&
	       address_is_public((const struct sockaddr *)&in6);
}

static enum err
check_parts(CURLU *url, bool allow_private)
{
	char *host = url_part(url, CURLUPART_HOST),
	     *port = url_part(url, CURLUPART_PORT),
	     *user = url_part(url, CURLUPART_USER),
	     *password = url_part(url, CURLUPART_PASSWORD);
	enum err e = ERR_OK;

	if (host == NULL || host[0] == '\0' || user != NULL ||
	    password != NULL || (port != NULL && strcmp(port, "0") == 0))
		e = ERR_INVALID;
	else if (!allow_private && !host_may_be_public(host))
		e = ERR_FORBIDDEN;
	curl_free(host);
	curl_free(port);
	curl_free(user);
	curl_free(password);
	return e;
}

/*
 * Returns false for a host that libcurl accepts but other parsers read
 * differently: an empty one, or one in an unusual notation.  Names with letters
 * beyond ASCII must be written as IDNA does (RFC 5891): to convert them,
 * libcurl would need a locale, which services do not have.
 */
static bool
authority_is_plain(const char *url)
{
	const char *authority = strstr(url, "://") + strlen("://");
	size_t len = strcspn(authority, "/?#");

	for (size_t i = 0; i < len; i++) {
		if ((unsigned char)authority[i] > '~')
			return false;
		/* In brackets, "%" begins the zone of an address (RFC 6874). */
		if (authority[i] == '%' && authority[0] != '[')
			return false;
	}
	return len > 0;
}

enum err
http_url_check(const char *url, bool allow_private)
{
	CURLU *parsed = curl_url();
	enum err e = ERR_INVALID;

	if (parsed == NULL)
		abort();
	/*
	 * A fragment is refused, because it would never be sent (RFC 9110
	 * section 7.1).
	 */
	if (http_url_scheme_is_allowed(url) && authority_is_plain(url) &&
	    strchr(url, '#') == NULL &&
	    curl_url_set(parsed, CURLUPART_URL, url, 0) == CURLUE_OK)
		e = check_parts(parsed, allow_private);
	curl_url_cleanup(parsed);
	return e;
}

#include "spec_part.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/json.h"
#include "base/str.h"

#include "message.h"

#define LOG_DIRECTORY "/var/log/kedge"
/* Where a server answers for health and metrics, unless kedge.json says. */
#define METRICS_LISTEN "127.0.0.1:9180"

enum {
	HOST_MAX = 253,
	LABEL_MAX = 63,
	MAIL_URL_MAX = 256,
	ADDRESS_MAX = 254, /* of an e-mail address: RFC 5321, 4.5.3.1.3 */
	HSTS_DEFAULT_S = 31536000,
	HSTS_MAX_S = 63072000,
};

/* -- the member `web`: the page or application at "/" -- */

/*
 * Whether the text is a path that nginx takes without quotes, absolute or
 * relative.
 */
static bool
is_directory(struct arena *a, const char *s)
{
	return s[0] != '\0' &&
	       spec_is_plain_path(s[0] == '/' ? s : arena_printf(a, "/%s", s));
}

static bool
is_http_url(const char *s)
{
	return str_has_prefix(s, "http://") &&
	       spec_is_host_port(s + strlen("http://"));
}

static bool
take_directory(
    const struct json_path *p, const char *text, struct spec_web *ret)
{
	ret->directory = text;
	return (text != NULL && is_directory(p->arena, text)) ||
	       json_path_fail(p,
		   "must be a directory: letters, digits and \"-_./@+\", at "
		   "most 200");
}

static bool
take_upstream(const struct json_path *p, const char *text, struct spec_web *ret)
{
	ret->upstream = text;
	return (text != NULL && is_http_url(text)) ||
	       json_path_fail(p, "must be \"http://HOST:PORT\"");
}

static bool
read_web_object(
    const struct json_path *p, const struct json *j, struct spec_web *ret)
{
	static const char *const known[] = { "directory", "upstream", "spa",
		NULL };
	struct json_path directory = json_path_member(p, "directory");
	struct json_path upstream = json_path_member(p, "upstream");

	if (!json_path_check_object(p, j, known) ||
	    !json_path_read_bool(p, j, "spa", &ret->spa))
		return false;
	if ((json_member(j, "directory") == NULL) ==
	    (json_member(j, "upstream") == NULL))
		return json_path_conflict(
		    p, "must have either \"directory\" or \"upstream\"");
	if (json_member(j, "directory") != NULL)
		return take_directory(
		    &directory, json_member_string(j, "directory"), ret);
	return take_upstream(&upstream, json_member_string(j, "upstream"), ret);
}

static bool
read_web(const struct json_path *p, const struct json *j, struct spec_web *ret)
{
	const char *text;

	if (j == NULL) {
		ret->directory = "web";
		return true;
	}
	if (json_kind(j) != JSON_KIND_STRING)
		return read_web_object(p, j, ret);
	text = json_get_string(j);
	return str_has_prefix(text, "http:") ? take_upstream(p, text, ret)
	                                     : take_directory(p, text, ret);
}

bool
spec_set_web(struct spec *spec, const char *given)
{
	spec->web = (struct spec_web){ 0 };
	if (given[0] == '/') {
		spec->web.directory = given;
		spec->web.spa = true;
		return true;
	}
	spec->web.upstream = given;
	if (!is_http_url(given))
		print_error("--web %s: it must be a directory, or "
			    "http://HOST:PORT without a path",
		    given);
	return is_http_url(given);
}

/* Names and addresses */

/*
 * Whether the text is a host name in lower case: labels of letters, digits and
 * hyphens, separated by dots (RFC 1123, 2.1).
 */
static bool
is_host_name(const char *s)
{
	size_t label = 0;
	size_t i;

	for (i = 0; s[i] != '\0'; i++) {
		if (s[i] == '.') {
			if (label == 0 || s[i - 1] == '-')
				return false;
			label = 0;
			continue;
		}
		if (!(s[i] >= 'a' && s[i] <= 'z') &&
		    !(s[i] >= '0' && s[i] <= '9') &&
		    !(s[i] == '-' && label > 0))
			return false;
		if (++label > LABEL_MAX)
			return false;
	}
	return label > 0 && s[i - 1] != '-' && i <= HOST_MAX;
}

/* Whether the text is an address, or a network in CIDR notation. */
static bool
is_network(struct arena *a, const char *s)
{
	const char *slash = strchr(s, '/');
	const char *address =
	    slash == NULL ? s : arena_strndup(a, s, (size_t)(slash - s));
	struct in6_addr bytes;
	int64_t bits;

	if (inet_pton(AF_INET, address, &bytes) == 1)
		return slash == NULL || str_i64(slash + 1, 0, 32, &bits);
	return inet_pton(AF_INET6, address, &bytes) == 1 &&
	       (slash == NULL || str_i64(slash + 1, 0, 128, &bits));
}

/*
 * Reads a list of texts. A text that occurs twice is an error; a list that is
 * missing is empty.
 */
static bool
read_texts(const struct json_path *p, const struct json *list, int max,
    bool (*is_good)(struct arena *a, const char *s), const char *expected,
    const char **ret_texts, int *ret_n)
{
	struct json_path item;
	const char *text;
	int i, k;

	if (list == NULL)
		return true;
	if (!json_path_check_array(p, list, 1, (size_t)max))
		return false;
	for (i = 0; i < (int)json_count(list); i++) {
		const struct json *j = json_item(list, (size_t)i);

		item = json_path_item(p, (size_t)i);
		if (json_kind(j) != JSON_KIND_STRING ||
		    !is_good(p->arena, json_get_string(j)))
			return json_path_fail(&item, expected);
		text = json_get_string(j);
		for (k = 0; k < i; k++)
			if (str_eq(ret_texts[k], text))
				return json_path_fail(&item, "occurs twice");
		ret_texts[i] = text;
	}
	*ret_n = i;
	return true;
}

bool
spec_set_proxies(struct arena *a, struct spec *spec, const char *given)
{
	char *rest = arena_strdup(a, given);
	char *item;

	spec->ntrusted_proxies = 0;
	while ((item = strsep(&rest, ", ")) != NULL) {
		if (*item == '\0')
			continue;
		if (!is_network(a, item) ||
		    spec->ntrusted_proxies == SPEC_PROXIES_MAX) {
			print_error("KEDGE_TRUSTED_PROXIES: \"%s\" must be an "
				    "address or a network like 10.0.0.0/8, one "
				    "of at most %d",
			    item, SPEC_PROXIES_MAX);
			return false;
		}
		spec->trusted_proxies[spec->ntrusted_proxies++] = item;
	}
	return true;
}

bool
spec_take_proxies(struct arena *a, struct spec *spec)
{
	const char *given = getenv("KEDGE_TRUSTED_PROXIES");

	return given == NULL || spec_set_proxies(a, spec, given);
}

static bool
is_server_name(struct arena *a UNUSED, const char *s)
{
	return is_host_name(s);
}

static bool
read_names(const struct json_path *p, const struct json *j, struct spec *spec)
{
	struct json_path names = json_path_member(p, "serverNames");
	struct json_path proxies = json_path_member(p, "trustedProxies");

	return read_texts(&names, json_member(j, "serverNames"), SPEC_NAMES_MAX,
		   is_server_name,
		   "must be a host name in lower case like \"app.example.com\"",
		   spec->server_names, &spec->nserver_names) &&
	       read_texts(&proxies, json_member(j, "trustedProxies"),
		   SPEC_PROXIES_MAX, is_network,
		   "must be an address or a network like \"10.0.0.0/8\"",
		   spec->trusted_proxies, &spec->ntrusted_proxies);
}

/* TLS, mail, logs */

static bool
read_path(const struct json_path *p, const struct json *j, const char *name,
    const char **ret)
{
	struct json_path here = json_path_member(p, name);

	*ret = json_member_string(j, name);
	return (*ret != NULL && spec_is_plain_path(*ret)) ||
	       json_path_fail(&here,
		   "must be an absolute path: letters, digits and \"-_./@+\", "
		   "at most 200");
}

static bool
read_tls(const struct json_path *p, const struct json *j, struct spec_tls *ret)
{
	static const char *const known[] = { "certificate", "key", "hsts",
		NULL };

	if (j == NULL)
		return true;
	ret->hsts_s = HSTS_DEFAULT_S;
	return json_path_check_object(p, j, known) &&
	       read_path(p, j, "certificate", &ret->certificate) &&
	       read_path(p, j, "key", &ret->key) &&
	       json_path_read_optional(
		   p, j, "hsts", 0, HSTS_MAX_S, &ret->hsts_s);
}

static bool
is_mail_url(const char *s)
{
	size_t len = strlen(s);

	if (len > MAIL_URL_MAX)
		return false;
	if (str_has_prefix(s, "smtp://"))
		return spec_is_host_port(s + strlen("smtp://"));
	return str_has_prefix(s, "smtps://") &&
	       spec_is_host_port(s + strlen("smtps://"));
}

/*
 * Whether the text looks like an e-mail address. The variable that the address
 * is written to has its own, complete check.
 */
static bool
is_mail_address(const char *s)
{
	const char *at = strrchr(s, '@');
	size_t i;

	for (i = 0; s[i] != '\0'; i++)
		if (!str_is_alnum(s[i]) &&
		    strchr(".!#$%&'*+/=?^_`{|}~-@", s[i]) == NULL)
			return false;
	return i <= ADDRESS_MAX && at != NULL && at != s && at[1] != '\0';
}

static bool
read_mail(
    const struct json_path *p, const struct json *j, struct spec_mail *ret)
{
	static const char *const known[] = { "url", "from", NULL };
	struct json_path url = json_path_member(p, "url");
	struct json_path from = json_path_member(p, "from");

	if (j == NULL)
		return true;
	if (!json_path_check_object(p, j, known))
		return false;
	ret->url = json_member_string(j, "url");
	if (ret->url == NULL || !is_mail_url(ret->url))
		return json_path_fail(&url,
		    "must be \"smtp://HOST:PORT\" or "
		    "\"smtps://HOST:PORT\"; name and password are "
		    "secrets, not part of it");
	ret->from = json_member_string(j, "from");
	return (ret->from != NULL && is_mail_address(ret->from)) ||
	       json_path_fail(&from, "must be an e-mail address");
}

static bool
read_log(const struct json_path *p, const struct json *j, struct spec_log *ret)
{
	static const char *const known[] = { "destination", "directory", NULL };
	struct json_path destination = json_path_member(p, "destination");
	struct json_path directory = json_path_member(p, "directory");
	const char *text;

	ret->directory = LOG_DIRECTORY;
	if (j == NULL)
		return true;
	if (!json_path_check_object(p, j, known))
		return false;
	text = json_member_string(j, "destination");
	if (str_eq(text, "files"))
		ret->destination = SPEC_LOG_FILES;
	else if (!str_eq(text, "journald"))
		return json_path_fail(
		    &destination, "must be \"journald\" or \"files\"");
	if (json_member(j, "directory") == NULL)
		return true;
	if (ret->destination != SPEC_LOG_FILES)
		return json_path_conflict(&directory,
		    "is allowed only with the destination \"files\"");
	return read_path(p, j, "directory", &ret->directory);
}

/*
 * The address is one of loopback. Ports on which nginx listens on all addresses
 * are refused: the listener would take the connections of this host from it.
 */
static bool
is_monitoring(const char *s)
{
	static const int64_t taken[] = { 80, 443, 8080, 8081 };
	int64_t port;

	if (str_has_prefix(s, "127.0.0.1:"))
		s += strlen("127.0.0.1:");
	else if (str_has_prefix(s, "[::1]:"))
		s += strlen("[::1]:");
	else
		return false;
	if (!str_i64(s, 1, 65535, &port) || *s == '0')
		return false;
	for (size_t i = 0; i < COUNT_OF(taken); i++)
		if (port == taken[i])
			return false;
	return true;
}

static bool
read_metrics(const struct json_path *p, const struct json *j, struct spec *spec)
{
	static const char *const known[] = { "listen", NULL };
	struct json_path listen = json_path_member(p, "listen");

	spec->metrics_listen = METRICS_LISTEN;
	if (j == NULL)
		return true;
	if (!json_path_check_object(p, j, known))
		return false;
	spec->metrics_listen = json_member_string(j, "listen");
	return (spec->metrics_listen != NULL &&
		   is_monitoring(spec->metrics_listen)) ||
	       json_path_fail(&listen,
		   "must be \"127.0.0.1:PORT\" or \"[::1]:PORT\", with another "
		   "port than 80, 443, 8080 and 8081");
}

bool
spec_site_read(
    const struct json_path *p, const struct json *j, struct spec *spec)
{
	struct json_path web = json_path_member(p, "web");
	struct json_path tls = json_path_member(p, "tls");
	struct json_path mail = json_path_member(p, "mail");
	struct json_path log = json_path_member(p, "log");
	struct json_path metrics = json_path_member(p, "metrics");

	if (!read_web(&web, json_member(j, "web"), &spec->web) ||
	    !read_names(p, j, spec) ||
	    !read_tls(&tls, json_member(j, "tls"), &spec->tls) ||
	    !read_mail(&mail, json_member(j, "mail"), &spec->mail) ||
	    !read_log(&log, json_member(j, "log"), &spec->log) ||
	    !read_metrics(&metrics, json_member(j, "metrics"), spec))
		return false;
	return spec->tls.certificate == NULL || spec->nserver_names > 0 ||
	       json_path_conflict(
		   &tls, "needs \"serverNames\", the names of the certificate");
}

#include "auth/auth.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "auth/log_events.h"
#include "base/attr.h"
#include "base/log.h"
#include "base/log_events.h"
#include "base/str.h"
#include "web/origins.h"
#include "web/request.h"

enum { SERVICE_NAME_MAX = 32, COOKIE_PREFIX_MAX = 64 };

struct auth *
auth_of(const struct req *r)
{
	return r->app;
}

const struct audience *
auth_audience(const struct auth *auth, const char *name)
{
	if (str_eq(auth->self.name, name))
		return &auth->self;
	for (size_t i = 0; i < auth->naudiences; i++) {
		if (str_eq(auth->audiences[i].name, name))
			return &auth->audiences[i];
	}
	return NULL;
}

/*
 * Like asprintf(3), because there is no arena: the result lives as long as the
 * process.
 */
static char *format(const char *fmt, ...) PRINTF(1, 2);

static char *
format(const char *fmt, ...)
{
	va_list args;
	char *text;
	int len;

	va_start(args, fmt);
	len = vasprintf(&text, fmt, args);
	va_end(args);
	if (len < 0)
		abort();
	return text;
}

/* [a-z][a-z0-9]*: the name becomes part of a member's name and of a key. */
static bool
is_service_name(const char *s)
{
	size_t len = strlen(s);

	if (len > SERVICE_NAME_MAX || *s < 'a' || *s > 'z')
		return false;
	for (; *s != '\0'; s++) {
		if (!str_is_alnum(*s) || (*s >= 'A' && *s <= 'Z'))
			return false;
	}
	return true;
}

struct identity_keys
audience_keys(const struct audience *audience)
{
	return (struct identity_keys){
		.current = audience->key,
		.previous =
		    audience->has_previous ? audience->previous_key : NULL,
	};
}

static void
derive_keys(const struct auth *auth, struct audience *audience)
{
	identity_derive_key(auth->secret, audience->name, audience->key);
	audience->has_previous = auth->secret_previous != NULL;
	if (audience->has_previous)
		identity_derive_key(auth->secret_previous, audience->name,
		    audience->previous_key);
}

static bool
add_audience(struct auth *auth, const char *name)
{
	struct audience *audience = &auth->audiences[auth->naudiences];

	if (!is_service_name(name) || auth->naudiences == AUTH_SERVICES_MAX ||
	    auth_audience(auth, name) != NULL) {
		log_event(LOG_ERROR, EVENT_BASE_SERVICE_NAME_INVALID,
		    LOG_TEXT("service", name));
		return false;
	}
	audience->name = format("%s", name);
	audience->member =
	    format("has%c%sAccount", *name - 'a' + 'A', name + 1);
	derive_keys(auth, audience);
	auth->naudiences++;
	return true;
}

static bool
add_audiences(struct auth *auth, const char *services)
{
	char *list = format("%s", services), *rest = NULL;
	bool ok = true;

	for (char *name = strtok_r(list, ", ", &rest); ok && name != NULL;
	     name = strtok_r(NULL, ", ", &rest))
		ok = add_audience(auth, name);
	free(list);
	return ok;
}

/* The prefix is part of a cookie's name: RFC 6265 section 4.1.1. */
static bool
is_cookie_prefix(const char *s)
{
	size_t len = strlen(s);

	for (; *s != '\0'; s++) {
		if (!str_is_alnum(*s) && strchr("-_.", *s) == NULL)
			return false;
	}
	return len > 0 && len <= COOKIE_PREFIX_MAX;
}

/*
 * A short secret could be guessed, and what is signed with it is accepted, so
 * the second secret has the same minimum length.
 */
static bool
set_previous_secret(struct auth *auth, const char *secret)
{
	size_t len = secret != NULL ? strlen(secret) : 0;

	if (len > 0 && len < AUTH_SECRET_MIN_BYTES) {
		log_event(LOG_ERROR, EVENT_ENVIRONMENT_VARIABLE_INVALID,
		    LOG_TEXT("variable", "AUTH_SECRET_PREVIOUS"),
		    LOG_TEXT("value", "(secret)"),
		    LOG_TEXT(
			"expected", "nothing, or a text of 32 to 4096 bytes"));
		return false;
	}
	auth->secret_previous = len > 0 ? secret : NULL;
	auth->secret_previous_len = len;
	return true;
}

static struct origins *
read_origins(const struct auth_config *config)
{
	struct origin_problem problem;
	struct origins *o =
	    origins_new(config->url, config->trusted_origins, &problem);
	const struct origin_pattern *p;
	size_t i;

	if (o == NULL && problem.is_own) {
		log_event(LOG_ERROR, EVENT_PUBLIC_URL_INVALID,
		    LOG_TEXT("url", problem.entry),
		    LOG_TEXT("problem", problem.why),
		    LOG_TEXT("instead", problem.instead));
		return NULL;
	}
	if (o == NULL) {
		log_event(LOG_ERROR, EVENT_TRUSTED_ORIGIN_INVALID,
		    LOG_TEXT("origin", problem.entry),
		    LOG_TEXT("problem", problem.why),
		    LOG_TEXT("instead", problem.instead));
		return NULL;
	}
	for (i = 0; (p = origins_pattern(o, i)) != NULL; i++) {
		if (origin_pattern_is_everything(p))
			log_event(LOG_WARN, EVENT_EVERY_ORIGIN_TRUSTED,
			    LOG_TEXT("origin", p->text));
	}
	return o;
}

bool
auth_init(struct auth *auth, const struct auth_config *config)
{
	const char *prefix;

	auth->config = config;
	auth->plugins = config->plugin_set;
	auth->secret = config->secret;
	auth->secret_len = strlen(config->secret);
	if (!set_previous_secret(auth, config->secret_previous))
		return false;
	auth->origins = read_origins(config);
	auth->self.name = "auth";
	derive_keys(auth, &auth->self);
	if (auth->origins == NULL || !add_audiences(auth, config->services))
		return false;
	if (!is_cookie_prefix(config->cookie_prefix)) {
		log_event(LOG_ERROR, EVENT_ENVIRONMENT_VARIABLE_INVALID,
		    LOG_TEXT("variable", "AUTH_COOKIE_PREFIX"),
		    LOG_TEXT("value", config->cookie_prefix),
		    LOG_TEXT("expected",
			"letters, digits, \"-\", \"_\", \".\"; at most 64"));
		return false;
	}
	auth->secure = str_has_prefix(origins_own(auth->origins), "https://");
	prefix = auth->secure ? "__Secure-" : "";
	auth->cookie_prefix = format("%s%s.", prefix, config->cookie_prefix);
	auth->session_cookie = format("%ssession_token", auth->cookie_prefix);
	auth->data_cookie = format("%ssession_data", auth->cookie_prefix);
	return true;
}

void
auth_release(struct auth *auth)
{
	for (size_t i = 0; i < auth->naudiences; i++) {
		free((char *)auth->audiences[i].name);
		free((char *)auth->audiences[i].member);
		explicit_bzero(auth->audiences[i].key, IDENTITY_KEY_SIZE);
		explicit_bzero(
		    auth->audiences[i].previous_key, IDENTITY_KEY_SIZE);
	}
	auth->naudiences = 0;
	explicit_bzero(auth->self.key, IDENTITY_KEY_SIZE);
	explicit_bzero(auth->self.previous_key, IDENTITY_KEY_SIZE);
	free((char *)auth->session_cookie);
	free((char *)auth->data_cookie);
	free((char *)auth->cookie_prefix);
	origins_free((struct origins *)auth->origins);
}

const void *
plugin_config(const struct auth *auth, const struct config_var *vars)
{
	return auth->config->plugin_config +
	       plugin_set_config_at(auth->plugins, vars);
}

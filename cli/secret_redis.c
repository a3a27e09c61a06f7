/*
 * Rotates the password of a service's user in Redis.
 *
 * A user of Redis may have several passwords (ACL SETUSER). The new one is
 * added, the processes are reloaded, and the old one is removed.
 */
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/str.h"
#include "cache/cache_url.h"
#include "web/query.h"

#include "command.h"
#include "message.h"
#include "secret_rotate.h"

/* Contains the connection string with the password that is to be removed. */
#define STATE_FILE ".redis"

/*
 * Sends commands to Redis; the password is in the environment and the commands
 * come from standard input, because other users can read arguments. *ret_output
 * is what Redis answers, one line for each command.
 */
static bool
talk(struct arena *a, const struct cache_url *u, const char *commands,
    const char **ret_output)
{
	const char *argv[12] = { "redis-cli", "--no-auth-warning" };
	int n = 2;

	if (u->path != NULL) {
		argv[n++] = "-s";
		argv[n++] = u->path;
	} else {
		argv[n++] = "-h";
		argv[n++] = u->host;
		argv[n++] = "-p";
		argv[n++] = arena_i64(a, u->port);
	}
	if (u->user != NULL) {
		argv[n++] = "--user";
		argv[n++] = u->user;
	}
	return command_check(a,
	    &(struct command){ .argv = argv,
		.input = commands,
		.variable = arena_printf(a, "REDISCLI_AUTH=%s", u->password) },
	    ret_output);
}

static bool
expect(struct arena *a, const struct cache_url *u, const char *command,
    const char *answer)
{
	const char *output;

	if (!talk(a, u, command, &output))
		return false;
	if (str_has_prefix(output, answer))
		return true;
	print_error("Redis answers: %.200s", output);
	return false;
}

static const char *
user_of(const struct cache_url *u)
{
	return u->user != NULL ? u->user : "default";
}

/*
 * Makes Redis keep its users over a restart: in the ACL file or in its
 * configuration file, whichever it has.
 */
static void
persist(struct arena *a, const struct cache_url *u, const char *service)
{
	const char *output;

	if (talk(a, u, "ACL SAVE\n", &output) && str_has_prefix(output, "OK"))
		return;
	if (talk(a, u, "CONFIG REWRITE\n", &output) &&
	    str_has_prefix(output, "OK"))
		return;
	print_error("%s: Redis could not save the new password (ACL SAVE, "
		    "CONFIG REWRITE); write it into its configuration, or a "
		    "restart of Redis brings the old one back",
	    service);
}

static const char *
with_password(struct arena *a, const struct cache_url *u, const char *password)
{
	const char *user = u->user != NULL ? percent_encode(a, u->user) : "";

	if (u->path != NULL)
		return arena_printf(a, "unix:%s?password=%s%s%s&db=%lld",
		    percent_encode(a, u->path), password,
		    *user != '\0' ? "&user=" : "", user, (long long)u->db);
	return arena_printf(a, "redis://%s:%s@%s%s%s:%lld/%lld", user, password,
	    strchr(u->host, ':') != NULL ? "[" : "", u->host,
	    strchr(u->host, ':') != NULL ? "]" : "", (long long)u->port,
	    (long long)u->db);
}

/* Adds a new password, and writes it into the service's file. */
static bool
begin(const struct secrets *s, const struct spec_service *service,
    const struct secret_source *source, const struct cache_url *u,
    const char **ret_url)
{
	struct arena *a = s->stack.arena;
	const char *password = secret_new(a);
	const char *url = with_password(a, u, password);
	struct cache_url next;
	bool ok;

	if (!expect(a, u,
		arena_printf(a, "ACL SETUSER %s >%s\n", user_of(u), password),
		"OK") ||
	    !cache_url_init(&next, url))
		return false;
	ok = expect(a, &next, "PING\n", "PONG") &&
	     secret_store_put(
		 &s->store, service->name, STATE_FILE, source->text) &&
	     secrets_put(s, service, "REDIS_URL", source, url);
	cache_url_release(&next);
	*ret_url = url;
	return ok;
}

/* Reloads the service, and removes the password of `old`. */
static bool
finish(const struct secrets *s, const struct spec_service *service,
    const char *old, const char *url)
{
	struct arena *a = s->stack.arena;
	struct cache_url before, now;
	bool ok;

	if (!secrets_reload(s, service) || !cache_url_init(&before, old))
		return false;
	if (!cache_url_init(&now, url)) {
		cache_url_release(&before);
		return false;
	}
	ok = expect(a, &now,
		 arena_printf(a, "ACL SETUSER %s <%s\n", user_of(&before),
		     before.password),
		 "OK") &&
	     secret_store_remove(&s->store, service->name, STATE_FILE);
	if (ok) {
		persist(a, &now, service->name);
		print_message("%s: the password of Redis's user %s was "
			      "replaced",
		    service->name, user_of(&before));
	}
	cache_url_release(&now);
	cache_url_release(&before);
	return ok;
}

static bool
rotate(const struct secrets *s, const struct spec_service *service,
    const struct secret_source *source, const struct cache_url *u)
{
	const char *old, *url = source->text;

	if (!secret_store_find(&s->store, service->name, STATE_FILE, &old))
		return false;
	if (old != NULL && !str_eq(old, source->text)) {
		print_message("%s: continuing the rotation that was "
			      "interrupted",
		    service->name);
	} else {
		old = source->text;
		if (!begin(s, service, source, u, &url))
			return false;
	}
	return finish(s, service, old, url);
}

bool
secrets_rotate_redis(
    const struct secrets *s, const struct spec_service *service)
{
	struct secret_source source;
	struct cache_url u;
	bool ok = true;

	if (!secrets_find(s, service, "REDIS_URL", &source))
		return false;
	if (source.text == NULL || source.text[0] == '\0') {
		print_message("%s: uses Redis through a unix socket without a "
			      "password: there is nothing to rotate",
		    service->name);
		return true;
	}
	if (!cache_url_init(&u, source.text)) {
		print_error("%s: %s_REDIS_URL cannot be read", service->name,
		    service->variable);
		return false;
	}
	if (u.password == NULL) {
		print_message("%s: uses Redis without a password: there is "
			      "nothing to rotate",
		    service->name);
	} else if (source.place == SECRET_PLACE_VARIABLE) {
		print_error("%s: %s_REDIS_URL is in the environment of the "
			    "service; rotate it where it is set",
		    service->name, service->variable);
		ok = false;
	} else {
		ok = rotate(s, service, &source, &u);
	}
	cache_url_release(&u);
	return ok;
}

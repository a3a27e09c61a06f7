#include "environment.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/base64.h"
#include "base/buf.h"
#include "base/random.h"
#include "base/secret.h"
#include "base/str.h"
#include "web/identity.h"

#include "connections.h"
#include "file.h"
#include "message.h"

extern char **environ;

#define SECRETS_FILE "env/secrets"
enum { SECRET_LEN = 43 }; /* 43 letters and digits have 256 bits */

static void
put(struct environment *e, const char *name, const char *value)
{
	assert(e->count < (int)COUNT_OF(e->names));
	e->names[e->count] = name;
	e->values[e->count] = value;
	e->count++;
}

const char *
environment_find(const struct environment *e, const char *name)
{
	int i;

	for (i = 0; i < e->count; i++)
		if (str_eq(e->names[i], name))
			return e->values[i];
	return NULL;
}

/*
 * Reads a file with a line NAME=value for each variable; ignores empty lines
 * and lines that begin with #.
 */
static bool
parse(struct arena *a, const char *path, struct environment *e)
{
	char *at = file_read(a, path, /* ret_len= */ NULL);
	char *equals;
	char *line;

	if (at == NULL)
		return false;
	while ((line = strsep(&at, "\n")) != NULL) {
		if (line[0] == '\0' || line[0] == '#')
			continue;
		equals = strchr(line, '=');
		if (equals == NULL || e->count == (int)COUNT_OF(e->names)) {
			print_error("%s: a line must be NAME=value", path);
			return false;
		}
		*equals = '\0';
		put(e, line, equals + 1);
	}
	return true;
}

static bool
store(struct arena *a, const char *path, const char *head,
    const struct environment *e)
{
	struct buf b;
	int i;

	buf_init(&b, a, FILE_MAX_BYTES);
	buf_puts(&b, head);
	for (i = 0; i < e->count; i++)
		buf_printf(&b, "%s=%s\n", e->names[i], e->values[i]);
	return file_update(a, path, 0600, b.data);
}

/* Secrets */

static void
ensure(struct arena *a, struct environment *e, const char *name)
{
	char *secret;

	if (environment_find(e, name) != NULL)
		return;
	secret = arena_alloc(a, SECRET_LEN + 1);
	random_alnum(secret, SECRET_LEN);
	put(e, name, secret);
}

static const char *
variable(
    const struct stack *s, const struct spec_service *service, const char *name)
{
	return arena_printf(s->arena, "%s_%s", service->variable, name);
}

bool
environment_secrets(const struct stack *s, struct environment *ret_secrets)
{
	const struct spec_service *service;
	int i;

	*ret_secrets = (struct environment){ 0 };
	if (file_exists(SECRETS_FILE) &&
	    !parse(s->arena, SECRETS_FILE, ret_secrets))
		return false;
	ensure(s->arena, ret_secrets, variable(s, s->spec.verifier, "SECRET"));
	for (i = 0; i < s->spec.nservices; i++) {
		service = &s->spec.services[i];
		if (service->needs_postgres)
			ensure(s->arena, ret_secrets,
			    variable(s, service, "DATABASE_PASSWORD"));
	}
	return store(s->arena, SECRETS_FILE,
	    "# Made once. Without this file, sessions and database logins\n"
	    "# are lost; users and their data are not.\n",
	    ret_secrets);
}

/* The files */

static void
put_pool(const struct stack *s, struct environment *e,
    const struct spec_service *service, const char *infix, const char *socket,
    const struct spec_pool *pool)
{
	struct arena *a = s->arena;
	const char *v = service->variable;

	put(e, arena_printf(a, "%s_%sLISTEN", v, infix),
	    arena_printf(a, "unix:run/%s.sock", socket));
	put(e, arena_printf(a, "%s_%sPROCESSES", v, infix),
	    arena_i64(a, pool->processes));
	put(e, arena_printf(a, "%s_%sTHREADS", v, infix),
	    arena_i64(a, pool->threads));
}

/*
 * The names, separated by commas, of all services but the one with the pool
 * verify.
 */
static const char *
guarded_services(const struct stack *s)
{
	const char *list = "";
	int i;

	for (i = 0; i < s->spec.nservices; i++)
		if (&s->spec.services[i] != s->spec.verifier)
			list = arena_printf(s->arena, "%s%s%s", list,
			    *list == '\0' ? "" : ",", s->spec.services[i].name);
	return list;
}

static void
put_verifier(const struct stack *s, const struct environment *secrets,
    const char *url, struct environment *e)
{
	const struct spec_service *service = s->spec.verifier;
	const char *name = variable(s, service, "SECRET");
	const char *port = strrchr(url, ':');

	assert(port != NULL);
	put_pool(s, e, service, "VERIFY_", "verify", &service->verify);
	put(e, name, environment_find(secrets, name));
	put(e, variable(s, service, "URL"), url);
	/* Browsers use this name of the same host, too. */
	put(e, variable(s, service, "TRUSTED_ORIGINS"),
	    arena_printf(s->arena, "http://localhost%s", port));
	put(e, variable(s, service, "SERVICES"), guarded_services(s));
}

/*
 * Derives a service's identity key from the secret that the service with the
 * pool verify will use: that in the environment, or that of the stack.
 */
static bool
put_identity_key(const struct stack *s, const struct environment *secrets,
    const struct spec_service *service, struct environment *e)
{
	const char *name = variable(s, s->spec.verifier, "SECRET");
	unsigned char key[IDENTITY_KEY_SIZE];
	struct secret secret;
	const char *problem;

	if (!secret_read(s->arena, name, /* empty_is_unset= */ false, &secret,
		&problem)) {
		print_error("%s: %s", name, problem);
		return false;
	}
	if (secret.text == NULL)
		secret.text = environment_find(secrets, name);
	identity_derive_key(secret.text, service->name, key);
	put(e, variable(s, service, "IDENTITY_KEY"),
	    base64url_encode(s->arena, key, sizeof(key)));
	return true;
}

static void
put_guarded(const struct stack *s, const struct spec_service *service,
    struct environment *e)
{
	put(e, variable(s, service, "AUTH_URL"), "http://auth.internal");
	put(e, variable(s, service, "AUTH_PREFIX"),
	    s->spec.verifier->locations[0].prefix);
	put(e, variable(s, service, "AUTH_SOCKET"), "run/internal.sock");
	put(e, variable(s, service, "PREFIX"), service->locations[0].prefix);
}

/* Adds the variables about jobs. */
static void
put_jobs(const struct stack *s, const struct spec_service *service,
    struct environment *e)
{
	struct arena *a = s->arena;

	put(e, variable(s, service, "WORKER_PROCESSES"),
	    arena_i64(a, service->workers));
	put(e, variable(s, service, "PROGRAMS"),
	    stack_programs(s, service->name));
}

static bool
write_service(const struct stack *s, const struct environment *secrets,
    const char *url, const struct spec_service *service)
{
	struct environment e = { 0 };
	struct arena *a = s->arena;

	if (service->external)
		return true;
	if (spec_is_own(service))
		put_pool(s, &e, service, "", service->name, &service->api);
	if (service->needs_postgres)
		put(&e, variable(s, service, "DATABASE_URL"),
		    connections_url(s, service->name,
			environment_find(
			    secrets, variable(s, service, "DATABASE_PASSWORD")),
			service->name));
	if (spec_is_own(service))
		put_jobs(s, service, &e);
	if (service->needs_redis)
		put(&e, variable(s, service, "REDIS_URL"),
		    arena_printf(a, "unix:run/redis-%s.sock", service->name));
	if (service == s->spec.verifier) {
		put_verifier(s, secrets, url, &e);
	} else {
		if (!put_identity_key(s, secrets, service, &e))
			return false;
		put_guarded(s, service, &e);
	}
	return store(a, arena_printf(a, "env/%s.env", service->name),
	    "# Written at each start; set variables in the environment of\n"
	    "# \"kedge up\" instead.\n",
	    &e);
}

bool
environment_write(
    const struct stack *s, const struct environment *secrets, const char *url)
{
	int i;

	for (i = 0; i < s->spec.nservices; i++)
		if (!write_service(s, secrets, url, &s->spec.services[i]))
			return false;
	return true;
}

/* The environment of a process */

/*
 * Whether a variable is about the machine, the person or the build, not about a
 * service.
 */
static bool
is_general(const char *entry)
{
	static const char *const names[] = { "PATH=", "HOME=", "USER=",
		"LOGNAME=", "TZ=", "TMPDIR=", "SSL_CERT_FILE=", "SSL_CERT_DIR=",
		"LD_LIBRARY_PATH=", "LD_PRELOAD=", "ASAN_OPTIONS=",
		"UBSAN_OPTIONS=", "TSAN_OPTIONS=", "LSAN_OPTIONS=", "MALLOC_",
		"GLIBC_TUNABLES=" };
	size_t i;

	for (i = 0; i < COUNT_OF(names); i++)
		if (str_has_prefix(entry, names[i]))
			return true;
	return false;
}

/*
 * Whether the environment of this command has the variable, or the path of a
 * file with its value: a service refuses two sources of one secret.
 */
static bool
is_overridden(struct arena *a, const char *name)
{
	return getenv(name) != NULL ||
	       getenv(arena_printf(a, "%s_FILE", name)) != NULL;
}

char *const *
environment_block(const struct stack *s, const struct spec_service *service)
{
	struct environment e = { 0 };
	struct arena *a = s->arena;
	const char *own;
	size_t n = 0;
	char **block;
	char **p;
	int i;

	if (service != NULL &&
	    !parse(a, arena_printf(a, "env/%s.env", service->name), &e))
		return NULL;
	for (p = environ; *p != NULL; p++)
		n++;
	block = arena_alloc(a, (n + (size_t)e.count + 2) * sizeof(*block));
	n = 0;
	own =
	    service != NULL ? arena_printf(a, "%s_", service->variable) : NULL;
	for (p = environ; *p != NULL; p++)
		if (is_general(*p) || (own != NULL && str_has_prefix(*p, own)))
			block[n++] = *p;
	for (i = 0; i < e.count; i++)
		if (!is_overridden(a, e.names[i]))
			block[n++] =
			    arena_printf(a, "%s=%s", e.names[i], e.values[i]);
	block[n++] = arena_strdup(a, "LC_ALL=C.UTF-8");
	block[n] = NULL;
	return block;
}

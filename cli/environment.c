#include "environment.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/secret.h"
#include "base/str.h"

#include "connections.h"
#include "file.h"
#include "message.h"
#include "service_env.h"
#include "site.h"

extern char **environ;

#define OLD_SECRETS_FILE "env/secrets"

/* Secrets */

static const char *
variable(
    const struct stack *s, const struct spec_service *service, const char *name)
{
	return secret_variable(s->arena, service, name);
}

struct secret_store
environment_store(const struct stack *s)
{
	return (struct secret_store){
		.arena = s->arena,
		.root = arena_printf(s->arena, "%s/secrets", s->dir),
	};
}

/*
 * Earlier releases kept all secrets in one file.  Moves those that have no file
 * of their own yet, and then removes that file.
 */
static bool
move_old_secrets(const struct stack *s, const struct secret_store *store)
{
	struct environment old = { 0 };
	const char *service = NULL;
	const char *text;
	int i, j;

	if (!file_exists(OLD_SECRETS_FILE))
		return true;
	if (!environment_parse(s->arena, OLD_SECRETS_FILE, &old))
		return false;
	for (i = 0; i < old.count; i++) {
		service = NULL;
		for (j = 0; j < s->spec.nservices; j++)
			if (str_has_prefix(old.names[i],
				variable(s, &s->spec.services[j], "")))
				service = s->spec.services[j].name;
		if (service == NULL) /* it is no longer in kedge.json */
			continue;
		if (!secret_store_find(store, service, old.names[i], &text) ||
		    (text == NULL && !secret_store_put(store, service,
					 old.names[i], old.values[i])))
			return false;
	}
	return unlink(OLD_SECRETS_FILE) == 0;
}

/* Reads the password of the service's database role, or makes one. */
static bool
find_password(const struct stack *s, const struct secret_store *store,
    const struct spec_service *service, struct environment *secrets)
{
	const char *name = variable(s, service, "DATABASE_PASSWORD");
	const char *password;

	if (!secret_store_find(store, service->name, name, &password))
		return false;
	if (password == NULL) {
		password = secret_new(s->arena);
		if (!secret_store_put(store, service->name, name, password))
			return false;
	}
	environment_put(secrets, name, password);
	return true;
}

bool
environment_secrets(const struct stack *s, struct environment *ret_secrets)
{
	const struct secret_store store = environment_store(s);
	const struct spec_service *verifier = s->spec.verifier;
	struct secret_pair pair;
	int i;

	*ret_secrets = (struct environment){ 0 };
	if (!move_old_secrets(s, &store) ||
	    !secret_store_auth(&store, &s->spec, &pair))
		return false;
	environment_put(
	    ret_secrets, variable(s, verifier, "SECRET"), pair.current);
	environment_put(ret_secrets, variable(s, verifier, "SECRET_PREVIOUS"),
	    pair.previous);
	for (i = 0; i < s->spec.nservices; i++)
		if (s->spec.services[i].needs_postgres &&
		    !find_password(
			s, &store, &s->spec.services[i], ret_secrets))
			return false;
	return true;
}

/*
 * Stores a secret of a service in its file, and adds the variable with the
 * file's path.
 */
static bool
put_secret(const struct stack *s, const struct spec_service *service,
    const char *name, const char *text, struct environment *e)
{
	const struct secret_store store = environment_store(s);

	name = variable(s, service, name);
	if (!secret_store_put(&store, service->name, name, text))
		return false;
	environment_put(e, arena_printf(s->arena, "%s_FILE", name),
	    secret_store_path(&store, service->name, name));
	return true;
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

/* The files */

bool
environment_is_given(
    const struct stack *s, const struct spec_service *service, const char *name)
{
	return is_overridden(s->arena, variable(s, service, name));
}

/* Removes the variable, and its other source NAME_FILE. */
static void
drop(struct arena *a, struct environment *e, const char *name)
{
	const char *file = arena_printf(a, "%s_FILE", name);
	int n = 0;

	for (int i = 0; i < e->count; i++) {
		if (str_eq(e->names[i], name) || str_eq(e->names[i], file))
			continue;
		e->names[n] = e->names[i];
		e->values[n] = e->values[i];
		n++;
	}
	e->count = n;
}

/* Puts the service's variables that a person has set. */
static void
put_given(const struct stack *s, const struct spec_service *service,
    struct environment *e)
{
	const char *own = arena_printf(s->arena, "%s_", service->variable);
	struct arena *a = s->arena;
	const char *equals;
	char *name;
	size_t len;

	for (char **p = environ; *p != NULL; p++) {
		equals = strchr(*p, '=');
		if (equals == NULL || !str_has_prefix(*p, own) ||
		    strchr(equals, '\n') != NULL)
			continue;
		name = arena_strndup(a, *p, (size_t)(equals - *p));
		len = strlen(name);
		if (str_eq(name, variable(s, service, "MIGRATION_URL")))
			continue; /* of the owner, not for the service */
		drop(a, e,
		    len > 5 && str_eq(name + len - 5, "_FILE")
			? arena_strndup(a, name, len - 5)
			: name);
		environment_put(e, name, equals + 1);
	}
}

/*
 * Derives an identity key of a service from a secret that the service with the
 * pool verify will use: that in the environment, or that of the stack.
 */
static bool
put_identity_key(const struct stack *s, const struct environment *secrets,
    const struct spec_service *service, const char *suffix,
    struct environment *e)
{
	struct arena *a = s->arena;
	const char *name =
	    variable(s, s->spec.verifier, arena_printf(a, "SECRET%s", suffix));
	struct secret secret;
	const char *problem;

	if (!secret_read(
		a, name, /* empty_is_unset= */ false, &secret, &problem)) {
		print_error("%s: %s", name, problem);
		return false;
	}
	if (secret.text == NULL)
		secret.text = environment_find(secrets, name);
	return put_secret(s, service, arena_printf(a, "IDENTITY_KEY%s", suffix),
	    secret_identity_key(a, secret.text, service->name), e);
}

/* Adds the paths of the service's secrets, and writes these files. */
static bool
put_secrets(const struct stack *s, const struct environment *secrets,
    const struct spec_service *service, struct environment *e)
{
	const char *secret = variable(s, s->spec.verifier, "SECRET");
	const char *previous = variable(s, s->spec.verifier, "SECRET_PREVIOUS");

	if (service->needs_postgres &&
	    !put_secret(s, service, "DATABASE_URL",
		connections_url(s, service->name,
		    environment_find(
			secrets, variable(s, service, "DATABASE_PASSWORD")),
		    service->name),
		e))
		return false;
	if (service == s->spec.verifier)
		return put_secret(s, service, "SECRET",
			   environment_find(secrets, secret), e) &&
		       put_secret(s, service, "SECRET_PREVIOUS",
			   environment_find(secrets, previous), e);
	return put_identity_key(s, secrets, service, "", e) &&
	       put_identity_key(s, secrets, service, "_PREVIOUS", e);
}

static bool
write_service(const struct stack *s, const struct environment *secrets,
    const struct site *site, const struct spec_service *service)
{
	struct environment e = { 0 };
	struct arena *a = s->arena;

	if (service->external)
		return true;
	service_env_add(site, service, &e);
	if (!put_secrets(s, secrets, service, &e))
		return false;
	put_given(s, service, &e);
	return file_update(a, arena_printf(a, "env/%s.env", service->name),
	    0600,
	    environment_text(a,
		"# What is in force; written at each start. Set variables in\n"
		"# kedge.env instead: \"kedge config --help\".\n",
		&e));
}

bool
environment_write(
    const struct stack *s, const struct environment *secrets, int port)
{
	const struct site site = site_of_stack(s, port);
	int i;

	for (i = 0; i < s->spec.nservices; i++)
		if (!write_service(s, secrets, &site, &s->spec.services[i]))
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

char *const *
environment_block(const struct stack *s, const struct spec_service *service)
{
	struct environment e = { 0 };
	struct arena *a = s->arena;
	size_t n = 0;
	char **block;
	char **p;
	int i;

	if (service != NULL &&
	    !environment_parse(
		a, arena_printf(a, "env/%s.env", service->name), &e))
		return NULL;
	if (service != NULL)
		put_given(s, service, &e);
	for (p = environ; *p != NULL; p++)
		n++;
	block = arena_alloc(a, (n + (size_t)e.count + 2) * sizeof(*block));
	n = 0;
	for (p = environ; *p != NULL; p++)
		if (is_general(*p))
			block[n++] = *p;
	for (i = 0; i < e.count; i++)
		block[n++] = arena_printf(a, "%s=%s", e.names[i], e.values[i]);
	block[n++] = arena_strdup(a, "LC_ALL=C.UTF-8");
	block[n] = NULL;
	return block;
}

/*
 * Returns the value of NAME in a block; NULL: it is not there. If the block has
 * NAME_FILE, *ret_path is its value.
 */
static const char *
find_in_block(char *const *block, struct arena *a, const char *name,
    const char **ret_path)
{
	const char *value = arena_printf(a, "%s=", name);
	const char *path = arena_printf(a, "%s_FILE=", name);

	*ret_path = NULL;
	for (; *block != NULL; block++) {
		if (str_has_prefix(*block, value))
			return *block + strlen(value);
		if (str_has_prefix(*block, path))
			*ret_path = *block + strlen(path);
	}
	return NULL;
}

const char *
environment_value(
    const struct stack *s, const struct spec_service *service, const char *name)
{
	char *const *block = environment_block(s, service);
	const char *value, *path;
	char *text;

	if (block == NULL)
		return NULL;
	value = find_in_block(block, s->arena, name, &path);
	if (value != NULL)
		return value;
	if (path == NULL) {
		print_error("env/%s.env: there is no %s", service->name, name);
		return NULL;
	}
	text = file_read(s->arena, path, /* ret_len= */ NULL);
	if (text != NULL)
		text[strcspn(text, "\n")] = '\0';
	return text;
}

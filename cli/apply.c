#include "apply.h"

#include <errno.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/base64.h"
#include "base/json_place.h"
#include "base/random.h"
#include "base/str.h"
#include "web/identity.h"

#include "connections.h"
#include "database.h"
#include "env_file.h"
#include "file.h"
#include "message.h"
#include "options.h"
#include "stack.h"

enum { SECRET_LEN = 43 }; /* 43 letters and digits have 256 random bits */

static int
print_services(const struct stack *s)
{
	const struct spec_service *service;
	int i;

	printf("connections %lld\n",
	    (long long)connections_of_server(s->arena, &s->spec));
	for (i = 0; i < s->spec.nservices; i++) {
		service = &s->spec.services[i];
		/*
		 * Skip applications that Kedge does not run: they have no
		 * processes in kedge.json.
		 */
		if (service->api.processes == 0)
			continue;
		printf("service %s %s%s%s%s%s\n", service->name,
		    service->variable,
		    service->needs_postgres ? " postgres" : "",
		    service->needs_redis ? " redis" : "",
		    service->verify.processes > 0 ? " verify" : "",
		    service->workers > 0 ? " worker" : "");
	}
	return fflush(stdout) == 0 ? 0 : 1;
}

/* Secrets */

/* Where /etc/kedge/SERVICE.env has a secret; both NULL: it does not have it. */
struct given {
	const char *value;
	const char *path; /* of a file with the value: NAME_FILE */
};

static bool
find_in_env(const struct stack *s, const char *service, const char *name,
    struct given *ret_given)
{
	struct arena *a = s->arena;
	struct environment own = { 0 };

	if (!environment_parse_if_exists(
		a, arena_printf(a, SYSTEM_DIR "/%s.env", service), &own))
		return false;
	ret_given->value = environment_find(&own, name);
	ret_given->path =
	    environment_find(&own, arena_printf(a, "%s_FILE", name));
	return true;
}

static const char *
path_of(const struct stack *s, const char *owner, const char *name)
{
	return arena_printf(s->arena, SYSTEM_SECRETS_DIR "/%s/%s", owner, name);
}

/*
 * Writes a secret that is readable by root and the members of the group only.
 * The file is written under another name and renamed at the end, so that it
 * never has its final name without the right owner and mode.
 */
static bool
write_secret(const struct stack *s, const char *group, const char *path,
    const char *text)
{
	const char *temporary = arena_printf(s->arena, "%s.new", path);
	const struct group *g = getgrnam(group);

	if (g == NULL) {
		print_error("%s: there is no group %s", path, group);
		return false;
	}
	if (!file_write(s->arena, temporary, 0600,
		arena_printf(s->arena, "%s\n", text)))
		return false;
	if (chown(temporary, 0, g->gr_gid) == -1 ||
	    chmod(temporary, 0640) == -1 || rename(temporary, path) == -1) {
		print_error("%s: %s", path, strerror(errno));
		return false;
	}
	return true;
}

/* Finds out whether the service has the variable already. */
static bool
has_secret(const struct stack *s, const struct spec_service *service,
    const char *name, bool *ret_has)
{
	struct given given;

	if (!find_in_env(s, service->name, name, &given))
		return false;
	*ret_has = given.value != NULL || given.path != NULL ||
	           file_exists(path_of(s, service->name, name));
	return true;
}

static bool
make_secret(const struct stack *s, const struct spec_service *service,
    const char *name, const char *text)
{
	bool has;

	return has_secret(s, service, name, &has) &&
	       (has || write_secret(s,
			   arena_printf(s->arena, "kedge-%s", service->name),
			   path_of(s, service->name, name), text));
}

static const char *
variable(
    const struct stack *s, const struct spec_service *service, const char *name)
{
	return arena_printf(s->arena, "%s_%s", service->variable, name);
}

/*
 * The secret of the service with the pool verify, from which the keys of the
 * others are derived, or with the suffix "_PREVIOUS" the second secret that it
 * accepts (secret_store.h). NULL: it cannot be read; an error was printed.
 */
static const char *
verifier_secret(const struct stack *s, const char *suffix)
{
	const struct spec_service *service = s->spec.verifier;
	const char *name =
	    variable(s, service, arena_printf(s->arena, "SECRET%s", suffix));
	struct given given;
	char *text;

	if (!find_in_env(s, service->name, name, &given))
		return NULL;
	if (given.value != NULL)
		return given.value;
	text = file_read(s->arena,
	    given.path != NULL ? given.path : path_of(s, service->name, name),
	    /* ret_len= */ NULL);
	if (text != NULL)
		text[strcspn(text, "\n")] = '\0';
	return text;
}

static const char *
random_secret(struct arena *a)
{
	char *text = arena_alloc(a, SECRET_LEN + 1);

	random_alnum(text, SECRET_LEN);
	return text;
}

static bool
make_identity_key(const struct stack *s, const struct spec_service *service,
    const char *suffix)
{
	const char *secret = verifier_secret(s, suffix);
	unsigned char key[IDENTITY_KEY_SIZE];

	if (secret == NULL)
		return false;
	identity_derive_key(secret, service->name, key);
	return make_secret(s, service,
	    variable(
		s, service, arena_printf(s->arena, "IDENTITY_KEY%s", suffix)),
	    base64url_encode(s->arena, key, sizeof(key)));
}

/*
 * Writes the connection strings of the service and of its migrations, for the
 * cluster whose socket PGHOST and PGPORT name. The strings of another server,
 * which the operator has written, are left as they are.
 */
static bool
make_urls(const struct stack *s, const struct spec_service *service)
{
	struct arena *a = s->arena;
	const char *host = getenv("PGHOST"), *port = getenv("PGPORT");
	const char *name = variable(s, service, "DATABASE_URL");
	const char *owner =
	    path_of(s, "kedge", variable(s, service, "MIGRATION_URL"));
	bool has;

	if (!has_secret(s, service, name, &has))
		return false;
	if (has)
		return true;
	if (host == NULL || port == NULL) {
		print_error("%s has no database: install PostgreSQL's server, "
			    "or write a connection string to %s",
		    service->name, path_of(s, service->name, name));
		return false;
	}
	return make_secret(s, service, name,
		   arena_printf(a, "postgresql://%s@/%s?host=%s&port=%s",
		       service->name, service->name, host, port)) &&
	       (file_exists(owner) ||
		   write_secret(s, "kedge", owner,
		       arena_printf(a,
			   "postgresql://%s_owner@/%s?host=%s&port=%s",
			   service->name, service->name, host, port)));
}

static int
make_secrets(const struct stack *s)
{
	const struct spec_service *service;
	bool ok;
	int i;

	ok = make_secret(s, s->spec.verifier,
		 variable(s, s->spec.verifier, "SECRET"),
		 random_secret(s->arena)) &&
	     make_secret(s, s->spec.verifier,
		 variable(s, s->spec.verifier, "SECRET_PREVIOUS"),
		 random_secret(s->arena));
	for (i = 0; ok && i < s->spec.nservices; i++) {
		service = &s->spec.services[i];
		if (service->api.processes == 0)
			continue;
		if (service != s->spec.verifier)
			ok = make_identity_key(s, service, "") &&
			     make_identity_key(s, service, "_PREVIOUS");
		if (service->needs_postgres)
			ok = ok && make_urls(s, service);
	}
	return ok ? 0 : 1;
}

/* kedge.json */

#define SPEC_FILE SYSTEM_DIR "/kedge.json"

/*
 * Returns the text of kedge.json with the top-level member `name` set to
 * `value`; NULL: the text is no JSON object.
 */
static const char *
with_member(
    struct arena *a, const char *text, const char *name, const char *value)
{
	size_t len = strlen(text);
	struct json_place place = json_place_find(text, len, "", name);
	const char *brace = strchr(text, '{');

	if (place.value != NULL)
		return arena_printf(a, "%.*s%s%s", (int)(place.value - text),
		    text, value, place.value + place.len);
	if (brace == NULL)
		return NULL;
	return arena_printf(a, "%.*s{\n  \"%s\": %s,%s", (int)(brace - text),
	    text, name, value, brace + 1);
}

/*
 * Sets a member. The new file is read like `kedge apply` will read it before it
 * replaces the old one.
 */
static int
set_member(const struct stack *s, const char *name, const char *value)
{
	struct arena *a = s->arena;
	struct spec *spec = arena_alloc(a, sizeof(*spec));
	const char *text = file_read(a, SPEC_FILE, /* ret_len= */ NULL);
	const char *edited =
	    text != NULL ? with_member(a, text, name, value) : NULL;

	if (edited == NULL)
		return 1;
	if (!file_write(a, SPEC_FILE ".new", 0644, edited) ||
	    !spec_read(a, SPEC_FILE ".new", spec)) {
		unlink(SPEC_FILE ".new");
		return 1;
	}
	if (rename(SPEC_FILE ".new", SPEC_FILE) == 0)
		return 0;
	print_error(SPEC_FILE ": %s", strerror(errno));
	return 1;
}

/* The commands */

/* Executes a script of systemd/ with the arguments argv[1], ... */
static int
run_script(const struct stack *s, const char *name, int argc, char **argv)
{
	const char *path =
	    arena_printf(s->arena, "%s/systemd/%s", s->root, name);
	char **args = arena_alloc(s->arena, ((size_t)argc + 2) * sizeof(*args));
	int i;

	if (geteuid() != 0) {
		print_error("%s: only root can set up this host", argv[0]);
		return 1;
	}
	args[0] = arena_strdup(s->arena, "sh");
	args[1] = arena_strdup(s->arena, path);
	for (i = 1; i < argc; i++)
		args[i + 1] = argv[i];
	args[argc + 1] = NULL;
	execv("/bin/sh", args);
	print_error("cannot run %s: %s", path, strerror(errno));
	return 1;
}

static int
run_step(const struct stack *s, int argc, char **argv)
{
	struct database_task task = { .stack = s };

	if (argc == 1)
		return run_script(s, "apply.sh", argc, argv);
	if (argc == 4 && str_eq(argv[1], "set"))
		return set_member(s, argv[2], argv[3]);
	if (argc == 2 && str_eq(argv[1], "services"))
		return print_services(s);
	if (argc == 2 && str_eq(argv[1], "secrets"))
		return make_secrets(s);
	if (argc == 2 && str_eq(argv[1], "databases"))
		return database_make(&task);
	print_error("apply: unexpected argument %s; see \"kedge apply --help\"",
	    argv[1]);
	return OPTIONS_USAGE;
}

int
apply_command(int argc, char **argv)
{
	struct arena *a = arena_new();
	struct stack s;
	int status = 1;

	if (stack_open_system(&s, a))
		status = run_step(&s, argc, argv);
	arena_free(a);
	return status;
}

int
domain_command(int argc, char **argv)
{
	struct arena *a = arena_new();
	struct stack s;
	int status = 1;

	if (argc < 2) {
		print_error("domain: which name? see \"kedge domain --help\"");
		status = OPTIONS_USAGE;
	} else if (stack_open_system(&s, a)) {
		status = run_script(&s, "domain.sh", argc, argv);
	}
	arena_free(a);
	return status;
}

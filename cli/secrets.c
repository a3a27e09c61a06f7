#include "secrets.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/attr.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/str.h"
#include "cache/cache_url.h"
#include "db/db_login.h"

#include "environment.h"
#include "file.h"
#include "lock.h"
#include "message.h"
#include "options.h"
#include "secret_place.h"
#include "secret_rotate.h"
#include "service_named.h"

/* -- list -- */

struct row {
	const char *kind;
	const char *service;
	const char *variable;
	const char *note;
	struct secret_source source;
	int64_t changed_s; /* -1: unknown */
};

static const char *
database_note(struct arena *a, const char *url)
{
	struct db_login login;

	if (!db_login_read(a, url, &login))
		return "cannot be read";
	if (login.password == NULL)
		return "no password: nothing to rotate";
	return arena_printf(a, "role %s", login.user);
}

static const char *
redis_note(struct arena *a, const char *url)
{
	struct cache_url u;
	const char *note = "no password: nothing to rotate";

	if (!cache_url_init(&u, url))
		return "cannot be read";
	if (u.password != NULL)
		note = arena_printf(
		    a, "user %s", u.user != NULL ? u.user : "default");
	cache_url_release(&u);
	return note;
}

static bool
fill_row(const struct secrets *s, const struct spec_service *service,
    const char *kind, const char *name, struct row *row)
{
	struct arena *a = s->stack.arena;

	*row = (struct row){
		.kind = kind,
		.service = service->name,
		.variable = secret_variable(a, service, name),
		.note = "",
		.changed_s = -1,
	};
	if (!secrets_find(s, service, name, &row->source))
		return false;
	if (row->source.place == SECRET_PLACE_STORE)
		row->changed_s = secret_store_changed_s(
		    &s->store, service->name, row->variable);
	if (row->source.text == NULL)
		row->note = "not set";
	else if (str_eq(kind, "database"))
		row->note = database_note(a, row->source.text);
	else if (str_eq(kind, "redis"))
		row->note = redis_note(a, row->source.text);
	if (row->source.place == SECRET_PLACE_VARIABLE && row->note[0] == '\0')
		row->note = "in the environment: cannot be rotated";
	return true;
}

enum { ROWS_MAX = 6 * SPEC_SERVICES_MAX };

static bool
collect(const struct secrets *s, struct row *rows, int *ret_count)
{
	const struct spec *spec = &s->stack.spec;
	const struct spec_service *v;
	int i, n = 0;

	for (i = 0; i < spec->nservices; i++) {
		v = &spec->services[i];
		if (v->external)
			continue;
		if (v == spec->verifier
			? !fill_row(s, v, "auth-secret", "SECRET", &rows[n]) ||
			      !fill_row(s, v, "auth-secret", "SECRET_PREVIOUS",
				  &rows[n + 1])
			: !fill_row(
			      s, v, "assertion", "IDENTITY_KEY", &rows[n]) ||
			      !fill_row(s, v, "assertion",
				  "IDENTITY_KEY_PREVIOUS", &rows[n + 1]))
			return false;
		n += 2;
		if (v->needs_postgres &&
		    !fill_row(s, v, "database", "DATABASE_URL", &rows[n++]))
			return false;
		if (v->needs_redis &&
		    !fill_row(s, v, "redis", "REDIS_URL", &rows[n++]))
			return false;
	}
	*ret_count = n;
	return true;
}

static void
print_rows(const struct row *rows, int n)
{
	int64_t now_s = clock_now_ms() / 1000;
	char age[32];
	int i;

	printf("%-12s %-28s %-10s %s\n", "KIND", "VARIABLE", "CHANGED", "NOTE");
	for (i = 0; i < n; i++) {
		snprintf(age, sizeof(age), "-");
		if (rows[i].changed_s >= 0)
			snprintf(age, sizeof(age), "%lldd%lldh",
			    (long long)((now_s - rows[i].changed_s) / 86400),
			    (long long)((now_s - rows[i].changed_s) % 86400 /
					3600));
		printf("%-12s %-28s %-10s %s\n", rows[i].kind, rows[i].variable,
		    age, rows[i].note);
	}
}

static void
print_json(struct arena *a, const struct row *rows, int n)
{
	struct buf b;
	int i;

	buf_init(&b, a, FILE_MAX_BYTES);
	for (i = 0; i < n; i++) {
		buf_puts(&b, i == 0 ? "[{\"kind\":" : ",\n {\"kind\":");
		json_write_string(&b, rows[i].kind);
		buf_puts(&b, ",\"service\":");
		json_write_string(&b, rows[i].service);
		buf_puts(&b, ",\"variable\":");
		json_write_string(&b, rows[i].variable);
		buf_puts(&b, ",\"path\":");
		if (rows[i].source.path != NULL)
			json_write_string(&b, rows[i].source.path);
		else
			buf_puts(&b, "null");
		buf_puts(&b, ",\"changedAt\":");
		if (rows[i].changed_s >= 0)
			buf_put_i64(&b, rows[i].changed_s);
		else
			buf_puts(&b, "null");
		buf_puts(&b, ",\"note\":");
		json_write_string(&b, rows[i].note);
		buf_putc(&b, '}');
	}
	buf_puts(&b, n == 0 ? "[]\n" : "]\n");
	fputs(b.data, stdout);
}

static int
list(const struct secrets *s, const struct options *o)
{
	struct row *rows =
	    arena_alloc(s->stack.arena, ROWS_MAX * sizeof(*rows));
	struct secret_state state;
	int n;

	if (o->nargs > 1) {
		print_error("secrets list: unexpected argument %s", o->args[1]);
		return OPTIONS_USAGE;
	}
	if (!collect(s, rows, &n) ||
	    !secret_state_find(&s->store, &s->stack.spec, &state))
		return 1;
	if (o->json)
		print_json(s->stack.arena, rows, n);
	else
		print_rows(rows, n);
	if (state.step != NULL)
		print_error("a rotation of auth-secret was interrupted; "
			    "\"kedge secrets rotate auth-secret\" ends it");
	return fflush(stdout) == 0 ? 0 : 1;
}

/* -- rotate -- */

static bool
rotate_each(const struct secrets *s, const struct spec_service *only,
    bool (*is_for)(const struct spec_service *service),
    bool (*rotate)(const struct secrets *, const struct spec_service *))
{
	const struct spec *spec = &s->stack.spec;
	int i;

	for (i = 0; i < spec->nservices; i++)
		if ((only == NULL || only == &spec->services[i]) &&
		    is_for(&spec->services[i]) &&
		    !rotate(s, &spec->services[i]))
			return false;
	return true;
}

static bool
has_database(const struct spec_service *service)
{
	return service->needs_postgres;
}

static bool
has_redis(const struct spec_service *service)
{
	return service->needs_redis;
}

/*
 * Takes the lock of rotations: two rotations at once would overwrite each
 * other's secrets.
 */
static bool
take_lock(const struct secrets *s)
{
	const char *path =
	    arena_printf(s->stack.arena, "%s/.lock", s->store.root);
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	if (fd == -1) {
		print_error("cannot open %s: %s", path, strerror(errno));
		return false;
	}
	if (flock(fd, LOCK_EX | LOCK_NB) == 0)
		return true; /* the kernel releases it when this process ends */
	print_error("another \"kedge secrets rotate\" runs");
	return false;
}

static int
rotate(const struct secrets *s, const struct options *o)
{
	const char *kind = o->nargs > 1 ? o->args[1] : "";
	const struct spec_service *only = NULL;
	bool is_auth = str_eq(kind, "auth-secret") || str_eq(kind, "assertion");

	if (!is_auth && !str_eq(kind, "database") && !str_eq(kind, "redis")) {
		print_error("secrets rotate: name what to rotate: auth-secret, "
			    "assertion, database or redis");
		return OPTIONS_USAGE;
	}
	if (o->nargs > 2) {
		only = service_named(&s->stack.spec, o->args[2]);
		if (only == NULL)
			return OPTIONS_USAGE;
		if (is_auth) {
			print_error("the keys of assertions are derived from "
				    "auth's secret, and change together: leave "
				    "%s out",
			    o->args[2]);
			return OPTIONS_USAGE;
		}
	}
	if (!take_lock(s))
		return 1;
	if (is_auth)
		return secrets_rotate_auth(s) ? 0 : 1;
	if (str_eq(kind, "database"))
		return rotate_each(
			   s, only, has_database, secrets_rotate_database)
		           ? 0
		           : 1;
	return rotate_each(s, only, has_redis, secrets_rotate_redis) ? 0 : 1;
}

static bool
open_secrets(struct secrets *s, struct arena *a, const struct options *o)
{
	if (!stack_open_either(&s->stack, a, o->dir, o->system))
		return false;
	if (s->stack.is_system) {
		s->store = (struct secret_store){ .arena = a,
			.root = SYSTEM_SECRETS_DIR,
			.is_server = true };
		s->runs = true;
		return true;
	}
	if (!stack_enter(&s->stack))
		return false;
	s->store = environment_store(&s->stack);
	s->runs = lock_holder() != 0;
	return true;
}

int
secrets_command(int argc, char **argv)
{
	struct arena *a = arena_new();
	struct secrets *s = arena_alloc(a, sizeof(*s));
	struct options o;
	int status = 1;

	if (!options_read(&o, argc, argv,
		OPTIONS_DIR | OPTIONS_JSON | OPTIONS_SYSTEM | OPTIONS_FORCE,
		/* args_max= */ 3)) {
		status = OPTIONS_USAGE;
	} else if (o.nargs == 0 || (!str_eq(o.args[0], "list") &&
				       !str_eq(o.args[0], "rotate"))) {
		print_error("secrets: say \"list\" or \"rotate\"; see \"kedge "
			    "secrets --help\"");
		status = OPTIONS_USAGE;
	} else if (open_secrets(s, a, &o)) {
		s->force = o.force;
		status =
		    str_eq(o.args[0], "list") ? list(s, &o) : rotate(s, &o);
	}
	arena_free(a);
	return status;
}

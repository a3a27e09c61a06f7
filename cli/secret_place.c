#include "secret_place.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/str.h"

#include "command.h"
#include "env_file.h"
#include "file.h"
#include "message.h"
#include "record.h"
#include "restart.h"

/* -- where a secret is -- */

/*
 * Returns the environment with which the service's master was started, each
 * variable ended by a NUL; NULL: it does not run, or an error was printed.
 */
static const char *
environment_of_master(const struct secrets *s, const char *service,
    size_t *ret_len, bool *ret_runs)
{
	struct arena *a = s->stack.arena;
	struct record record;
	char *text;
	ssize_t n;
	int i, fd;

	*ret_runs = false;
	if (!s->runs || !record_read(a, &record))
		return NULL;
	for (i = 0; i < record.nprocesses; i++)
		if (str_eq(record.processes[i].name, service))
			break;
	if (i == record.nprocesses || record.processes[i].pid == 0)
		return NULL;
	*ret_runs = true;
	text = arena_alloc(a, FILE_MAX_BYTES);
	*ret_len = 0;
	fd = open(
	    arena_printf(a, "/proc/%ld/environ", (long)record.processes[i].pid),
	    O_RDONLY | O_CLOEXEC);
	while (fd != -1 && (n = read(fd, text + *ret_len,
				FILE_MAX_BYTES - 1 - *ret_len)) > 0)
		*ret_len += (size_t)n;
	if (fd == -1) {
		print_error("cannot read the environment of %s: %s", service,
		    strerror(errno));
		return NULL;
	}
	close(fd);
	return text;
}

static const char *
find_in(const char *environ, size_t len, const char *name)
{
	size_t name_len = strlen(name);
	const char *at = environ;

	for (; at < environ + len; at += strlen(at) + 1)
		if (strncmp(at, name, name_len) == 0 && at[name_len] == '=')
			return at + name_len + 1;
	return NULL;
}

static bool
read_file(
    const struct secrets *s, const char *path, struct secret_source *source)
{
	char *text = file_read(s->stack.arena, path, /* ret_len= */ NULL);

	if (text == NULL)
		return false;
	text[strcspn(text, "\n")] = '\0';
	source->path = path;
	source->text = text;
	return true;
}

static bool
find_in_store(const struct secrets *s, const struct spec_service *service,
    const char *variable, struct secret_source *ret_source)
{
	if (!secret_store_find(
		&s->store, service->name, variable, &ret_source->text))
		return false;
	if (ret_source->text == NULL)
		return true;
	ret_source->place = SECRET_PLACE_STORE;
	ret_source->path =
	    secret_store_path(&s->store, service->name, variable);
	return true;
}

/*
 * On a server, an operator may have set the variable in /etc/kedge/NAME.env.
 */
static bool
find_on_server(const struct secrets *s, const struct spec_service *service,
    const char *variable, struct secret_source *ret_source)
{
	struct arena *a = s->stack.arena;
	struct environment own = { 0 };
	const char *path;

	if (!environment_parse_if_exists(a,
		arena_printf(a, "%s/%s.env", SYSTEM_DIR, service->name), &own))
		return false;
	path = environment_find(&own, arena_printf(a, "%s_FILE", variable));
	if (path != NULL) {
		ret_source->place = SECRET_PLACE_FILE;
		return read_file(s, path, ret_source);
	}
	ret_source->text = environment_find(&own, variable);
	if (ret_source->text != NULL) {
		ret_source->place = SECRET_PLACE_VARIABLE;
		return true;
	}
	return find_in_store(s, service, variable, ret_source);
}

bool
secrets_find(const struct secrets *s, const struct spec_service *service,
    const char *name, struct secret_source *ret_source)
{
	struct arena *a = s->stack.arena;
	const char *variable = secret_variable(a, service, name);
	const char *environ, *path, *value;
	bool runs;
	size_t len;

	*ret_source = (struct secret_source){ 0 };
	if (s->store.is_server)
		return find_on_server(s, service, variable, ret_source);
	environ = environment_of_master(s, service->name, &len, &runs);
	if (environ == NULL)
		return !runs && find_in_store(s, service, variable, ret_source);
	path = find_in(environ, len, arena_printf(a, "%s_FILE", variable));
	value = find_in(environ, len, variable);
	if (path != NULL) {
		ret_source->place = str_eq(path, secret_store_path(&s->store,
						     service->name, variable))
		                        ? SECRET_PLACE_STORE
		                        : SECRET_PLACE_FILE;
		return read_file(s, path, ret_source);
	}
	if (value != NULL) {
		ret_source->place = SECRET_PLACE_VARIABLE;
		ret_source->text = value;
	}
	return true;
}

/*
 * Replaces the operator's own file. The new file gets the owner and mode of the
 * old one: the service runs as another user, and must be able to read it.
 */
static bool
replace_file(const struct secrets *s, const char *path, const char *text)
{
	struct arena *a = s->stack.arena;
	const char *fresh = arena_printf(a, "%s.rotated", path);
	struct stat st;
	bool ok;

	if (stat(path, &st) == -1) {
		print_error("cannot read %s: %s", path, strerror(errno));
		return false;
	}
	if (!file_write(a, fresh, 0600, arena_printf(a, "%s\n", text)))
		return false;
	ok = chown(fresh, st.st_uid, st.st_gid) == 0 &&
	     chmod(fresh, st.st_mode & 07777) == 0 && rename(fresh, path) == 0;
	if (!ok) {
		print_error("cannot write %s: %s", path, strerror(errno));
		unlink(fresh);
	}
	return ok;
}

bool
secrets_put(const struct secrets *s, const struct spec_service *service,
    const char *name, const struct secret_source *source, const char *text)
{
	struct arena *a = s->stack.arena;

	if (source->place == SECRET_PLACE_STORE)
		return secret_store_put(&s->store, service->name,
		    secret_variable(a, service, name), text);
	return replace_file(s, source->path, text);
}

/* -- reloading -- */

static bool
restart_units(const struct secrets *s, const struct spec_service *service)
{
	struct arena *a = s->stack.arena;
	const char *argv[6] = { "systemctl", "restart",
		arena_printf(a, "kedge-%s.service", service->name) };
	int n = 3;

	if (service->verify.processes > 0)
		argv[n++] =
		    arena_printf(a, "kedge-%s-verify.service", service->name);
	if (service->workers > 0)
		argv[n++] =
		    arena_printf(a, "kedge-%s-worker.service", service->name);
	/*
	 * systemd copies a credential when it starts a unit, so a reload does
	 * not read it. systemd keeps the sockets: connections wait.
	 */
	return command_check(
	    a, &(struct command){ argv }, /* ret_output= */ NULL);
}

bool
secrets_reload(const struct secrets *s, const struct spec_service *service)
{
	if (!s->runs)
		return true;
	if (!spec_is_own(service)) {
		print_message("%s is not a service of Kedge: restart it, so "
			      "that it reads its secrets again",
		    service->name);
		return true;
	}
	return s->store.is_server ? restart_units(s, service)
	                          : restart_workers(&s->stack, service->name);
}

bool
secrets_reload_all(const struct secrets *s)
{
	const struct spec *spec = &s->stack.spec;
	int i;

	for (i = 0; i < spec->nservices; i++)
		if (!spec->services[i].external &&
		    !secrets_reload(s, &spec->services[i]))
			return false;
	return true;
}

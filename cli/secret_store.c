#include "secret_store.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/base64.h"
#include "base/random.h"
#include "base/secret.h"
#include "base/str.h"
#include "web/identity.h"

#include "file.h"
#include "message.h"

enum { SECRET_LEN = 43 };

const char *
secret_new(struct arena *a)
{
	char *text = arena_alloc(a, SECRET_LEN + 1);

	random_alnum(text, SECRET_LEN);
	return text;
}

const char *
secret_variable(
    struct arena *a, const struct spec_service *service, const char *name)
{
	return arena_printf(a, "%s_%s", service->variable, name);
}

static const char *
dir_of(const struct secret_store *store, const char *service)
{
	return arena_printf(store->arena, "%s/%s", store->root, service);
}

const char *
secret_store_path(
    const struct secret_store *store, const char *service, const char *variable)
{
	return arena_printf(
	    store->arena, "%s/%s", dir_of(store, service), variable);
}

bool
secret_store_find(const struct secret_store *store, const char *service,
    const char *variable, const char **ret_text)
{
	const char *path = secret_store_path(store, service, variable);
	size_t len;
	char *text = file_find(store->arena, path, &len);

	*ret_text = NULL;
	if (text == NULL && errno == ENOENT)
		return true;
	if (text == NULL) {
		print_error("cannot read %s: %s", path, strerror(errno));
		return false;
	}
	if (len > 0 && text[len - 1] == '\n')
		text[--len] = '\0';
	if (len == 0 || len > SECRET_FILE_MAX_BYTES || strlen(text) != len) {
		print_error("%s: is empty, too long, or contains a NUL byte; "
			    "restore it from a backup",
		    path);
		return false;
	}
	*ret_text = text;
	return true;
}

/*
 * On a server, the group of the service may read its files, and only the
 * owner, root, may change them.
 */
static bool
hand_over(
    const struct secret_store *store, const char *service, int fd, mode_t mode)
{
	const struct group *group;

	if (!store->is_server)
		return fchmod(fd, mode) == 0;
	errno = 0;
	group = getgrnam(arena_printf(store->arena, "kedge-%s", service));
	/* Without root's rights, as in a test, the owner stays the same. */
	if (geteuid() != 0)
		return fchmod(fd, mode) == 0;
	if (group == NULL) {
		print_error("there is no group kedge-%s; the package makes it",
		    service);
		return false;
	}
	return fchown(fd, 0, group->gr_gid) == 0 && fchmod(fd, mode) == 0;
}

static bool
make_dir(const struct secret_store *store, const char *service)
{
	const char *dir = dir_of(store, service);
	int fd;
	bool ok;

	if (!file_make_dir(store->root, store->is_server ? 0755 : 0700) ||
	    !file_make_dir(dir, store->is_server ? 0750 : 0700))
		return false;
	if (!store->is_server)
		return true;
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ok = fd != -1 && hand_over(store, service, fd, 0750);
	if (!ok)
		print_error(
		    "cannot set the owner of %s: %s", dir, strerror(errno));
	if (fd != -1)
		close(fd);
	return ok;
}

static bool
write_synced(const struct secret_store *store, const char *service, int fd,
    const char *text)
{
	size_t len = strlen(text);

	/*
	 * write() writes such a short text as a whole or, on a full disk, not
	 * at all.
	 */
	return hand_over(store, service, fd, store->is_server ? 0640 : 0600) &&
	       write(fd, text, len) == (ssize_t)len && fsync(fd) == 0;
}

static bool
sync_dir(const char *dir)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool ok = fd != -1 && fsync(fd) == 0;

	if (fd != -1)
		close(fd);
	return ok;
}

bool
secret_store_put(const struct secret_store *store, const char *service,
    const char *variable, const char *text)
{
	const char *path = secret_store_path(store, service, variable);
	const char *fresh = arena_printf(store->arena, "%s.new", path);
	const char *line = arena_printf(store->arena, "%s\n", text);
	bool ok = false;
	int fd;

	if (str_eq(file_find(store->arena, path, /* ret_len= */ NULL), line))
		return true;
	if (!make_dir(store, service))
		return false;
	unlink(fresh); /* of an interrupted call */
	fd = open(fresh, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd != -1) {
		ok = write_synced(store, service, fd, line);
		ok = close(fd) == 0 && ok;
		ok = ok && rename(fresh, path) == 0 &&
		     sync_dir(dir_of(store, service));
	}
	if (!ok)
		print_error("cannot write %s: %s", path, strerror(errno));
	return ok;
}

bool
secret_store_remove(
    const struct secret_store *store, const char *service, const char *variable)
{
	const char *path = secret_store_path(store, service, variable);

	if (unlink(path) == 0 || errno == ENOENT)
		return true;
	print_error("cannot remove %s: %s", path, strerror(errno));
	return false;
}

int64_t
secret_store_changed_s(
    const struct secret_store *store, const char *service, const char *variable)
{
	struct stat st;

	return stat(secret_store_path(store, service, variable), &st) == 0
	           ? st.st_mtime
	           : -1;
}

/* auth's secret */

/*
 * The state is one line: the step, auth's secret and its previous secret. Both
 * secrets may contain blanks, so each is preceded by its length.
 */
/*
 * Reads a number that a blank follows, and moves *at behind the blank. -1:
 * there is no such number.
 */
static long
read_length(const char **at)
{
	char *end;
	long n = strtol(*at, &end, 10);

	if (end == *at || *end != ' ' || n < 1 || n > SECRET_FILE_MAX_BYTES)
		return -1;
	*at = end + 1;
	return n;
}

/* Reads "STEP LENGTH LENGTH CURRENTPREVIOUS". */
static bool
parse_state(struct arena *a, const char *text, struct secret_state *ret)
{
	const char *at = strchr(text, ' ');
	long first, second;

	if (at == NULL)
		return false;
	ret->step = arena_strndup(a, text, (size_t)(at - text));
	if (!str_eq(ret->step, "accept") && !str_eq(ret->step, "sign"))
		return false;
	at++;
	first = read_length(&at);
	second = first < 1 ? -1 : read_length(&at);
	if (second < 1 || strlen(at) != (size_t)(first + second))
		return false;
	ret->pair = (struct secret_pair){
		.current = arena_strndup(a, at, (size_t)first),
		.previous = arena_strdup(a, at + first),
	};
	return true;
}

bool
secret_state_find(const struct secret_store *store, const struct spec *spec,
    struct secret_state *ret_state)
{
	const char *service = spec->verifier->name;
	struct secret_state state = { 0 };
	const char *text;

	*ret_state = state;
	if (!secret_store_find(store, service, SECRET_STATE, &text))
		return false;
	if (text == NULL)
		return true;
	if (!parse_state(store->arena, text, &state)) {
		print_error("%s: cannot be read; remove it, and rotate again",
		    secret_store_path(store, service, SECRET_STATE));
		return false;
	}
	*ret_state = state;
	return true;
}

bool
secret_state_put(const struct secret_store *store, const struct spec *spec,
    const struct secret_state *state)
{
	const struct secret_pair *p = &state->pair;

	return secret_store_put(store, spec->verifier->name, SECRET_STATE,
	    arena_printf(store->arena, "%s %zu %zu %s%s", state->step,
		strlen(p->current), strlen(p->previous), p->current,
		p->previous));
}

static bool
find_or_make(const struct secret_store *store,
    const struct spec_service *service, const char *name, const char **ret_text)
{
	const char *variable = secret_variable(store->arena, service, name);

	if (!secret_store_find(store, service->name, variable, ret_text))
		return false;
	if (*ret_text != NULL)
		return true;
	*ret_text = secret_new(store->arena);
	return secret_store_put(store, service->name, variable, *ret_text);
}

bool
secret_store_auth(const struct secret_store *store, const struct spec *spec,
    struct secret_pair *ret_pair)
{
	struct secret_state state;

	if (!secret_state_find(store, spec, &state))
		return false;
	if (state.step != NULL) {
		*ret_pair = state.pair;
		return true;
	}
	return find_or_make(
		   store, spec->verifier, "SECRET", &ret_pair->current) &&
	       find_or_make(store, spec->verifier, "SECRET_PREVIOUS",
		   &ret_pair->previous);
}

const char *
secret_identity_key(
    struct arena *a, const char *auth_secret, const char *service)
{
	unsigned char key[IDENTITY_KEY_SIZE];
	const char *text;

	identity_derive_key(auth_secret, service, key);
	text = base64url_encode(a, key, sizeof(key));
	explicit_bzero(key, sizeof(key));
	return text;
}

static bool
put(const struct secret_store *store, const struct spec_service *service,
    const char *name, const char *text)
{
	return secret_store_put(store, service->name,
	    secret_variable(store->arena, service, name), text);
}

bool
secret_store_put_auth(const struct secret_store *store, const struct spec *spec,
    const struct secret_pair *pair)
{
	struct arena *a = store->arena;
	const struct spec_service *service;
	int i;

	if (!put(store, spec->verifier, "SECRET", pair->current) ||
	    !put(store, spec->verifier, "SECRET_PREVIOUS", pair->previous))
		return false;
	for (i = 0; i < spec->nservices; i++) {
		service = &spec->services[i];
		if (service == spec->verifier || service->external)
			continue;
		if (!put(store, service, "IDENTITY_KEY",
			secret_identity_key(a, pair->current, service->name)) ||
		    !put(store, service, "IDENTITY_KEY_PREVIOUS",
			secret_identity_key(a, pair->previous, service->name)))
			return false;
	}
	return true;
}

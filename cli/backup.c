#include "backup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/str.h"
#include "db/db_script.h"
#include "web/service.h"

#include "backup_manifest.h"
#include "command.h"
#include "database_url.h"
#include "file.h"
#include "message.h"
#include "options.h"
#include "stack.h"
#include "tree.h"

#define SYSTEM_BACKUP_DIR "/var/lib/kedge/backups"
#define SYSTEM_RECIPIENTS SYSTEM_DIR "/backup.pub"
#define PARTIAL ".partial-"

struct backup {
	struct stack stack;
	const char *to; /* the directory of all backups; absolute */
	const char *partial; /* the directory that is being written */
	const char *recipients; /* file with keys for the secrets; or NULL */
	int64_t keep; /* 0: all backups are kept */
	struct backup_manifest manifest;
};

/* -- one database -- */

static bool
print_problem(const char *service, struct db_script *script)
{
	print_error("%s: %s", service, db_script_problem(script));
	return false;
}

static bool
run_pg_dump(const struct backup *b, const char *url, const char *snapshot,
    const char *path)
{
	struct arena *a = b->stack.arena;
	const char *const argv[] = { "pg_dump", "--format=custom",
		"--no-password", arena_printf(a, "--snapshot=%s", snapshot),
		arena_printf(a, "--file=%s", path), NULL };

	return command_check(a, &(struct command){ .argv = argv, .url = url },
	    /* ret_output= */ NULL);
}

/*
 * Dumps the database and reads its content in one snapshot, so that the
 * manifest describes exactly what is in the dump. The snapshot is valid as long
 * as the transaction that has exported it.
 */
static bool
dump_in_transaction(const struct backup *b, struct db_script *script,
    const char *url, struct backup_database *d)
{
	struct arena *a = b->stack.arena;
	struct db_rows rows;

	if (db_script_run(script, "SET idle_in_transaction_session_timeout = 0;"
				  " SET statement_timeout = 0") != ERR_OK ||
	    db_script_run(script,
		"BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY") != ERR_OK ||
	    db_script_query(script, a, "SELECT pg_export_snapshot()",
		DB_NO_ARGS, &rows) != ERR_OK)
		return print_problem(d->service, script);
	return run_pg_dump(b, url, arena_strdup(a, db_get_text(&rows, 0, 0)),
		   arena_printf(a, "%s/%s", b->partial, d->file.name)) &&
	       backup_content_read(a, script, &d->content) &&
	       (db_script_run(script, "COMMIT") == ERR_OK ||
		   print_problem(d->service, script));
}

static bool
dump(struct backup *b, const struct spec_service *service)
{
	struct arena *a = b->stack.arena;
	struct backup_database *d =
	    &b->manifest.databases[b->manifest.ndatabases++];
	const char *url = database_owner_url(&b->stack, service);
	struct db_script *script;
	const char *problem;
	bool ok;

	*d = (struct backup_database){ .service = service->name,
		.file.name = arena_printf(a, "%s.dump", service->name) };
	if (url == NULL)
		return false;
	if (db_script_open(a, url, &script, &problem) != ERR_OK) {
		print_error("%s: %s", service->name, problem);
		return false;
	}
	ok = dump_in_transaction(b, script, url, d) &&
	     backup_file_read(a, b->partial, d->file.name, &d->file);
	db_script_close(script);
	if (ok && d->content.ledger.exists &&
	    !str_eq(d->content.ledger.mismatches, "[]"))
		print_error("%s: the ledger is inconsistent, and the backup "
			    "contains it as it is: %s",
		    service->name, d->content.ledger.mismatches);
	return ok;
}

/* -- the secrets -- */

/*
 * The archive with all secrets is only in memory; what is written to the disk
 * is encrypted.
 */
static bool
save_secrets(struct backup *b)
{
	struct arena *a = b->stack.arena;
	const char *path = arena_printf(a, "%s/secrets.tar.age", b->partial);
	const char *tar[] = { "tar", "-C", b->stack.dir, "--exclude=.lock",
		"--exclude=generated", "-cf", "-", "secrets", NULL, NULL };
	const char *const age[] = { "age", "-R", b->recipients, "-o", path,
		NULL };
	int fd = memfd_create("secrets", MFD_CLOEXEC);
	bool ok;

	/* On a server, settings with secrets may be in /etc/kedge/NAME.env. */
	if (b->stack.is_system)
		tar[7] = ".";
	else if (file_exists(arena_printf(a, "%s/kedge.env", b->stack.dir)))
		tar[8] = "kedge.env";
	if (fd == -1) {
		print_error("cannot archive the secrets: %s", strerror(errno));
		return false;
	}
	ok = command_check(
		 a, &(struct command){ .argv = tar, .output_fd = fd }, NULL) &&
	     lseek(fd, 0, SEEK_SET) == 0 &&
	     command_check(
		 a, &(struct command){ .argv = age, .input_fd = fd }, NULL) &&
	     backup_file_read(
		 a, b->partial, "secrets.tar.age", &b->manifest.secrets);
	close(fd);
	return ok;
}

/* -- the directory -- */

static bool
sync_path(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	bool ok = fd != -1 && fsync(fd) == 0;

	if (!ok)
		print_error("cannot sync %s: %s", path, strerror(errno));
	if (fd != -1)
		close(fd);
	return ok;
}

/* The present time: 2026-11-30T21:15:00Z, or without "-" and ":" for a name. */
static const char *
time_text(struct arena *a, bool is_name)
{
	char text[64];
	time_t now = time(NULL);
	struct tm tm;
	size_t len = 0;

	if (gmtime_r(&now, &tm) != NULL)
		len = is_name
		          ? strftime(text, sizeof(text), "%Y%m%dT%H%M%SZ", &tm)
		          : strftime(
				text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm);
	if (len == 0)
		abort();
	return arena_strdup(a, text);
}

static bool
open_directory(struct backup *b)
{
	struct arena *a = b->stack.arena;
	const char *lock = arena_printf(a, "%s/.lock", b->to);
	int fd;

	if (!file_make_dir(b->to, 0700))
		return false;
	fd = open(lock, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd == -1) {
		print_error("cannot open %s: %s", lock, strerror(errno));
		return false;
	}
	if (flock(fd, LOCK_EX | LOCK_NB) == 0)
		return true; /* until this process ends */
	print_error("another backup is being written to %s", b->to);
	return false;
}

/*
 * Whether this user has made the directory, and nobody else can write there:
 * another user may have prepared it, to read or to replace what is written.
 */
static bool
is_own(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0 && S_ISDIR(st.st_mode) &&
	       st.st_uid == geteuid() && (st.st_mode & 077) == 0;
}

static bool
remove_partial(const char *path)
{
	if (is_own(path))
		return tree_remove(path);
	print_error("%s was not made by \"kedge backup\" of this user, or "
		    "others may write there: look at it, and remove it",
	    path);
	return false;
}

/*
 * Removes the directories that interrupted backups have left. This process
 * holds the lock, so no other process uses them.
 */
static bool
remove_partials(const struct backup *b)
{
	struct dirent *entry;
	DIR *d = opendir(b->to);
	bool ok = d != NULL;

	while (ok && (entry = readdir(d)) != NULL)
		if (str_has_prefix(entry->d_name, PARTIAL BACKUP_PREFIX))
			ok = remove_partial(arena_printf(
			    b->stack.arena, "%s/%s", b->to, entry->d_name));
	if (d != NULL)
		closedir(d);
	return ok;
}

static int
select_backup(const struct dirent *entry)
{
	return backup_is_name(entry->d_name);
}

/*
 * Removes the oldest complete backups beyond `keep`. What has another name or
 * no manifest was not made by this command, or is not complete: it stays.
 */
static bool
remove_old(const struct backup *b)
{
	struct arena *a = b->stack.arena;
	struct backup_manifest *m = arena_alloc(a, sizeof(*m));
	struct dirent **entries;
	const char *path, *doomed;
	int64_t kept = 0;
	bool ok = true;
	int n = scandir(b->to, &entries, select_backup, alphasort);

	for (int i = n - 1; i >= 0; i--) { /* the newest first */
		path = arena_printf(a, "%s/%s", b->to, entries[i]->d_name);
		if (ok && is_own(path) &&
		    backup_manifest_read(a, path, /* quiet= */ true, m) &&
		    kept++ >= b->keep) {
			/*
			 * The new name marks the backup as incomplete, so that
			 * an interrupted removal leaves nothing that looks
			 * complete.
			 */
			doomed = arena_printf(
			    a, "%s/" PARTIAL "%s", b->to, entries[i]->d_name);
			ok = rename(path, doomed) == 0 && tree_remove(doomed);
			print_message("removed %s", path);
		}
		free(entries[i]);
	}
	if (n >= 0)
		free(entries);
	return ok;
}

static bool
write_backup(struct backup *b)
{
	struct arena *a = b->stack.arena;
	const struct spec *spec = &b->stack.spec;
	int i;

	b->manifest.version = KEDGE_VERSION;
	b->manifest.created_at = time_text(a, /* is_name= */ false);
	/* file_make_dir() would accept a directory that exists already. */
	if (mkdir(b->partial, 0700) == -1) {
		print_error("cannot make the directory %s: %s", b->partial,
		    strerror(errno));
		return false;
	}
	for (i = 0; i < spec->nservices; i++)
		if (spec->services[i].needs_postgres &&
		    !spec->services[i].external && !dump(b, &spec->services[i]))
			return false;
	if (b->recipients != NULL && !save_secrets(b))
		return false;
	for (i = 0; i < b->manifest.ndatabases; i++)
		if (!sync_path(arena_printf(a, "%s/%s", b->partial,
			b->manifest.databases[i].file.name)))
			return false;
	return backup_manifest_write(a,
		   arena_printf(a, "%s/" BACKUP_MANIFEST, b->partial),
		   &b->manifest) &&
	       sync_path(arena_printf(a, "%s/" BACKUP_MANIFEST, b->partial)) &&
	       sync_path(b->partial);
}

static bool
backup(struct backup *b)
{
	struct arena *a = b->stack.arena;
	const char *name = arena_printf(
	    a, BACKUP_PREFIX "%s", time_text(a, /* is_name= */ true));
	const char *path = arena_printf(a, "%s/%s", b->to, name);

	b->partial = arena_printf(a, "%s/" PARTIAL "%s", b->to, name);
	if (!open_directory(b) || !remove_partials(b))
		return false;
	if (file_exists(path)) {
		print_error("%s exists already; wait a second", path);
		return false;
	}
	if (!write_backup(b)) {
		(void)!tree_remove(b->partial);
		return false;
	}
	if (rename(b->partial, path) == -1) {
		print_error(
		    "cannot rename %s: %s", b->partial, strerror(errno));
		return false;
	}
	if (!sync_path(b->to))
		return false;
	print_message("%s", path);
	if (b->recipients == NULL)
		print_error("the secrets are not in the backup: name a file "
			    "with age's public keys with --recipients");
	return b->keep == 0 || remove_old(b);
}

/* -- the command -- */

static bool
absolute(struct arena *a, const char *path, const char **ret_path)
{
	char cwd[PATH_MAX];

	if (path == NULL || path[0] == '/') {
		*ret_path = path;
		return true;
	}
	if (getcwd(cwd, sizeof(cwd)) == NULL)
		return false;
	*ret_path = arena_printf(a, "%s/%s", cwd, path);
	return true;
}

static bool
open_backup(struct backup *b, struct arena *a, const struct options *o)
{
	umask(077);
	/* The paths are relative to where the command was called. */
	if (!absolute(a, o->to, &b->to) ||
	    !absolute(a, o->recipients, &b->recipients) ||
	    !stack_open_either(&b->stack, a, o->dir, o->system))
		return false;
	if (b->recipients != NULL && !file_exists(b->recipients)) {
		print_error("--recipients: there is no file %s", b->recipients);
		return false;
	}
	b->keep = o->keep;
	if (b->stack.is_system) {
		if (b->to == NULL)
			b->to = SYSTEM_BACKUP_DIR;
		if (b->recipients == NULL && file_exists(SYSTEM_RECIPIENTS))
			b->recipients = SYSTEM_RECIPIENTS;
		return true;
	}
	if (!stack_enter(&b->stack))
		return false;
	if (b->to == NULL)
		b->to = arena_printf(a, "%s/backups", b->stack.dir);
	return true;
}

int
backup_command(int argc, char **argv)
{
	struct arena *a = arena_new();
	struct backup *b = arena_alloc(a, sizeof(*b));
	struct options o;
	int status = 1;

	if (!options_read(&o, argc, argv,
		OPTIONS_DIR | OPTIONS_SYSTEM | OPTIONS_TO | OPTIONS_KEEP |
		    OPTIONS_RECIPIENTS,
		/* args_max= */ 0))
		status = OPTIONS_USAGE;
	else if (open_backup(b, a, &o))
		status = backup(b) ? 0 : 1;
	arena_free(a);
	return status;
}

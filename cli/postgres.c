#include "postgres.h"

#include <errno.h>
#include <ftw.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/str.h"

#include "connections.h"
#include "environment.h"
#include "file.h"
#include "message.h"
#include "proc_info.h"
#include "tool.h"

#define HOME_DIR POSTGRES_DIR
#define DATA_DIR HOME_DIR "/data"
#define FRESH_DIR HOME_DIR "/data.new"
#define PID_FILE DATA_DIR "/postmaster.pid"
/*
 * A file with the path of the stack's directory, which exists if pg is a link.
 */
#define OWNER_FILE HOME_DIR "/stack"
#define SHARED_DIR "/var/lib/kedge"

/* -- its user -- */

/*
 * Finds the user that PostgreSQL runs as when we are root: the owner of an
 * existing cluster, otherwise the user postgres.
 */
static bool
choose_user(struct postgres *p)
{
	const struct passwd *pw;
	struct stat st;

	if (geteuid() != 0)
		return true;
	p->other_user = true;
	if (stat(DATA_DIR, &st) == 0 && st.st_uid != 0) {
		p->user = (struct process_user){ st.st_uid, st.st_gid };
		return true;
	}
	pw = getpwnam("postgres");
	if (pw == NULL) {
		print_error(
		    "PostgreSQL cannot run as root, and there is no user "
		    "postgres to run it as");
		return false;
	}
	p->user = (struct process_user){ pw->pw_uid, pw->pw_gid };
	return true;
}

/*
 * Whether the user can enter the directory. A child process that runs as this
 * user tries it.
 */
static bool
can_reach(const struct process_user *u, const char *dir)
{
	int status;
	pid_t pid;

	pid = fork();
	if (pid == 0)
		_exit(setgroups(1, &u->gid) == 0 && setgid(u->gid) == 0 &&
			      setuid(u->uid) == 0 && chdir(dir) == 0
			  ? 0
			  : 1);
	return pid != -1 && waitpid(pid, &status, 0) == pid && status == 0;
}

static bool
link_elsewhere(const struct stack *s, const struct process_user *u)
{
	char *dir = arena_strdup(s->arena, SHARED_DIR "/pg-XXXXXX");

	if (rmdir(HOME_DIR) == -1 && errno != ENOENT) {
		print_error(
		    "the user of PostgreSQL cannot reach %s/" HOME_DIR, s->dir);
		return false;
	}
	if (!file_make_dir(SHARED_DIR, 0755))
		return false;
	if (mkdtemp(dir) != NULL && chown(dir, u->uid, u->gid) == 0 &&
	    symlink(dir, HOME_DIR) == 0)
		return true;
	print_error("cannot make %s: %s", dir, strerror(errno));
	return false;
}

const char *
postgres_linked_dir(struct arena *a)
{
	char path[PATH_MAX];
	struct stat info;

	if (lstat(HOME_DIR, &info) == -1 || !S_ISLNK(info.st_mode) ||
	    realpath(HOME_DIR, path) == NULL)
		return NULL;
	return arena_strdup(a, path);
}

/*
 * A copy of a stack's directory has the link to the original's cluster: both
 * would run on one database. So the cluster names the stack that it belongs to.
 * A stack that was moved keeps its cluster.
 */
static bool
claim_linked(const struct stack *s)
{
	struct arena *a = s->arena;
	const char *cluster = postgres_linked_dir(a);
	char *owner;
	char theirs[PATH_MAX];

	if (cluster == NULL)
		return true;
	owner = file_find(a, OWNER_FILE, /* ret_len= */ NULL);
	if (owner != NULL)
		owner[strcspn(owner, "\n")] = '\0';
	if (owner != NULL && !str_eq(owner, s->dir) &&
	    realpath(arena_printf(a, "%s/" HOME_DIR, owner), theirs) != NULL &&
	    str_eq(theirs, cluster)) {
		print_error("%s is a copy of %s, and its databases in %s are "
			    "the original's. Use the original, or make a new "
			    "stack with \"kedge up --dir\"",
		    s->dir, owner, cluster);
		return false;
	}
	return file_update(
	    a, OWNER_FILE, 0600, arena_printf(a, "%s\n", s->dir));
}

static bool
make_home(const struct stack *s, const struct postgres *p)
{
	char home[PATH_MAX];
	struct stat st;

	if (lstat(HOME_DIR, &st) == 0 && S_ISLNK(st.st_mode) &&
	    stat(HOME_DIR, &st) == -1) {
		print_error("%s/" HOME_DIR
			    " is a broken link: the cluster that it "
			    "points to is gone",
		    s->dir);
		return false;
	}
	if (!file_make_dir(HOME_DIR, 0700))
		return false;
	if (!p->other_user)
		return true;
	if (stat(HOME_DIR, &st) == 0 && st.st_uid != p->user.uid &&
	    chown(HOME_DIR, p->user.uid, p->user.gid) == -1) {
		print_error("cannot change the owner of %s/" HOME_DIR ": %s",
		    s->dir, strerror(errno));
		return false;
	}
	return ((realpath(HOME_DIR, home) != NULL &&
		    can_reach(&p->user, home)) ||
		   link_elsewhere(s, &p->user)) &&
	       claim_linked(s);
}

/* -- its configuration -- */

static const char settings[] = "# Written by kedge at each start.\n"
			       "listen_addresses = ''\n"
			       "unix_socket_directories = '..'\n"
			       "unix_socket_permissions = 0700\n"
			       "max_connections = %lld\n"
			       "password_encryption = 'scram-sha-256'\n"
			       "timezone = 'UTC'\n"
			       "log_timezone = 'UTC'\n"
			       "log_line_prefix = '%%m [%%p] %%q%%u@%%d '\n";

static bool
write_settings(const struct stack *s)
{
	const struct spec_service *service;
	const struct passwd *pw = getpwuid(geteuid());
	struct buf hba, ident;
	int i;

	if (pw == NULL) {
		print_error(
		    "user id %ld has no name on this machine", (long)geteuid());
		return false;
	}
	buf_init(&hba, s->arena, FILE_MAX_BYTES);
	buf_init(&ident, s->arena, FILE_MAX_BYTES);
	buf_puts(&hba, "local all " POSTGRES_SUPERUSER " peer map=kedge\n");
	buf_printf(
	    &ident, "kedge \"%s\" " POSTGRES_SUPERUSER "\n", pw->pw_name);
	for (i = 0; i < s->spec.nservices; i++) {
		service = &s->spec.services[i];
		if (!service->needs_postgres)
			continue;
		buf_printf(&hba, "local %s %s_owner peer map=kedge\n",
		    service->name, service->name);
		buf_printf(&ident, "kedge \"%s\" %s_owner\n", pw->pw_name,
		    service->name);
	}
	buf_puts(&hba, "local all all scram-sha-256\n");
	return file_update(s->arena, HOME_DIR "/postgresql.conf", 0644,
		   arena_printf(s->arena, settings,
		       (long long)connections_of_server(s->arena, &s->spec))) &&
	       file_update(s->arena, HOME_DIR "/pg_hba.conf", 0644, hba.data) &&
	       file_update(
		   s->arena, HOME_DIR "/pg_ident.conf", 0644, ident.data);
}

bool
postgres_prepare(const struct stack *s, struct postgres *ret_postgres)
{
	struct postgres p = { 0 };
	char *version;

	version = file_find(s->arena, DATA_DIR "/PG_VERSION", NULL);
	p.made = version != NULL;
	if (version != NULL)
		version[strcspn(version, "\n")] = '\0';
	p.bin = tool_find_postgres(s->arena, version);
	if (p.bin == NULL || !choose_user(&p) || !make_home(s, &p) ||
	    !write_settings(s))
		return false;
	*ret_postgres = p;
	return true;
}

/* -- making the cluster -- */

static int
remove_entry(const char *path, const struct stat *st UNUSED, int kind UNUSED,
    struct FTW *ftw UNUSED)
{
	return remove(path);
}

/* An initdb that was killed has left this directory. */
static bool
remove_fresh(const struct process *c UNUSED)
{
	if (!file_exists(FRESH_DIR) ||
	    nftw(FRESH_DIR, remove_entry, 16, FTW_DEPTH | FTW_PHYS) == 0)
		return true;
	print_error("cannot remove " FRESH_DIR ": %s", strerror(errno));
	return false;
}

static char *const *
argv_of(struct arena *a, const char *program, const char *const *args)
{
	size_t n = 0;
	char **argv;
	size_t i;

	while (args[n] != NULL)
		n++;
	argv = arena_alloc(a, (n + 2) * sizeof(*argv));
	argv[0] = arena_strdup(a, program);
	for (i = 0; i < n; i++)
		argv[i + 1] = arena_strdup(a, args[i]);
	return argv;
}

static const struct process_user *
user_of(const struct stack *s, const struct postgres *p)
{
	struct process_user *u;

	if (!p->other_user)
		return NULL;
	u = arena_alloc(s->arena, sizeof(*u));
	*u = p->user;
	return u;
}

void
postgres_plan_cluster(const struct stack *s, const struct postgres *p,
    struct process *ret_process)
{
	static const char *const args[] = { "-D", "data.new", "-U",
		POSTGRES_SUPERUSER, "-E", "UTF8", "--locale=C.UTF-8",
		"--auth=peer", NULL };

	*ret_process = (struct process){
		.name = "initdb",
		.title = "PostgreSQL's initdb",
		.once = true,
		.argv = argv_of(s->arena,
		    arena_printf(s->arena, "%s/initdb", p->bin), args),
		.envp = environment_block(s, /* service= */ NULL),
		.cwd = HOME_DIR,
		.user = user_of(s, p),
		.log = "log/initdb.log",
		.prepare = remove_fresh,
		.stop_signal = SIGINT,
		.death_signal = SIGKILL,
		.stop_stage = PROCESS_STOP_SERVICES,
		.stop_timeout_ms = 5000,
	};
}

/* -- the server -- */

/*
 * Removes a stale lock file. PostgreSQL does not start while the process that
 * its lock file names exists, but after a crash or a reboot another process may
 * have that id.
 */
static void
remove_stale_lock(void)
{
	char data_dir[PATH_MAX];
	char line[32] = "";
	int64_t pid;
	FILE *f;

	f = fopen(PID_FILE, "re");
	if (f == NULL)
		return;
	if (fgets(line, sizeof(line), f) != NULL)
		line[strcspn(line, "\n")] = '\0';
	fclose(f);
	if (!str_i64(line, 1, INT32_MAX, &pid) ||
	    realpath(DATA_DIR, data_dir) == NULL ||
	    proc_info_is_in((pid_t)pid, data_dir))
		return;
	unlink(PID_FILE);
	unlink(POSTGRES_SOCKET ".lock");
}

static bool
prepare_server(const struct process *c UNUSED)
{
	/*
	 * The directory that initdb has made becomes the cluster only now, when
	 * initdb has succeeded.
	 */
	if (!file_exists(DATA_DIR) && rename(FRESH_DIR, DATA_DIR) == -1) {
		print_error("PostgreSQL has no data: " DATA_DIR ": %s",
		    strerror(errno));
		return false;
	}
	remove_stale_lock();
	return true;
}

void
postgres_plan_server(const struct stack *s, const struct postgres *p,
    struct process *ret_process)
{
	static const char *const args[] = { "-D", "data", "-c",
		"config_file=postgresql.conf", "-c", "hba_file=pg_hba.conf",
		"-c", "ident_file=pg_ident.conf", NULL };

	*ret_process = (struct process){
		.name = "postgres",
		.title = "PostgreSQL",
		.argv = argv_of(s->arena,
		    arena_printf(s->arena, "%s/postgres", p->bin), args),
		.envp = environment_block(s, /* service= */ NULL),
		.cwd = HOME_DIR,
		.user = user_of(s, p),
		.log = "log/postgres.log",
		.prepare = prepare_server,
		.probe = { .kind = PROBE_POSTMASTER, .path = PID_FILE },
		.socket = POSTGRES_SOCKET,
		/*
		 * SIGINT requests a fast shutdown: PostgreSQL rolls back open
		 * transactions and writes a checkpoint.
		 */
		.stop_signal = SIGINT,
		.death_signal = SIGINT,
		.stop_stage = PROCESS_STOP_STORES,
		.stop_timeout_ms = 20000,
	};
}

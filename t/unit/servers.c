#include "servers.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <glob.h>
#include <pwd.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"

enum { START_TIMEOUT_MS = 30000, DIR_SIZE = 128, PATH_SIZE = 256 };

static char dir[DIR_SIZE]; /* in TMPDIR */
static bool dir_made;
/* Only the main process removes the directory, not a forked test. */
static pid_t owner;
static pid_t postgres_pid, redis_pid;

static void
die(const char *what)
{
	fprintf(stderr, "servers: %s: %s\n", what, strerror(errno));
	exit(1);
}

/*
 * Prints the TAP plan that skips all tests; the program must not have printed
 * anything before.
 */
static void
skip(const char *reason)
{
	printf("1..0 # SKIP %s\n", reason);
	exit(0);
}

const char *
servers_path(const char *name)
{
	static char path[4][PATH_SIZE];
	static unsigned next;
	char *out = path[next++ % 4];

	snprintf(out, PATH_SIZE, "%s/%s", dir, name);
	return out;
}

static int
remove_entry(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
	(void)st;
	(void)kind;
	(void)ftw;
	return remove(path);
}

static void
clean_up(void)
{
	if (getpid() != owner)
		return;
	servers_stop_postgres();
	servers_stop_redis();
	nftw(dir, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

/*
 * Returns the user that PostgreSQL runs as when the test runs as root:
 * PostgreSQL refuses to run as root.  Debian's package has created that user.
 */
static const struct passwd *
other_user(void)
{
	const struct passwd *user;

	if (geteuid() != 0)
		return NULL;
	user = getpwnam("postgres");
	if (user == NULL)
		skip("no user postgres to run PostgreSQL as");
	return user;
}

static void
make_dir(void)
{
	const char *parent = getenv("TMPDIR");

	if (dir_made)
		return;
	snprintf(dir, sizeof(dir), "%s/kedge-unit-XXXXXX",
	    parent != NULL ? parent : "/tmp");
	if (mkdtemp(dir) == NULL)
		die("mkdtemp");
	if (chmod(dir, 0755) != 0)
		die("chmod");
	dir_made = true;
	owner = getpid();
	atexit(clean_up);
}

static void
wait_a_little(void)
{
	nanosleep(&(struct timespec){ .tv_nsec = 5000000 }, NULL);
}

static void
become(const struct passwd *user)
{
	if (user != NULL &&
	    (setgid(user->pw_gid) != 0 || setuid(user->pw_uid) != 0))
		_exit(126);
}

/*
 * Runs a program that is killed when this process ends, and writes its output
 * to a file in the servers' directory.
 */
static pid_t
spawn(const struct passwd *user, const char *log, const char *const *argv)
{
	pid_t parent = getpid(), pid = fork();

	if (pid < 0)
		die("fork");
	if (pid == 0) {
		int fd = open(log, O_WRONLY | O_CREAT | O_APPEND, 0600);

		dup2(fd, STDOUT_FILENO);
		dup2(fd, STDERR_FILENO);
		become(user);
		/*
		 * Set this after setuid(), which clears the parent death
		 * signal.
		 */
		prctl(PR_SET_PDEATHSIG, SIGQUIT);
		if (getppid() != parent || chdir("/") != 0)
			_exit(126);
		execvp(argv[0], (char *const *)argv);
		_exit(127);
	}
	return pid;
}

static void
fail_with_log(const char *what, const char *log)
{
	char text[4096];
	FILE *f = fopen(log, "r");
	size_t n = f == NULL ? 0 : fread(text, 1, sizeof(text), f);

	fprintf(stderr, "servers: %s failed\n%.*s", what, (int)n, text);
	exit(1);
}

static void
stop(pid_t *pid, int sig)
{
	if (*pid == 0)
		return;
	servers_signal_tree(*pid, SIGCONT);
	kill(*pid, sig);
	while (waitpid(*pid, NULL, 0) < 0 && errno == EINTR)
		continue;
	*pid = 0;
}

static const char *
postgres_program(const char *name)
{
	static char path[2][PATH_SIZE];
	static unsigned next;
	char *out = path[next++ % 2];
	glob_t found;

	snprintf(out, PATH_SIZE, "/usr/lib/postgresql/*/bin/%s", name);
	if (glob(out, 0, NULL, &found) == 0)
		snprintf(
		    out, PATH_SIZE, "%s", found.gl_pathv[found.gl_pathc - 1]);
	else
		snprintf(out, PATH_SIZE, "%s", name);
	globfree(&found);
	return out;
}

static void
init_cluster(const struct passwd *user, const char *cluster, const char *log)
{
	int status;
	pid_t pid;

	if (mkdir(cluster, 0700) != 0 ||
	    (user != NULL && chown(cluster, user->pw_uid, user->pw_gid) != 0))
		die(cluster);
	pid = spawn(user, log,
	    (const char *const[]){ postgres_program("initdb"), "-D", cluster,
		"--no-sync", "--auth=trust", "--username=kedge",
		"--encoding=UTF8", "--locale=C", NULL });
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		continue;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 127)
		skip("PostgreSQL is not installed");
	if (status != 0)
		fail_with_log("initdb", log);
}

/* The postmaster writes its state into the last line of its pid file. */
static bool
postgres_is_ready(const char *cluster)
{
	char path[PATH_SIZE + 16], text[512];
	FILE *f;
	size_t n;

	snprintf(path, sizeof(path), "%s/postmaster.pid", cluster);
	f = fopen(path, "r");
	if (f == NULL)
		return false;
	n = fread(text, 1, sizeof(text) - 1, f);
	fclose(f);
	text[n] = '\0';
	return atoi(text) == postgres_pid && strstr(text, "ready") != NULL;
}

const char *
servers_start_postgres(void)
{
	static char url[PATH_SIZE], cluster[PATH_SIZE], log[PATH_SIZE];
	const struct passwd *user = other_user();
	int64_t deadline_us =
	    clock_monotonic_us() + (int64_t)START_TIMEOUT_MS * 1000;

	if (url[0] == '\0') {
		make_dir();
		snprintf(cluster, sizeof(cluster), "%s", servers_path("pg"));
		snprintf(log, sizeof(log), "%s", servers_path("pg.log"));
		init_cluster(user, cluster, log);
		snprintf(url, sizeof(url),
		    "host=%.200s user=kedge dbname=postgres", cluster);
	}
	assert(postgres_pid == 0);
	postgres_pid = spawn(user, log,
	    (const char *const[]){ postgres_program("postgres"), "-D", cluster,
		"-k", cluster, "-F", "-c", "listen_addresses=", "-c",
		"shared_buffers=16MB", "-c", "max_connections=40", "-c",
		"autovacuum=off", NULL });
	while (!postgres_is_ready(cluster)) {
		if (waitpid(postgres_pid, NULL, WNOHANG) != 0 ||
		    clock_monotonic_us() > deadline_us)
			fail_with_log("postgres", log);
		wait_a_little();
	}
	return url;
}

void
servers_stop_postgres(void)
{
	stop(&postgres_pid, SIGQUIT);
}

pid_t
servers_postgres_pid(void)
{
	return postgres_pid;
}

static int
connect_redis(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%.100s",
	    servers_path("redis.sock"));
	if (fd >= 0 &&
	    connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
		return fd;
	close(fd);
	return -1;
}

const char *
servers_redis_do(const char *command)
{
	static char answer[512];
	int fd = connect_redis();
	FILE *f;

	answer[0] = '\0';
	if (fd < 0)
		return answer;
	f = fdopen(fd, "r+");
	assert(f != NULL);
	fprintf(f, "%s\r\n", command);
	fflush(f);
	if (fgets(answer, sizeof(answer), f) != NULL && answer[0] == '$' &&
	    answer[1] != '-' && fgets(answer, sizeof(answer), f) == NULL)
		answer[0] = '\0';
	fclose(f);
	answer[strcspn(answer, "\r\n")] = '\0';
	return answer;
}

const char *
servers_start_redis(void)
{
	static char url[PATH_SIZE], path[PATH_SIZE], log[PATH_SIZE];
	int64_t deadline_us =
	    clock_monotonic_us() + (int64_t)START_TIMEOUT_MS * 1000;
	int status;

	make_dir();
	snprintf(path, sizeof(path), "%s", servers_path("redis.sock"));
	snprintf(log, sizeof(log), "%s", servers_path("redis.log"));
	snprintf(url, sizeof(url), "unix:%.200s", path);
	assert(redis_pid == 0);
	redis_pid = spawn(/* user= */ NULL, log,
	    (const char *const[]){ "redis-server", "--port", "0",
		"--unixsocket", path, "--dir", dir, "--save", "",
		"--appendonly", "no", NULL });
	while (strcmp(servers_redis_do("PING"), "+PONG") != 0) {
		if (waitpid(redis_pid, &status, WNOHANG) != 0) {
			if (WIFEXITED(status) && WEXITSTATUS(status) == 127)
				skip("Redis is not installed");
			fail_with_log("redis-server", log);
		}
		if (clock_monotonic_us() > deadline_us)
			fail_with_log("redis-server", log);
		wait_a_little();
	}
	return url;
}

void
servers_stop_redis(void)
{
	stop(&redis_pid, SIGKILL);
}

pid_t
servers_redis_pid(void)
{
	return redis_pid;
}

void
servers_signal_tree(pid_t pid, int sig)
{
	char path[64], text[4096], *at = text, *end;
	FILE *f;
	size_t n = 0;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", (int)pid,
	    (int)pid);
	f = fopen(path, "r");
	if (f != NULL) {
		n = fread(text, 1, sizeof(text) - 1, f);
		fclose(f);
	}
	text[n] = '\0';
	for (;;) {
		long child = strtol(at, &end, 10);

		if (end == at)
			break;
		kill((pid_t)child, sig);
		at = end;
	}
	kill(pid, sig);
}

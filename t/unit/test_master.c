/*
 * Starts real masters: this program copies itself into a temporary directory as
 * ./server and runs it there with --serve; a restart first runs `./server
 * --check`.  Files in that directory control it:
 *
 *   generation    a number that workers report, read at the start
 *   check-fails   --check exits 1
 *   never-ready   workers do not report that they accept connections
 *
 * A worker answers one line per connection:
 *
 *   who           pid, parent, pool, index, generation, shared counter
 *   metrics       the Prometheus text
 *   hold          "held"; then, when the client has sent another line, "done",
 *                 or for "health" whether the service is draining
 *   notify        whether NOTIFY_SOCKET is set: "set" or "unset"
 *   freeze, thaw  sets the heartbeat to long ago, or to now
 *   die           exits with 3
 *   stuck         "stuck"; from then on SIGTERM does not end the worker
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/attr.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/health.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/str.h"
#include "process/master.h"
#include "process/shared.h"
#include "unit.h"

/* -- the server -- */

struct counter {
	_Atomic int starts;
};

static int generation;
static struct counter *counter;
static bool stuck;

static int
read_number(const char *path)
{
	FILE *f = fopen(path, "r");
	int n = 0;

	if (f != NULL) {
		if (fscanf(f, "%d", &n) != 1)
			n = 0;
		fclose(f);
	}
	return n;
}

static void
say_metrics(int fd)
{
	struct arena *a = arena_new();
	struct buf b;
	ssize_t n;

	buf_init(&b, a, 1 << 20);
	metrics_print(&b, "test", "0");
	n = write(fd, b.data, b.len);
	(void)n;
	arena_free(a);
}

static void
answer(const struct worker *w, int fd)
{
	char line[64];
	ssize_t n = read(fd, line, sizeof(line) - 1);

	if (n <= 0)
		return;
	line[n] = '\0';
	if (str_eq(line, "who\n")) {
		dprintf(fd, "%d %d %s %d %d %d\n", (int)getpid(),
		    (int)getppid(), w->pool, w->index, generation,
		    atomic_load(&counter->starts));
	} else if (str_eq(line, "metrics\n")) {
		say_metrics(fd);
	} else if (str_eq(line, "hold\n")) {
		dprintf(fd, "held\n");
		n = read(fd, line, sizeof(line));
		if (n > 0 && line[0] == 'h')
			dprintf(fd, "%d\n", health_is_draining());
		else if (n > 0)
			dprintf(fd, "done\n");
	} else if (str_eq(line, "notify\n")) {
		dprintf(fd, "%s\n",
		    getenv("NOTIFY_SOCKET") != NULL ? "set" : "unset");
	} else if (str_eq(line, "freeze\n")) {
		health_beat(1);
		dprintf(fd, "frozen\n");
	} else if (str_eq(line, "thaw\n")) {
		health_beat(clock_monotonic_us());
		dprintf(fd, "thawed\n");
	} else if (str_eq(line, "die\n")) {
		_exit(3);
	} else if (str_eq(line, "stuck\n")) {
		stuck = true;
		dprintf(fd, "stuck\n");
	}
}

static int
work(const struct worker *w, void *ctx)
{
	const struct timeval moment = { .tv_usec = 20 * 1000 };
	sigset_t mask;
	int sigfd;

	(void)ctx;
	sigemptyset(&mask);
	sigaddset(&mask, SIGTERM);
	sigaddset(&mask, SIGINT);
	sigfd = signalfd(-1, &mask, 0);
	/* Another worker may accept the connection that poll() has reported. */
	setsockopt(
	    w->listen_fd, SOL_SOCKET, SO_RCVTIMEO, &moment, sizeof(moment));
	if (access("never-ready", F_OK) != 0)
		worker_ready(w);
	for (;;) {
		struct pollfd fds[] = {
			{ .fd = w->listen_fd, .events = POLLIN },
			{ .fd = stuck ? -1 : sigfd, .events = POLLIN },
		};
		int fd;

		poll(fds, 2, -1);
		if (fds[1].revents != 0)
			return 0;
		fd = accept4(w->listen_fd, NULL, NULL, SOCK_CLOEXEC);
		if (fd < 0)
			continue;
		answer(w, fd);
		close(fd);
	}
}

/*
 * A worker that does nothing until its master has ended, and ignores SIGTERM.
 */
static int
work_in_background(const struct worker *w, void *ctx)
{
	(void)ctx;
	worker_ready(w);
	while (getppid() > 1)
		pause();
	return 0;
}

static int64_t
env_number(const char *name, int64_t fallback)
{
	const char *value = getenv(name);
	int64_t n;

	return value != NULL && str_i64(value, 0, INT32_MAX, &n) ? n : fallback;
}

static int
serve(char **argv)
{
	const struct master_pool pools[] = {
		{ .name = "a",
		    .listen = getenv("A_LISTEN"),
		    .processes = env_number("A_PROCESSES", 1),
		    .work = work },
		{ .name = "b",
		    .listen = getenv("B_LISTEN"),
		    .processes = 1,
		    .work = work },
	};
	const struct master_pool with_background[] = {
		pools[0],
		{ .name = "c", .processes = 1, .work = work_in_background },
	};
	bool background = getenv("C") != NULL;
	const struct master m = {
		.service = "test",
		.pools = background ? with_background : pools,
		.npools = background || getenv("B_LISTEN") != NULL ? 2 : 1,
		.drain_timeout_ms = env_number("DRAIN_MS", 10000),
		.socket_mode = 0660,
	};
	bool fresh;

	log_init("test", LOG_INFO);
	generation = read_number("generation");
	counter = shared_open("counter", sizeof(*counter), &fresh);
	if (fresh != (atomic_load(&counter->starts) == 0))
		return 9;
	atomic_fetch_add(&counter->starts, 1);
	return master_run(&m, argv);
}

/* -- tools -- */

enum { PATIENCE_MS = 20 * 1000 };

static char dir[] = "/tmp/test-master-XXXXXX";
static const char *self; /* the path of this program, set in main() */
static pid_t master;

static void
pause_ms(long ms)
{
	const struct timespec t = { .tv_nsec = ms * 1000 * 1000 };

	nanosleep(&t, NULL);
}

/* Evaluates the condition until it is true; fails the test after a deadline. */
#define WAIT_FOR(condition)                                             \
	do {                                                            \
		int64_t until_ =                                        \
		    clock_monotonic_us() + (int64_t)PATIENCE_MS * 1000; \
		while (!(condition)) {                                  \
			ck_assert_msg(clock_monotonic_us() < until_,    \
			    "never came true: %s; %s", #condition,      \
			    log_text());                                \
			pause_ms(5);                                    \
		}                                                       \
	} while (0)

static const char *
log_text(void)
{
	static char text[64 * 1024];
	int fd = open("log", O_RDONLY);
	ssize_t n = fd < 0 ? 0 : read(fd, text, sizeof(text) - 1);

	if (fd >= 0)
		close(fd);
	text[n < 0 ? 0 : n] = '\0';
	return text;
}

static bool
logged(const char *what)
{
	return strstr(log_text(), what) != NULL;
}

static void
touch(const char *path, int number)
{
	FILE *f = fopen(path, "w");

	ck_assert_ptr_nonnull(f);
	fprintf(f, "%d\n", number);
	fclose(f);
}

static void
copy_self(const char *to)
{
	char command[1024];

	snprintf(command, sizeof(command), "cp -f '%s' '%s'", self, to);
	ck_assert_int_eq(system(command), 0);
}

/* Starts a master; `prepare` runs in the child, between fork and exec. */
static pid_t
start_with(void (*prepare)(void))
{
	char binary[] = "./server", option[] = "--serve";
	char *argv[] = { binary, option, NULL };
	pid_t parent = getpid(), pid = fork();
	int fd;

	ck_assert_int_ge(pid, 0);
	if (pid > 0)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
	fd = open("log", O_WRONLY | O_CREAT | O_APPEND, 0600);
	dup2(fd, STDERR_FILENO);
	close(fd);
	if (prepare != NULL)
		prepare();
	execv(argv[0], argv);
	_exit(127);
}

static int
connect_to(const char *path)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	strcpy(sun.sun_path, path);
	if (connect(fd, (struct sockaddr *)&sun, sizeof(sun)) == 0)
		return fd;
	close(fd);
	return -1;
}

/*
 * Sends a line on the connection; returns the response up to its end, or ""
 * when there was none.
 */
static const char *
ask_fd(int fd, const char *line)
{
	static char text[64 * 1024];
	size_t len = 0;
	ssize_t n;

	text[0] = '\0';
	if (fd < 0)
		return text;
	n = send(fd, line, strlen(line), MSG_NOSIGNAL);
	while (n > 0 && (n = read(fd, text + len, sizeof(text) - 1 - len)) > 0)
		len += (size_t)n;
	text[len] = '\0';
	close(fd);
	return text;
}

static const char *
ask(const char *path, const char *line)
{
	return ask_fd(connect_to(path), line);
}

struct who {
	int pid, parent, index, generation, starts;
	char pool[16];
};

static bool
read_who(const char *text, struct who *w)
{
	*w = (struct who){ 0 };
	return sscanf(text, "%d %d %15s %d %d %d", &w->pid, &w->parent, w->pool,
		   &w->index, &w->generation, &w->starts) == 6;
}

static bool
who(const char *path, struct who *w)
{
	return read_who(ask(path, "who\n"), w);
}

/* Returns the sum of a metric over all pools; -1: there is no such metric. */
static int
metric(const char *name)
{
	char series[128];
	const char *at = ask("a.sock", "metrics\n");
	int sum = -1;

	snprintf(series, sizeof(series), "\n%s{service=\"test\",pool=", name);
	while ((at = strstr(at, series)) != NULL) {
		at = strchr(at, '}') + 1;
		sum += atoi(at) + (sum < 0);
	}
	return sum;
}

static int
exit_status(pid_t pid)
{
	int status;

	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_msg(WIFEXITED(status), "status 0x%x; %s", status, log_text());
	return WEXITSTATUS(status);
}

static void
start(void)
{
	master = start_with(NULL);
	WAIT_FOR(
	    metric("kedge_worker_processes") == env_number("A_PROCESSES", 1));
}

static void
stop(void)
{
	kill(master, SIGTERM);
	ck_assert_int_eq(exit_status(master), 0);
}

static void
setup(void)
{
	/*
	 * Makes this process the parent of workers that outlive their master,
	 * so that they can be counted.
	 */
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	ck_assert_ptr_nonnull(mkdtemp(dir));
	ck_assert_int_eq(chdir(dir), 0);
	copy_self("server");
	touch("generation", 1);
	setenv("A_LISTEN", "unix:a.sock", 1);
}

static void
teardown(void)
{
	char command[256];

	snprintf(command, sizeof(command), "rm -rf '%s'", dir);
	ck_assert_int_eq(system(command), 0);
}

/* -- workers that die -- */

START_TEST(worker_that_dies_is_replaced_and_counted)
{
	struct who before, after;

	start();
	ck_assert(who("a.sock", &before));
	ck_assert_int_eq(before.parent, master);
	ask("a.sock", "die\n");
	WAIT_FOR(who("a.sock", &after));
	ck_assert_int_ne(after.pid, before.pid);
	ck_assert_int_eq(metric("kedge_worker_deaths_total"), 1);
	ck_assert_int_eq(metric("kedge_worker_starts_total"), 2);
	ck_assert_int_eq(metric("kedge_worker_processes"), 1);
	ck_assert(logged("worker exited unexpectedly"));
	stop();
}
END_TEST

START_TEST(worker_that_keeps_dying_is_restarted_with_back_off)
{
	struct who w;
	int64_t died_us, took_us[4];

	start();
	for (int i = 0; i < 4; i++) {
		ask("a.sock", "die\n");
		died_us = clock_monotonic_us();
		WAIT_FOR(who("a.sock", &w));
		took_us[i] = clock_monotonic_us() - died_us;
	}
	ck_assert_int_ge(took_us[1], 90 * 1000);
	ck_assert_int_ge(took_us[2], 190 * 1000);
	ck_assert_int_ge(took_us[3], 390 * 1000);
	stop();
}
END_TEST

START_TEST(workers_end_with_a_master_that_is_killed)
{
	struct who w;
	int status;

	setenv("A_PROCESSES", "3", 1);
	start();
	ck_assert(who("a.sock", &w));
	kill(master, SIGKILL);
	ck_assert_int_eq(waitpid(master, &status, 0), master);
	for (int i = 0; i < 3; i++) {
		ck_assert_int_gt(waitpid(-1, &status, 0), 0);
		ck_assert_int_eq(status, 0);
	}
	/*
	 * The killed master has left its socket file, which does not prevent a
	 * start.
	 */
	ck_assert_int_eq(waitpid(-1, &status, 0), -1);
	ck_assert_int_eq(access("a.sock", F_OK), 0);
	start();
	stop();
}
END_TEST

/* -- draining -- */

START_TEST(drain_finishes_what_is_served)
{
	char line[16] = "";
	int fd, other;

	start();
	fd = connect_to("a.sock");
	ck_assert_int_eq(write(fd, "hold\n", 5), 5);
	ck_assert_int_eq(read(fd, line, sizeof(line)), 5);
	kill(master, SIGTERM);
	WAIT_FOR((other = connect_to("a.sock")) < 0 || (close(other), false));
	ck_assert_int_eq(access("a.sock", F_OK), -1);
	ck_assert_str_eq(ask_fd(fd, "go\n"), "done\n");
	ck_assert_int_eq(exit_status(master), 0);
}
END_TEST

START_TEST(drain_past_the_deadline_kills)
{
	setenv("DRAIN_MS", "200", 1);
	start();
	ck_assert_str_eq(ask("a.sock", "stuck\n"), "stuck\n");
	stop();
	ck_assert(logged("drain timeout exceeded"));
}
END_TEST

static int
count_in(const char *text, const char *what)
{
	int n = 0;

	for (const char *at = text; (at = strstr(at, what)) != NULL; at++)
		n++;
	return n;
}

static int
count_logged(const char *what)
{
	return count_in(log_text(), what);
}

START_TEST(drain_is_known_to_workers)
{
	char line[16] = "";
	int fd;

	start();
	fd = connect_to("a.sock");
	ck_assert_int_eq(write(fd, "hold\n", 5), 5);
	ck_assert_int_eq(read(fd, line, sizeof(line)), 5);
	kill(master, SIGTERM);
	WAIT_FOR(logged("service draining"));
	ck_assert_str_eq(ask_fd(fd, "health\n"), "1\n");
	ck_assert_int_eq(exit_status(master), 0);
}
END_TEST

/* The drain of the pools for jobs and for requests has one common deadline. */
START_TEST(drain_has_one_deadline)
{
	const char *last, *ended;
	int other;

	setenv("DRAIN_MS", "3000", 1);
	setenv("C", "1", 1);
	master = start_with(NULL);
	WAIT_FOR(metric("kedge_worker_processes_ready") == 2);
	ck_assert_str_eq(ask("a.sock", "stuck\n"), "stuck\n");
	kill(master, SIGTERM);
	WAIT_FOR((other = connect_to("a.sock")) < 0 || (close(other), false));
	ck_assert(!logged("drain timeout exceeded"));
	ck_assert_int_eq(exit_status(master), 0);
	ck_assert_int_eq(count_logged("drain timeout exceeded"), 2);
	last = strstr(strstr(log_text(), "drain timeout exceeded") + 1,
	    "drain timeout exceeded");
	ended = strstr(log_text(), "worker exited");
	ck_assert_ptr_nonnull(ended);
	ck_assert(last < ended);
}
END_TEST

START_TEST(drain_ignores_restart)
{
	char line[16] = "";
	int fd;

	start();
	fd = connect_to("a.sock");
	ck_assert_int_eq(write(fd, "hold\n", 5), 5);
	ck_assert_int_eq(read(fd, line, sizeof(line)), 5);
	kill(master, SIGTERM);
	kill(master, SIGHUP);
	WAIT_FOR(logged("service draining"));
	kill(master, SIGHUP);
	ck_assert_str_eq(ask_fd(fd, "go\n"), "done\n");
	ck_assert_int_eq(exit_status(master), 0);
	ck_assert_int_eq(count_logged("\"service started\""), 1);
}
END_TEST

/* -- systemd -- */

static int notify_fd = -1;

static void
listen_as_systemd(void)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };

	snprintf(sun.sun_path, sizeof(sun.sun_path), "%s/notify", dir);
	notify_fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(
	    bind(notify_fd, (struct sockaddr *)&sun, sizeof(sun)), 0);
	setenv("NOTIFY_SOCKET", sun.sun_path, 1);
}

static char told_text[256 * 1024];
static size_t told_len;

/*
 * Returns all notifications that the master has sent to systemd since
 * forget_told(); each variable is on a line of its own.
 */
static const char *
told(void)
{
	ssize_t n;

	while (told_len < sizeof(told_text) - 2 &&
	       (n = recv(notify_fd, told_text + told_len,
		    sizeof(told_text) - told_len - 2, MSG_DONTWAIT)) > 0) {
		told_len += (size_t)n;
		told_text[told_len++] = '\n';
		told_text[told_len] = '\0';
	}
	return told_text;
}

static void
forget_told(void)
{
	told();
	told_len = 0;
	told_text[0] = '\0';
}

START_TEST(systemd_is_told_of_each_state)
{
	listen_as_systemd();
	start();
	WAIT_FOR(strstr(told(),
		     "READY=1\nSTATUS=1 of 1 processes are ready\n") != NULL);
	ck_assert_ptr_null(strstr(told(), "WATCHDOG=1"));
	/*
	 * Workers have no NOTIFY_SOCKET, so that systemd gets notifications
	 * from the master only.
	 */
	ck_assert_str_eq(ask("a.sock", "notify\n"), "unset\n");

	forget_told();
	kill(master, SIGHUP);
	WAIT_FOR(strstr(told(), "READY=1\n") != NULL);
	ck_assert_ptr_nonnull(strstr(told(), "RELOADING=1\nMONOTONIC_USEC="));
	ck_assert(strstr(told(), "RELOADING=1") < strstr(told(), "READY=1"));
	ck_assert(logged("\"restart complete\""));

	/*
	 * When the new release is refused, the reload has also ended (READY=1).
	 */
	forget_told();
	touch("check-fails", 1);
	kill(master, SIGHUP);
	WAIT_FOR(strstr(told(), "READY=1\n") != NULL);
	ck_assert_ptr_nonnull(strstr(told(), "RELOADING=1\n"));
	ck_assert(logged("binary check failed"));

	forget_told();
	ask("a.sock", "die\n");
	WAIT_FOR(strstr(told(), "STATUS=0 of 1 processes are ready\n") != NULL);
	WAIT_FOR(strstr(told(), "STATUS=1 of 1 processes are ready\n") != NULL);
	stop();
	ck_assert_ptr_nonnull(strstr(told(), "STOPPING=1\n"));
}
END_TEST

START_TEST(watchdog_is_quiet_while_all_make_progress)
{
	listen_as_systemd();
	setenv("WATCHDOG_USEC", "20000", 1);
	start();
	WAIT_FOR(count_in(told(), "WATCHDOG=1\n") > 3);

	ck_assert_str_eq(ask("a.sock", "freeze\n"), "frozen\n");
	WAIT_FOR(logged("processes unresponsive"));
	forget_told();
	/* Failing restarts take longer than a watchdog period. */
	touch("check-fails", 1);
	for (int i = 1; i <= 5; i++) {
		kill(master, SIGHUP);
		WAIT_FOR(count_in(told(), "READY=1\n") == i);
	}
	ck_assert_ptr_null(strstr(told(), "WATCHDOG=1"));

	ck_assert_str_eq(ask("a.sock", "thaw\n"), "thawed\n");
	WAIT_FOR(strstr(told(), "WATCHDOG=1\n") != NULL);
	stop();
}
END_TEST

/* -- rolling restart -- */

/*
 * Sends requests, each of which gets a complete response, until all workers are
 * of the given generation.
 */
static void
roll_to(int wanted)
{
	struct who w;

	for (;;) {
		ck_assert_msg(who("a.sock", &w), "refused; %s", log_text());
		ck_assert_int_eq(w.parent, master);
		if (w.generation == wanted &&
		    metric("kedge_worker_processes") ==
			env_number("A_PROCESSES", 1))
			return;
	}
}

START_TEST(restart_keeps_pid_and_socket_and_refuses_nobody)
{
	struct stat before, after;
	struct who w;
	int fd;
	char line[16] = "";

	setenv("A_PROCESSES", "3", 1);
	start();
	ck_assert_int_eq(stat("a.sock", &before), 0);
	fd = connect_to("a.sock");
	ck_assert_int_eq(write(fd, "hold\n", 5), 5);
	ck_assert_int_eq(read(fd, line, sizeof(line)), 5);

	touch("generation", 2);
	kill(master, SIGHUP);
	do {
		ck_assert(who("a.sock", &w));
	} while (w.generation != 2);
	WAIT_FOR(logged("\"restart complete\""));
	/*
	 * An old worker that still has a request continues until it is
	 * answered.
	 */
	WAIT_FOR(metric("kedge_worker_processes") == 4);
	ck_assert_str_eq(ask_fd(fd, "go\n"), "done\n");
	roll_to(2);
	ck_assert(who("a.sock", &w));
	/* The new release has the same shared memory area. */
	ck_assert_int_eq(w.starts, 2);
	ck_assert_int_eq(metric("kedge_worker_starts_total"), 6);
	ck_assert_int_eq(metric("kedge_worker_deaths_total"), 0);
	ck_assert_int_eq(stat("a.sock", &after), 0);
	ck_assert_uint_eq(before.st_ino, after.st_ino);
	stop();
	ck_assert_int_eq(access("a.sock", F_OK), -1);
}
END_TEST

START_TEST(restart_takes_the_replaced_binary)
{
	start();
	for (int i = 2; i < 5; i++) {
		copy_self("server.new");
		ck_assert_int_eq(rename("server.new", "server"), 0);
		touch("generation", i);
		kill(master, SIGHUP);
		roll_to(i);
	}
	stop();
}
END_TEST

START_TEST(restart_with_a_failing_check_changes_nothing)
{
	struct who before, after;

	start();
	ck_assert(who("a.sock", &before));
	touch("generation", 2);
	touch("check-fails", 1);
	kill(master, SIGHUP);
	WAIT_FOR(logged("binary check failed"));
	ck_assert(who("a.sock", &after));
	ck_assert_int_eq(after.pid, before.pid);
	ck_assert_int_eq(after.generation, 1);

	unlink("server");
	kill(master, SIGHUP);
	WAIT_FOR(logged("\"status\":127"));
	ck_assert(who("a.sock", &after));
	ck_assert_int_eq(after.pid, before.pid);
	stop();
}
END_TEST

START_TEST(restart_asked_for_many_times_settles)
{
	setenv("A_PROCESSES", "3", 1);
	start();
	for (int i = 2; i < 12; i++) {
		struct who w;

		touch("generation", i);
		kill(master, SIGHUP);
		ck_assert(who("a.sock", &w));
	}
	roll_to(11);
	ck_assert_int_eq(metric("kedge_worker_deaths_total"), 0);
	stop();
}
END_TEST

/* The new worker does not become ready: the old one continues to serve. */
static void
start_stalled_restart(void)
{
	setenv("A_PROCESSES", "2", 1);
	start();
	touch("generation", 2);
	touch("never-ready", 1);
	kill(master, SIGHUP);
	WAIT_FOR(metric("kedge_worker_processes") == 3);
	ck_assert_int_eq(metric("kedge_worker_starts_total"), 3);
}

START_TEST(restart_that_stalls_is_ended_by_the_next)
{
	start_stalled_restart();
	unlink("never-ready");
	touch("generation", 3);
	kill(master, SIGHUP);
	roll_to(3);
	ck_assert_int_eq(metric("kedge_worker_deaths_total"), 0);
	stop();
}
END_TEST

START_TEST(restart_that_stalls_can_be_stopped)
{
	int status;

	start_stalled_restart();
	stop();
	/* The master has left no child process. */
	ck_assert_int_eq(waitpid(-1, &status, 0), -1);
	ck_assert_int_eq(access("a.sock", F_OK), -1);
}
END_TEST

START_TEST(restart_keeps_the_deadline_of_the_drained)
{
	struct who w;

	setenv("DRAIN_MS", "500", 1);
	start();
	ck_assert_str_eq(ask("a.sock", "stuck\n"), "stuck\n");
	touch("generation", 2);
	kill(master, SIGHUP);
	WAIT_FOR(logged("\"restart complete\""));
	touch("generation", 3);
	kill(master, SIGHUP);
	WAIT_FOR(logged("drain timeout exceeded"));
	WAIT_FOR(who("a.sock", &w) && w.generation == 3);
	stop();
}
END_TEST

/* -- sockets -- */

static int
bind_unix(const char *path)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	strcpy(sun.sun_path, path);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&sun, sizeof(sun)), 0);
	ck_assert_int_eq(listen(fd, 10), 0);
	return fd;
}

static void
set_pid_variable(void)
{
	char text[16];

	snprintf(text, sizeof(text), "%d", (int)getpid());
	setenv("LISTEN_PID", text, 1);
}

static int given[2];

static void
give_two_named(void)
{
	dup2(given[0], 3);
	dup2(given[1], 4);
	set_pid_variable();
	setenv("LISTEN_FDS", "2", 1);
	setenv("LISTEN_FDNAMES", "b:a", 1);
}

START_TEST(sockets_of_systemd_are_matched_by_name)
{
	struct who w;

	setenv("A_LISTEN", "unix:not-this.sock", 1);
	setenv("B_LISTEN", "unix:nor-that.sock", 1);
	given[0] = fcntl(bind_unix("for-b.sock"), F_DUPFD_CLOEXEC, 10);
	given[1] = fcntl(bind_unix("for-a.sock"), F_DUPFD_CLOEXEC, 10);
	master = start_with(give_two_named);
	WAIT_FOR(who("for-a.sock", &w));
	ck_assert_str_eq(w.pool, "a");
	WAIT_FOR(who("for-b.sock", &w));
	ck_assert_str_eq(w.pool, "b");
	ck_assert_int_eq(access("not-this.sock", F_OK), -1);

	touch("generation", 2);
	kill(master, SIGHUP);
	WAIT_FOR(who("for-b.sock", &w) && w.generation == 2);
	ck_assert_str_eq(w.pool, "b");
	stop();
	/* Sockets and files that other programs created must not be removed. */
	ck_assert_int_eq(access("for-a.sock", F_OK), 0);
}
END_TEST

static void
give_two_unnamed(void)
{
	give_two_named();
	setenv("LISTEN_FDNAMES", "x.socket:y.socket", 1);
}

START_TEST(sockets_of_systemd_without_names_go_by_order)
{
	struct who w;

	setenv("B_LISTEN", "unix:b.sock", 1);
	given[0] = fcntl(bind_unix("first.sock"), F_DUPFD_CLOEXEC, 10);
	given[1] = fcntl(bind_unix("second.sock"), F_DUPFD_CLOEXEC, 10);
	master = start_with(give_two_unnamed);
	WAIT_FOR(who("first.sock", &w));
	ck_assert_str_eq(w.pool, "a");
	WAIT_FOR(who("second.sock", &w));
	ck_assert_str_eq(w.pool, "b");
	stop();
}
END_TEST

static void
give_to_somebody_else(void)
{
	dup2(given[0], 3);
	setenv("LISTEN_PID", "1", 1);
	setenv("LISTEN_FDS", "1", 1);
}

START_TEST(sockets_of_another_process_are_left_alone)
{
	struct who w;

	given[0] = fcntl(bind_unix("other.sock"), F_DUPFD_CLOEXEC, 10);
	master = start_with(give_to_somebody_else);
	WAIT_FOR(who("a.sock", &w));
	stop();
}
END_TEST

static void
give_a_pipe(void)
{
	int fds[2];

	if (pipe(fds) == 0)
		dup2(fds[0], 3);
	set_pid_variable();
	setenv("LISTEN_FDS", "1", 1);
}

START_TEST(descriptor_of_systemd_that_is_not_a_socket_is_an_error)
{
	ck_assert_int_eq(exit_status(start_with(give_a_pipe)), 1);
	ck_assert(logged("no listening stream socket"));
}
END_TEST

static void
give_stdin(void)
{
	dup2(given[0], STDIN_FILENO);
}

START_TEST(socket_on_descriptor_0_is_used)
{
	struct who w;

	given[0] = fcntl(bind_unix("stdin.sock"), F_DUPFD_CLOEXEC, 10);
	master = start_with(give_stdin);
	WAIT_FOR(who("stdin.sock", &w));
	ck_assert_int_eq(access("a.sock", F_OK), -1);
	touch("generation", 2);
	kill(master, SIGHUP);
	WAIT_FOR(who("stdin.sock", &w) && w.generation == 2);
	stop();
	ck_assert_int_eq(access("stdin.sock", F_OK), 0);
}
END_TEST

START_TEST(socket_file_is_for_owner_and_group)
{
	struct stat st;

	umask(0);
	start();
	ck_assert_int_eq(stat("a.sock", &st), 0);
	ck_assert_int_eq(st.st_mode & 0777, 0660);
	stop();
}
END_TEST

START_TEST(socket_file_without_server_is_replaced)
{
	close(bind_unix("a.sock"));
	ck_assert_int_eq(access("a.sock", F_OK), 0);
	start();
	stop();
}
END_TEST

START_TEST(socket_in_use_is_an_error)
{
	int fd = bind_unix("a.sock");

	ck_assert_int_eq(exit_status(start_with(NULL)), 1);
	ck_assert(logged("address in use: a server answers"));
	ck_assert_int_eq(access("a.sock", F_OK), 0);
	close(fd);
}
END_TEST

START_TEST(socket_path_of_a_file_is_an_error)
{
	touch("a.sock", 42);
	ck_assert_int_eq(exit_status(start_with(NULL)), 1);
	ck_assert(logged("taken by another file"));
	ck_assert_int_eq(read_number("a.sock"), 42);
}
END_TEST

START_TEST(socket_file_of_a_successor_is_left)
{
	struct stat st;

	start();
	ck_assert_int_eq(rename("a.sock", "moved.sock"), 0);
	close(bind_unix("a.sock"));
	stop();
	ck_assert_int_eq(stat("a.sock", &st), 0);
}
END_TEST

static const char *const bad_addresses[] = {
	"unix:",
	"unix:missing-directory/a.sock",
	"unix:" /* 108 bytes */
	"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
	"127.0.0.1",
	"127.0.0.1:",
	"127.0.0.1:http?",
	"127.0.0.1:99999999",
	"no such host:1",
};

START_TEST(bad_address_is_an_error)
{
	setenv("A_LISTEN", bad_addresses[_i], 1);
	ck_assert_int_eq(exit_status(start_with(NULL)), 1);
	ck_assert(logged("cannot listen"));
}
END_TEST

static int
connect_tcp(in_port_t port)
{
	struct sockaddr_in sin = {
		.sin_family = AF_INET,
		.sin_port = port,
		.sin_addr = { htonl(INADDR_LOOPBACK) },
	};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (connect(fd, (struct sockaddr *)&sin, sizeof(sin)) == 0)
		return fd;
	close(fd);
	return -1;
}

START_TEST(tcp_address_is_served_and_in_use_for_others)
{
	struct sockaddr_in sin = {
		.sin_family = AF_INET,
		.sin_addr = { htonl(INADDR_LOOPBACK) },
	};
	socklen_t len = sizeof(sin);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	char address[32];
	struct who w;

	ck_assert_int_eq(bind(fd, (struct sockaddr *)&sin, len), 0);
	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&sin, &len), 0);
	close(fd);
	snprintf(address, sizeof(address), "127.0.0.1:%d", ntohs(sin.sin_port));
	setenv("A_LISTEN", address, 1);
	master = start_with(NULL);
	WAIT_FOR(read_who(ask_fd(connect_tcp(sin.sin_port), "who\n"), &w));

	ck_assert_int_eq(exit_status(start_with(NULL)), 1);
	ck_assert(logged("address in use"));
	stop();
}
END_TEST

static Suite *
make_suite(void)
{
	Suite *s = suite_create("master");
	TCase *tc = tcase_create("master");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, worker_that_dies_is_replaced_and_counted);
	tcase_add_test(tc, worker_that_keeps_dying_is_restarted_with_back_off);
	tcase_add_test(tc, workers_end_with_a_master_that_is_killed);
	tcase_add_test(tc, drain_finishes_what_is_served);
	tcase_add_test(tc, drain_past_the_deadline_kills);
	tcase_add_test(tc, drain_ignores_restart);
	tcase_add_test(tc, drain_is_known_to_workers);
	tcase_add_test(tc, drain_has_one_deadline);
	tcase_add_test(tc, systemd_is_told_of_each_state);
	tcase_add_test(tc, watchdog_is_quiet_while_all_make_progress);
	tcase_add_test(tc, restart_keeps_pid_and_socket_and_refuses_nobody);
	tcase_add_test(tc, restart_takes_the_replaced_binary);
	tcase_add_test(tc, restart_with_a_failing_check_changes_nothing);
	tcase_add_test(tc, restart_asked_for_many_times_settles);
	tcase_add_test(tc, restart_that_stalls_is_ended_by_the_next);
	tcase_add_test(tc, restart_that_stalls_can_be_stopped);
	tcase_add_test(tc, restart_keeps_the_deadline_of_the_drained);
	tcase_add_test(tc, sockets_of_systemd_are_matched_by_name);
	tcase_add_test(tc, sockets_of_systemd_without_names_go_by_order);
	tcase_add_test(tc, sockets_of_another_process_are_left_alone);
	tcase_add_test(
	    tc, descriptor_of_systemd_that_is_not_a_socket_is_an_error);
	tcase_add_test(tc, socket_on_descriptor_0_is_used);
	tcase_add_test(tc, socket_file_is_for_owner_and_group);
	tcase_add_test(tc, socket_file_without_server_is_replaced);
	tcase_add_test(tc, socket_in_use_is_an_error);
	tcase_add_test(tc, socket_path_of_a_file_is_an_error);
	tcase_add_test(tc, socket_file_of_a_successor_is_left);
	tcase_add_loop_test(
	    tc, bad_address_is_an_error, 0, COUNT_OF(bad_addresses));
	tcase_add_test(tc, tcp_address_is_served_and_in_use_for_others);
	suite_add_tcase(s, tc);
	return s;
}

int
main(int argc, char **argv)
{
	if (argc > 1 && str_eq(argv[1], "--check"))
		return access("check-fails", F_OK) == 0 ? 1 : 0;
	if (argc > 1 && str_eq(argv[1], "--serve"))
		return serve(argv);
	self = realpath("/proc/self/exe", NULL);
	return unit_run(make_suite());
}

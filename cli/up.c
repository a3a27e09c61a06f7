#include "up.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/str.h"

#include "database_choice.h"
#include "environment.h"
#include "file.h"
#include "lock.h"
#include "message.h"
#include "nginx.h"
#include "options.h"
#include "plan.h"
#include "postgres.h"
#include "record.h"
#include "settings.h"
#include "stack.h"
#include "start_options.h"
#include "supervisor.h"
#include "unknown_variables.h"
#include "upstream.h"

struct up {
	struct stack stack;
	struct environment secrets;
	struct plan plan;
	int64_t started_us;
	int port;
	const char *url;
	const char *env; /* absolute path of the file after --env; or NULL */
	const char *web; /* what is at "/"; NULL: what kedge.json says */
	const char *database; /* the word after --database; or NULL */
	bool force; /* listen, although there is no TLS in front */
	bool detach;
	int starter_fd; /* a pipe to the starting process; -1: there is none */
};

/*
 * Whether nginx will be able to listen on the port of an IPv4 address of this
 * host. If *port is 0, sets it to a port that is free now.
 */
static bool
check_port(const char *address, int *port)
{
	struct sockaddr_in in = {
		.sin_family = AF_INET,
		.sin_port = htons((uint16_t)*port),
	};
	socklen_t len = sizeof(in);
	const int on = 1;
	bool ok;
	int fd;

	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	/*
	 * nginx sets SO_REUSEADDR, too: closed connections to the port may
	 * still be in TIME_WAIT.
	 */
	ok = fd != -1 && inet_pton(AF_INET, address, &in.sin_addr) == 1 &&
	     setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == 0 &&
	     bind(fd, (const struct sockaddr *)&in, sizeof(in)) == 0 &&
	     listen(fd, 1) == 0 &&
	     getsockname(fd, (struct sockaddr *)&in, &len) == 0;
	if (ok)
		*port = ntohs(in.sin_port);
	else if (errno == EADDRINUSE)
		print_error("port %d of %s is in use; choose another with "
			    "--port",
		    *port, address);
	else
		print_error("cannot listen on port %d of %s: %s", *port,
		    address, strerror(errno));
	if (fd != -1)
		close(fd);
	return ok;
}

/*
 * A stack has no TLS: whoever reaches its port from another host sends
 * passwords in the clear, unless a proxy ends TLS.
 */
static bool
check_listen(const struct stack *s, bool force)
{
	const char *given = s->listen;
	struct in_addr address;

	if (given == NULL)
		return true;
	if (inet_pton(AF_INET, given, &address) != 1) {
		print_error("--listen %s: it must be an IPv4 address of this "
			    "host, or 0.0.0.0 for all of them",
		    given);
		return false;
	}
	if ((ntohl(address.s_addr) >> 24) == 127 || force ||
	    s->spec.ntrusted_proxies > 0)
		return true;
	print_error("--listen %s: passwords and cookies would cross the "
		    "network in the clear; put a proxy with TLS in front and "
		    "name it in KEDGE_TRUSTED_PROXIES (docs/PROXY.md), or add "
		    "--force",
	    given);
	return false;
}

/* Takes the settings, and refuses a change of databases that nobody meant. */
static bool
read_settings(struct up *u)
{
	struct stack *s = &u->stack;

	if (u->env != NULL && !settings_use(s->arena, u->env))
		return false;
	return settings_load(s->arena, &s->spec) &&
	       spec_take_proxies(s->arena, &s->spec) &&
	       check_listen(s, u->force) && unknown_variables_print_all(s) &&
	       database_choice_check(s, u->database);
}

static bool
prepare(struct up *u)
{
	struct stack *s = &u->stack;
	struct arena *a = s->arena;

	record_clear_leftovers(a, s->dir);
	if ((s->listen != NULL && !check_port(s->listen, &u->port)) ||
	    !check_port("127.0.0.1", &u->port))
		return false;
	u->url = arena_printf(a, "http://127.0.0.1:%d", u->port);
	if (!file_write(a, RECORD_PID_FILE, 0644,
		arena_printf(a, "%ld\n", (long)getpid())) ||
	    !file_write(
		a, RECORD_URL_FILE, 0644, arena_printf(a, "%s\n", u->url)) ||
	    !start_options_write(a,
		&(struct start_options){
		    .listen = s->listen, .web = u->web, .force = u->force }) ||
	    !environment_secrets(s, &u->secrets) ||
	    !environment_write(s, &u->secrets, u->port) ||
	    !nginx_write(s, u->port) ||
	    !plan_make(&u->plan, s, &u->secrets, u->port) ||
	    !database_choice_note(s))
		return false;
	return true;
}

/*
 * Sends further output to a log, and tells the starting process that it may
 * end.
 */
static void
detach_output(struct up *u)
{
	int in = open("/dev/null", O_RDONLY | O_CLOEXEC);
	int out = open(
	    "log/kedge.log", O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);

	if (in == -1 || out == -1 || dup2(in, STDIN_FILENO) == -1 ||
	    dup2(out, STDOUT_FILENO) == -1 || dup2(out, STDERR_FILENO) == -1)
		print_error("cannot open log/kedge.log: %s", strerror(errno));
	if (write(u->starter_fd, "", 1) == 1)
		close(u->starter_fd);
	u->starter_fd = -1;
}

/*
 * The address by which clients know auth, if a person has set another one than
 * the stack's own: that of a proxy in front. Otherwise NULL.
 */
static const char *
public_url(const struct up *u)
{
	const struct spec *spec = &u->stack.spec;
	const char *url = getenv(
	    arena_printf(u->stack.arena, "%s_URL", spec->verifier->variable));

	return url != NULL && !str_eq(url, u->url) ? url : NULL;
}

static const char *
hints(const struct up *u)
{
	const struct spec_service *wallet = spec_find(&u->stack.spec, "wallet");
	struct arena *a = u->stack.arena;
	const char *url = public_url(u);

	if (url != NULL)
		return arena_printf(a,
		    "Clients reach it by %s: let the proxy there pass requests "
		    "to\n%s, with the headers Host and X-Forwarded-For. Only "
		    "pages of\n%s may sign in.\n",
		    url, u->url, url);
	return arena_printf(a,
	    "Open it in a browser, or try:\n"
	    "  curl -s -c jar -H 'Origin: %s' \\\n"
	    "    -H 'Content-Type: application/json' \\\n"
	    "    -d '{\"name\":\"Ada\",\"email\":\"ada@example.com\","
	    "\"password\":\"correct horse battery\"}' \\\n"
	    "    %s/api/auth/sign-up/email\n"
	    "%s",
	    u->url, u->url,
	    wallet == NULL ? ""
			   : arena_printf(a, "  curl -s -b jar %s%saccounts\n",
				 u->url, wallet->locations[0].prefix));
}

/*
 * The applications in other languages that do not answer yet: "up" does not
 * start them.
 */
static const char *
missing_applications(const struct up *u)
{
	struct arena *a = u->stack.arena;
	const struct spec_service *service;
	const char *text = "";
	int i;

	for (i = 0; i < u->stack.spec.nservices; i++) {
		service = &u->stack.spec.services[i];
		if (!spec_is_own(service) && !upstream_answers(service))
			text = arena_printf(a,
			    "%s%s does not answer at %s yet: start it, and "
			    "%s will be served\n",
			    text, service->name, service->upstream.address,
			    service->locations[0].prefix);
	}
	return *text == '\0' ? text : arena_printf(a, "\n%s", text);
}

static void
announce(void *ctx)
{
	struct up *u = ctx;
	const char *cluster = postgres_linked_dir(u->stack.arena);

	print_message("Kedge is ready on %s (%.2f s)\n"
		      "\n"
		      "%s%s"
		      "\n"
		      "%s stops it; the data stays in %s%s%s",
	    u->url, (double)(clock_monotonic_us() - u->started_us) / 1e6,
	    hints(u), missing_applications(u),
	    u->detach ? arena_printf(u->stack.arena, "\"kedge down%s\"",
			    stack_dir_option(&u->stack))
		      : "Ctrl-C",
	    u->stack.dir, cluster != NULL ? " and " : "",
	    cluster != NULL ? cluster : "");
	if (u->starter_fd != -1)
		detach_output(u);
}

static int
run(struct up *u)
{
	struct supervisor supervisor;
	int status = 1;

	if (!lock_take(u->stack.dir, stack_dir_option(&u->stack)))
		return 1;
	if (read_settings(u) && prepare(u)) {
		supervisor = (struct supervisor){
			.arena = u->stack.arena,
			.dir = u->stack.dir,
			.url = u->url,
			.processes = u->plan.processes,
			.nprocesses = u->plan.nprocesses,
			.starter_fd = u->starter_fd,
			.ready = announce,
			.ctx = u,
		};
		status = supervisor_run(&supervisor);
	}
	record_remove();
	return status;
}

/*
 * In the starting process: waits until the background process is ready or has
 * ended.
 */
static int
wait_until_ready(int fd, pid_t pid)
{
	char byte;
	ssize_t n;
	int status;

	do
		n = read(fd, &byte, 1);
	while (n == -1 && errno == EINTR);
	if (n == 1)
		return 0;
	/*
	 * A background process that ended has printed an error itself, unless a
	 * signal killed it.
	 */
	if (waitpid(pid, &status, 0) == pid && WIFSIGNALED(status))
		print_error(
		    "the supervisor was killed by signal %d", WTERMSIG(status));
	return 1;
}

static int
run_detached(struct up *u)
{
	int fds[2];
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC) == -1) {
		print_error("cannot make a pipe: %s", strerror(errno));
		return 1;
	}
	pid = fork();
	if (pid == -1) {
		print_error(
		    "cannot fork into the background: %s", strerror(errno));
		return 1;
	}
	if (pid != 0) {
		close(fds[1]);
		return wait_until_ready(fds[0], pid);
	}
	close(fds[0]);
	(void)setsid();
	u->starter_fd = fds[1];
	return run(u);
}

/* Finds the file after --env, before the stack's directory is entered. */
static bool
find_env(struct arena *a, const char *given, const char **ret_path)
{
	char path[PATH_MAX];

	*ret_path = NULL;
	if (given == NULL)
		return true;
	if (realpath(given, path) == NULL) {
		print_error("--env %s: %s", given, strerror(errno));
		return false;
	}
	*ret_path = arena_strdup(a, path);
	return true;
}

/*
 * Finds the directory after --web, before the stack's directory is entered; an
 * address stays as it is.
 */
static bool
find_web(struct arena *a, const char *given, const char **ret_web)
{
	char path[PATH_MAX];

	*ret_web = given;
	if (given == NULL || strstr(given, "://") != NULL)
		return true;
	if (realpath(given, path) == NULL) {
		print_error("--web %s: %s", given, strerror(errno));
		return false;
	}
	*ret_web = arena_strdup(a, path);
	return true;
}

static bool
set_web(struct up *u)
{
	return u->web == NULL || spec_set_web(&u->stack.spec, u->web);
}

int
up_command(int argc, char **argv)
{
	struct arena *a = arena_new();
	struct options options;
	struct up *u = arena_alloc(a, sizeof(*u));
	int status = 1;

	u->started_us = clock_monotonic_us();
	u->starter_fd = -1;
	if (!options_read(&options, argc, argv,
		OPTIONS_DIR | OPTIONS_PORT | OPTIONS_DETACH | OPTIONS_ENV |
		    OPTIONS_DATABASE | OPTIONS_WEB | OPTIONS_LISTEN |
		    OPTIONS_FORCE,
		/* args_max= */ 0)) {
		status = OPTIONS_USAGE;
	} else if (find_env(a, options.env, &u->env) &&
		   find_web(a, options.web, &u->web) &&
		   stack_open(&u->stack, a, options.dir) && set_web(u) &&
		   stack_make(&u->stack)) {
		u->port = options.port;
		u->detach = options.detach;
		u->database = options.database;
		u->stack.listen = options.listen;
		u->force = options.force;
		status = u->detach ? run_detached(u) : run(u);
	}
	arena_free(a);
	return status;
}

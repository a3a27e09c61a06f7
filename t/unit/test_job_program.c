#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "unit.h"

#include "base/arena.h"
#include "base/attr.h"
#include "base/clock.h"
#include "capture.h"
#include "job/job.h"
#include "job/job_program.h"
#include "job/program_output.h"

enum { LIMIT_MS = 20000, LOG_SIZE = 1 << 20 };

static struct arena *a;
static struct job job;

/*
 * What the program has reported.  The functions below record it; they replace
 * those of the library.
 */
static struct {
	char failure[2048];
	char result[70000];
	int results;
	char progress[70000];
	int progresses;
	bool discarded;
	int answer_no_from; /* job_progress() fails in this call, counted from
	                       1; 0: never */
} told;

enum err
job_fail(struct job *j UNUSED, enum err e, const char *message)
{
	snprintf(told.failure, sizeof(told.failure), "%s", message);
	return e;
}

enum err
job_discard(struct job *j, const char *message)
{
	told.discarded = true;
	return job_fail(j, ERR_UNPROCESSABLE, message);
}

void
job_set_result(struct job *j UNUSED, const char *json)
{
	snprintf(told.result, sizeof(told.result), "%s", json);
	told.results++;
}

bool
job_report_progress(struct job *j UNUSED, const char *json)
{
	snprintf(told.progress, sizeof(told.progress), "%s", json);
	told.progresses++;
	return told.progresses != told.answer_no_from;
}

static void
set_up(void)
{
	a = arena_new();
	memset(&told, 0, sizeof(told));
	job = (struct job){
		.arena = a,
		.id = "01890000-0000-7000-8000-000000000001",
		.kind = "test.program",
		.attempt = 3,
		.max_attempts = 20,
		.request_id = "request-7",
	};
	signal(SIGPIPE, SIG_IGN);
}

static void
tear_down(void)
{
	arena_free(a);
}

/* Creates an executable file with the given text. */
static const char *
script(const char *text)
{
	char *path = arena_printf(a, "/tmp/test_job_program-%d", (int)getpid());
	int fd = open(path, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0700);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
	return path;
}

static enum err
run_path(const char *path, const char *payload, int64_t limit_ms,
    bool (*stop)(void *), void *ctx)
{
	enum err e = job_program_run(&job, path, payload, limit_ms, stop, ctx);

	/* No child process is left, not even a zombie. */
	ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1);
	unlink(path);
	return e;
}

static enum err
run(const char *text)
{
	return run_path(script(text), "{}", LIMIT_MS, NULL, NULL);
}

START_TEST(result_and_progress_are_passed_to_the_job)
{
	ck_assert_int_eq(
	    run("#!/bin/sh\n"
		"echo '{\"progress\": {\"percent\": 50}}'\n"
		"echo '{\"result\": {\"sum\": 3, \"of\": [1, 2]}}'\n"),
	    ERR_OK);
	ck_assert_str_eq(told.progress, "{\"percent\":50}");
	ck_assert_str_eq(told.result, "{\"sum\":3,\"of\":[1,2]}");
}
END_TEST

START_TEST(last_line_without_newline_is_read)
{
	ck_assert_int_eq(run("#!/bin/sh\nprintf '{\"result\": 7}'\n"), ERR_OK);
	ck_assert_str_eq(told.result, "7");
}
END_TEST

START_TEST(line_that_arrives_in_pieces_is_one_line)
{
	ck_assert_int_eq(run("#!/bin/sh\nprintf '{\"res'; sleep 0.05;"
			     " printf 'ult\": '; sleep 0.05; echo '8}'\n"),
	    ERR_OK);
	ck_assert_str_eq(told.result, "8");
}
END_TEST

START_TEST(payload_is_on_standard_input)
{
	char *payload = arena_alloc(a, 200001);

	/*
	 * The payload is larger than a pipe's buffer, so writing it must wait
	 * for the program.
	 */
	memset(payload, 'x', 200000);
	ck_assert_int_eq(
	    run_path(script("#!/bin/sh\nsleep 0.1\n"
			    "echo \"{\\\"result\\\": $(wc -c)}\"\n"),
		payload, LIMIT_MS, NULL, NULL),
	    ERR_OK);
	ck_assert_str_eq(told.result, "200000");
}
END_TEST

START_TEST(payload_may_stay_unread)
{
	char *payload = arena_alloc(a, 200001);

	memset(payload, 'x', 200000);
	ck_assert_int_eq(run_path(script("#!/bin/sh\nexec <&-; sleep 0.2\n"),
			     payload, LIMIT_MS, NULL, NULL),
	    ERR_OK);
}
END_TEST

START_TEST(environment_has_only_the_documented_variables)
{
	setenv("WALLET_DATABASE_URL", "a secret", 1);
	ck_assert_int_eq(
	    run("#!/bin/sh\nE=$(env | cut -d= -f1 | grep -v -e '^_$' -e PWD"
		" -e SHLVL | sort | tr '\\n' ' ')\n"
		"echo \"{\\\"result\\\": \\\"$E$KEDGE_JOB_ID $KEDGE_JOB_KIND"
		" $KEDGE_JOB_ATTEMPT $KEDGE_REQUEST_ID\\\"}\"\n"),
	    ERR_OK);
	ck_assert_str_eq(told.result,
	    "\"KEDGE_JOB_ATTEMPT KEDGE_JOB_ID KEDGE_JOB_KIND"
	    " KEDGE_JOB_MAX_ATTEMPTS KEDGE_REQUEST_ID LANG PATH TZ"
	    " 01890000-0000-7000-8000-000000000001 test.program 3"
	    " request-7\"");
}
END_TEST

START_TEST(traceparent_continues_the_trace_of_the_job)
{
	const char *trace_id = "4bf92f3577b34da6a3ce929d0e0e4736";

	job.trace_id = trace_id;
	ck_assert_int_eq(run("#!/bin/sh\n"
			     "echo \"{\\\"result\\\": \\\"$TRACEPARENT "
			     "$KEDGE_TRACE_ID\\\"}\"\n"),
	    ERR_OK);
	ck_assert_str_eq(
	    told.result + 53, arena_printf(a, "-01 %s\"", trace_id));
	ck_assert_int_eq(
	    strncmp(told.result, arena_printf(a, "\"00-%s-", trace_id), 37), 0);
}
END_TEST

START_TEST(program_inherits_no_descriptor)
{
	int fd = open("/dev/null", O_RDONLY); /* has no close-on-exec flag, so a
	                                         program would inherit it */
	int high = fcntl(fd, F_DUPFD, 500);

	ck_assert_int_ge(high, 500);
	/*
	 * The program has descriptors 0 to 2 only; 3 is the directory that ls
	 * itself reads.
	 */
	ck_assert_int_eq(run("#!/bin/sh\nF=$(ls /proc/self/fd | tr '\\n' ' ')\n"
			     "echo \"{\\\"result\\\": \\\"$F\\\"}\"\n"),
	    ERR_OK);
	close(fd);
	close(high);
	ck_assert_str_eq(told.result, "\"0 1 2 3 \"");
}
END_TEST

START_TEST(program_starts_with_default_signals)
{
	sigset_t mask, old;

	sigfillset(&mask);
	sigprocmask(SIG_BLOCK, &mask, &old);
	ck_assert_int_eq(
	    run("#!/bin/sh\nM=$(grep -E '^Sig(Blk|Ign)' /proc/self/status"
		" | cut -f2 | tr '\\n' ' ')\n"
		"echo \"{\\\"result\\\": \\\"$M\\\"}\"\n"),
	    ERR_OK);
	sigprocmask(SIG_SETMASK, &old, NULL);
	ck_assert_str_eq(told.result, "\"0000000000000000 0000000000000000 \"");
}
END_TEST

static const struct {
	const char *text;
	enum err e;
	bool discarded;
	const char *failure;
} failures[] = {
	{ "echo '{\"error\": \"no such thing\"}'; echo noise >&2; exit 1",
	    ERR_INTERNAL, false, "no such thing" },
	{ "echo one >&2; echo two >&2; exit 7", ERR_INTERNAL, false,
	    "one\ntwo" },
	{ "exit 7", ERR_INTERNAL, false, "exit status 7" },
	{ "echo '{\"error\": \"never\"}'; exit 100", ERR_UNPROCESSABLE, true,
	    "never" },
	{ "exit 100", ERR_UNPROCESSABLE, true, "exit status 100" },
	{ "kill -SEGV $$", ERR_INTERNAL, false, "killed by SIGSEGV" },
	{ "echo dying >&2; kill -KILL $$", ERR_INTERNAL, false,
	    "killed by SIGKILL: dying" },
	{ "printf 'caf\\303\\251 \\377\\001' >&2; exit 1", ERR_INTERNAL, false,
	    "caf\303\251 ?\?" },
	{ "head -c 73800 /dev/zero | tr '\\0' x", ERR_INTERNAL, false,
	    "it printed a line longer than 72 KiB" },
	{ "printf '{\"result\": \"'; head -c 65600 /dev/zero | tr '\\0' x;"
	  " echo '\"}'",
	    ERR_INTERNAL, false, "its result is larger than 64 KiB" },
};

START_TEST(exit_status_and_signal_become_the_error)
{
	const char *text =
	    arena_printf(a, "#!/bin/sh\n%s\n", failures[_i].text);
	enum err e = run(text);

	ck_assert_str_eq(told.failure, failures[_i].failure);
	ck_assert_int_eq(told.discarded, failures[_i].discarded);
	if (failures[_i].e == ERR_UNPROCESSABLE)
		ck_assert_int_eq(e, ERR_UNPROCESSABLE);
	else /* depends on whether the output is read before or after the
	        program's end */
		ck_assert(e == ERR_INTERNAL || e == ERR_UNAVAILABLE);
}
END_TEST

START_TEST(file_that_cannot_be_executed_fails)
{
	ck_assert_int_eq(job_program_run(&job, "/nonexistent/program", "{}",
			     LIMIT_MS, NULL, NULL),
	    ERR_INTERNAL);
	ck_assert_str_eq(
	    told.failure, "cannot execute: No such file or directory");
}
END_TEST

START_TEST(error_line_with_status_0_is_no_failure)
{
	ck_assert_int_eq(
	    run("#!/bin/sh\necho '{\"error\": \"hm\"}'\n"), ERR_OK);
	ck_assert_str_eq(told.failure, "");
}
END_TEST

START_TEST(unknown_lines_are_ignored)
{
	ck_assert_int_eq(run("#!/bin/sh\necho hello\necho '{\"x\": 1}'\n"
			     "echo '[1]'\necho '{\"result\": 1, \"result\": 2}'"
			     "\necho\necho '{\"result\": 5}'\n"),
	    ERR_OK);
	ck_assert_str_eq(told.result, "5");
}
END_TEST

START_TEST(standard_error_is_logged_up_to_a_limit)
{
	char *log = malloc(LOG_SIZE);
	struct capture c;
	int lines = 0;
	enum err e;

	capture_begin(&c);
	e = run("#!/bin/sh\necho 'it \"says\" this' >&2\n"
		"i=0; while [ $i -lt 5000 ]; do echo line $i; i=$((i+1));"
		" done >&2\necho last words >&2; exit 3\n");
	capture_end(&c, log, LOG_SIZE);
	ck_assert_int_eq(e, ERR_INTERNAL);
	ck_assert_ptr_nonnull(strstr(log, "it \\\"says\\\" this"));
	ck_assert_ptr_nonnull(strstr(log, "(further lines are not logged)"));
	for (const char *s = log; (s = strchr(s, '\n')) != NULL; s++)
		lines++;
	ck_assert_int_eq(lines, PROGRAM_LOG_LINES + 1);
	/*
	 * The error message contains the last lines of standard error, which
	 * are not logged.
	 */
	ck_assert_ptr_nonnull(strstr(told.failure, "line 4999\nlast words"));
	free(log);
}
END_TEST

START_TEST(progress_is_stored_five_times_a_second_at_most)
{
	ck_assert_int_eq(
	    run("#!/bin/sh\ni=0; while [ $i -lt 3000 ]; do"
		" echo \"{\\\"progress\\\": $i}\"; i=$((i+1)); done\n"),
	    ERR_OK);
	ck_assert_int_lt(told.progresses, 1000);
	/* The last progress report is always stored. */
	ck_assert_str_eq(told.progress, "2999");
}
END_TEST

START_TEST(last_of_many_results_is_stored)
{
	ck_assert_int_eq(
	    run("#!/bin/sh\ni=0; while [ $i -lt 3000 ]; do"
		" echo \"{\\\"result\\\": $i}\"; i=$((i+1)); done\n"),
	    ERR_OK);
	ck_assert_int_eq(told.results, 1);
	ck_assert_str_eq(told.result, "2999");
}
END_TEST

static const struct {
	const char *line;
	const char *failure;
} unreadable[] = {
	{ "{\"result\":{\"n\":18446744073709551616}}", "number" },
	{ "{\"result\": NaN}", "" },
	{ "{\"result\": \"a\\\\u0000\"}", "NUL" },
	{ "{\"result\": \"\\\\ud800\"}", "" },
	{ "  {\"progress\": 1, \"result\": [1, }", "" },
};

START_TEST(result_that_is_not_valid_json_fails)
{
	ck_assert_int_eq(
	    run(arena_printf(
		a, "#!/bin/sh\nprintf '%%b\\n' '%s'\n", unreadable[_i].line)),
	    ERR_INTERNAL);
	ck_assert_ptr_eq(
	    strstr(told.failure, "result is not valid: "), told.failure);
	ck_assert_msg(strstr(told.failure, unreadable[_i].failure) != NULL,
	    "%s", told.failure);
}
END_TEST

/* Returns the peak memory of this process in KiB. */
static long
most_memory(void)
{
	struct rusage usage;

	ck_assert_int_eq(getrusage(RUSAGE_SELF, &usage), 0);
	return usage.ru_maxrss;
}

START_TEST(much_standard_error_uses_little_memory)
{
	long before = most_memory();
	struct capture c;
	char log[256];

	/*
	 * The program writes many empty lines, then more lines than are logged.
	 */
	capture_begin(&c);
	ck_assert_int_eq(
	    run("#!/bin/sh\nyes '' | head -c 6000000 >&2\n"
		"yes 'more than are logged' | head -c 20000000 >&2\n"),
	    ERR_OK);
	capture_end(&c, log, sizeof(log));
	ck_assert_int_lt(most_memory() - before, 30000);
}
END_TEST

START_TEST(too_much_output_ends_the_program)
{
	/*
	 * The program starts yes(1), which never ends by itself, so only the
	 * time limit can end it.
	 */
	ck_assert_int_ne(
	    run("#!/bin/sh\nexec yes '{\"progress\": 1}'\n"), ERR_OK);
	ck_assert_str_eq(told.failure, "it printed more than 16 MiB");
}
END_TEST

/*
 * Returns the milliseconds until no process holds the lock on the file; -1: it
 * took too long.
 */
static int64_t
wait_for_lock(const char *path)
{
	int64_t start_us = clock_monotonic_us(), us;
	char *command = arena_printf(a, "flock -w 5 %s true", path);
	int status = system(command);

	us = clock_monotonic_us() - start_us;
	return status == 0 ? us / 1000 : -1;
}

/*
 * Returns a program that leaves a descendant process, which holds a lock until
 * it is killed.
 */
static const char *
with_descendant(const char *rest)
{
	return arena_printf(a,
	    "#!/bin/sh\n"
	    "(trap '' TERM; exec flock /tmp/test_job_program.lock-%d"
	    " sh -c \"trap '' TERM; echo '{\\\"progress\\\": \\\"locked\\\"}';"
	    " sleep 600\") &\n%s\n",
	    (int)getpid(), rest);
}

static const char *
lock_path(void)
{
	return arena_printf(a, "/tmp/test_job_program.lock-%d", (int)getpid());
}

START_TEST(time_limit_ends_the_whole_process_group)
{
	int64_t start_us = clock_monotonic_us(), ms;

	ck_assert_int_eq(
	    run_path(script(with_descendant("wait")), "{}", 1000, NULL, NULL),
	    ERR_UNAVAILABLE);
	ms = (clock_monotonic_us() - start_us) / 1000;
	ck_assert_str_eq(told.failure, "time limit of 1 s exceeded");
	ck_assert_str_eq(told.progress, "\"locked\"");
	ck_assert_int_ge(ms, 1000);
	ck_assert_int_lt(ms, 1000 + PROGRAM_GRACE_MS);
	ck_assert_int_ge(wait_for_lock(lock_path()), 0);
	unlink(lock_path());
}
END_TEST

START_TEST(program_that_ignores_sigterm_is_killed)
{
	int64_t start_us = clock_monotonic_us(), ms;

	ck_assert_int_eq(run_path(script("#!/bin/sh\ntrap '' TERM\n"
					 "while :; do sleep 0.1; done\n"),
			     "{}", 500, NULL, NULL),
	    ERR_UNAVAILABLE);
	ms = (clock_monotonic_us() - start_us) / 1000;
	ck_assert_int_ge(ms, 500 + PROGRAM_GRACE_MS);
	ck_assert_int_lt(ms, 500 + PROGRAM_GRACE_MS + 1500);
}
END_TEST

START_TEST(program_that_handles_sigterm_has_time_to_clean_up)
{
	struct capture c;
	char log[4096];
	enum err e;

	capture_begin(&c);
	e = run_path(script("#!/bin/sh\n"
			    "trap 'echo tidied up >&2; exit 0' TERM\n"
			    "sleep 60 & wait\n"),
	    "{}", 500, NULL, NULL);
	capture_end(&c, log, sizeof(log));
	/* A program over its time limit fails, even if its exit status is 0. */
	ck_assert_int_eq(e, ERR_UNAVAILABLE);
	ck_assert_str_eq(told.failure, "time limit of 1 s exceeded");
	ck_assert_ptr_nonnull(strstr(log, "tidied up"));
}
END_TEST

static bool
stop_third(void *ctx)
{
	return ++*(int *)ctx >= 3;
}

START_TEST(stop_function_ends_the_program)
{
	int asked = 0;

	ck_assert_int_eq(run_path(script("#!/bin/sh\nsleep 600\n"), "{}",
			     LIMIT_MS, stop_third, &asked),
	    ERR_UNAVAILABLE);
	ck_assert_str_eq(told.failure, "told to stop");
	ck_assert_int_eq(asked, 3);
}
END_TEST

START_TEST(lost_job_ends_the_program)
{
	told.answer_no_from = 2;
	ck_assert_int_eq(run("#!/bin/sh\nwhile :; do echo '{\"progress\": 1}';"
			     " sleep 0.1; done\n"),
	    ERR_UNAVAILABLE);
	ck_assert_str_eq(told.failure, "told to stop");
	ck_assert_int_eq(told.progresses, 2);
}
END_TEST

START_TEST(processes_that_outlive_the_leader_are_killed)
{
	/*
	 * If the descendant were not killed, it would hold the program's pipes
	 * open for ten minutes.
	 */
	ck_assert_int_eq(run(with_descendant("sleep 0.3")), ERR_OK);
	ck_assert_int_ge(wait_for_lock(lock_path()), 0);
	unlink(lock_path());
}
END_TEST

START_TEST(death_of_the_worker_ends_the_process_group)
{
	const char *path = script(with_descendant("wait"));
	int fds[2], status;
	char byte;
	pid_t pid;

	ck_assert_int_eq(pipe2(fds, O_CLOEXEC), 0);
	pid = fork();
	if (pid == 0) {
		(void)!job_program_run(&job, path, "{}", 0, NULL, NULL);
		_exit(1);
	}
	/* `flock -n` fails as soon as the descendant has the lock. */
	for (int i = 0; i < 500; i++) {
		if (system(arena_printf(a, "flock -n %s true", lock_path())) !=
		    0)
			break;
		usleep(10000);
	}
	ck_assert_int_ne(
	    system(arena_printf(a, "flock -n %s true", lock_path())), 0);
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	close(fds[1]);
	ck_assert_int_eq(read(fds[0], &byte, 1), 0);
	close(fds[0]);
	ck_assert_int_ge(wait_for_lock(lock_path()), 0);
	unlink(lock_path());
	unlink(path);
}
END_TEST

static Suite *
suite(void)
{
	Suite *s = suite_create("job_program");
	TCase *t = tcase_create("run");

	tcase_add_checked_fixture(t, set_up, tear_down);
	tcase_set_timeout(t, 60);
	tcase_add_test(t, result_and_progress_are_passed_to_the_job);
	tcase_add_test(t, last_line_without_newline_is_read);
	tcase_add_test(t, line_that_arrives_in_pieces_is_one_line);
	tcase_add_test(t, payload_is_on_standard_input);
	tcase_add_test(t, payload_may_stay_unread);
	tcase_add_test(t, environment_has_only_the_documented_variables);
	tcase_add_test(t, traceparent_continues_the_trace_of_the_job);
	tcase_add_test(t, program_inherits_no_descriptor);
	tcase_add_test(t, program_starts_with_default_signals);
	tcase_add_loop_test(t, exit_status_and_signal_become_the_error, 0,
	    (int)COUNT_OF(failures));
	tcase_add_test(t, file_that_cannot_be_executed_fails);
	tcase_add_test(t, error_line_with_status_0_is_no_failure);
	tcase_add_test(t, unknown_lines_are_ignored);
	tcase_add_test(t, standard_error_is_logged_up_to_a_limit);
	tcase_add_test(t, progress_is_stored_five_times_a_second_at_most);
	tcase_add_test(t, last_of_many_results_is_stored);
	tcase_add_loop_test(t, result_that_is_not_valid_json_fails, 0,
	    (int)COUNT_OF(unreadable));
	tcase_add_test(t, much_standard_error_uses_little_memory);
	tcase_add_test(t, too_much_output_ends_the_program);
	tcase_add_test(t, time_limit_ends_the_whole_process_group);
	tcase_add_test(t, program_that_ignores_sigterm_is_killed);
	tcase_add_test(t, program_that_handles_sigterm_has_time_to_clean_up);
	tcase_add_test(t, stop_function_ends_the_program);
	tcase_add_test(t, lost_job_ends_the_program);
	tcase_add_test(t, processes_that_outlive_the_leader_are_killed);
	tcase_add_test(t, death_of_the_worker_ends_the_process_group);
	suite_add_tcase(s, t);
	return s;
}

int
main(void)
{
	return unit_run(suite());
}

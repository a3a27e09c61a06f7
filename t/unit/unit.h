/* unit: runs the tests of one module and prints TAP for prove. */
#ifndef UNIT_H
#define UNIT_H

#include <check.h>
#include <unistd.h>

static inline int
unit_run_as(Suite *suite, enum fork_status fork_status)
{
	SRunner *runner = srunner_create(suite);
	int nfailed;

	srunner_set_fork_status(runner, fork_status);
	srunner_set_tap(runner, "-");
	srunner_run_all(runner, CK_SILENT);
	nfailed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return nfailed != 0;
}

/*
 * Runs each test in a process of its own, and prints TAP; returns the result of
 * main().
 */
static inline int
unit_run(Suite *suite)
{
	return unit_run_as(suite, CK_FORK_GETENV);
}

/*
 * Runs all tests in this process, as those must that stop and start a server
 * (servers.h).  check cannot end a test that hangs there, so the process is
 * killed when the tests take longer than seconds_max.
 */
static inline int
unit_run_here(Suite *suite, unsigned seconds_max)
{
	alarm(seconds_max);
	return unit_run_as(suite, CK_NOFORK);
}

#endif

/* unit: runs the tests of one module and prints TAP for prove. */
#ifndef UNIT_H
#define UNIT_H

#include <check.h>

/* Runs the tests and prints TAP; returns the result of main(). */
static inline int
unit_run(Suite *suite)
{
	SRunner *runner = srunner_create(suite);
	int nfailed;

	srunner_set_tap(runner, "-");
	srunner_run_all(runner, CK_SILENT);
	nfailed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return nfailed != 0;
}

#endif

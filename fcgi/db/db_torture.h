/*
 * db_torture: makes statements fail on purpose, so that a test can fail the
 * first one, then the second, and demand each time that nothing is half done.
 */
#ifndef DB_DB_TORTURE_H
#define DB_DB_TORTURE_H

#include <stdbool.h>

/*
 * The n-th statement of this process from now (1: the next; a COMMIT counts)
 * answers ERR_UNAVAILABLE without being sent.  0 disarms.
 */
void db_fail_statement(int n);
/* True until that statement has come: then the loop over n is over. */
bool db_fail_pending(void);

#endif

/*
 * db_fault: fault injection for tests.  A test makes the first statement fail,
 * then the second, and so on, and checks each time that nothing is left half
 * done.
 */
#ifndef DB_DB_FAULT_H
#define DB_DB_FAULT_H

#include <stdbool.h>

/*
 * The n-th statement of this process from now (1: the next; a COMMIT counts)
 * returns ERR_UNAVAILABLE without being sent.  0 cancels the fault.
 */
void db_fault_statement(int n);
/*
 * True while that statement has not been reached: a loop over n is then
 * complete.
 */
bool db_fault_pending(void);

#endif

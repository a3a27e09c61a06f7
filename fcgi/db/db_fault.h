/*
 * db_fault: lets a test make a statement fail.  A test makes the first
 * statement fail, then the second, and so on, and checks each time that nothing
 * is left half done.
 */
#ifndef DB_DB_FAULT_H
#define DB_DB_FAULT_H

#include <stdbool.h>

/*
 * Makes the n-th statement of this process from now on return ERR_UNAVAILABLE
 * without being sent.  1 is the next statement; a COMMIT counts, too.  0
 * cancels the fault.
 */
void db_fault_statement(int n);
/*
 * True while the n-th statement has not been reached.  If that is so at the end
 * of an operation, the operation has fewer than n statements, and a test's loop
 * over n is complete.
 */
bool db_fault_pending(void);

#endif

/*
 * database_choice: whether a service uses the stack's private database or one
 * that a variable names, and whether that was so at the last start, too.
 *
 * A start on another database than the last time looks like a loss of all data,
 * and signs everybody out. So it needs the option --database.
 */
#ifndef CLI_DATABASE_CHOICE_H
#define CLI_DATABASE_CHOICE_H

#include <stdbool.h>

#include "base/attr.h"

#include "stack.h"

/*
 * Compares with the last start. `word` is the value of --database: "private" or
 * "given", which says that all services that change use the private or the
 * given databases from now on; NULL: there was no such option. False: a
 * database changes without this option, or the word is "private" and a variable
 * names a database; an error was printed.
 */
MUST_CHECK bool database_choice_check(const struct stack *s, const char *word);
/* Notes the databases of this start. False: an error was printed. */
MUST_CHECK bool database_choice_note(const struct stack *s);

#endif

/*
 * plugin_check: checks at start that no two plugins claim the same name, and
 * that each plugin claims only names that it may have.
 */
#ifndef AUTH_PLUGIN_CHECK_H
#define AUTH_PLUGIN_CHECK_H

#include <stdbool.h>

#include "auth/plugin.h"
#include "base/attr.h"

enum { PLUGIN_PROBLEM_MAX = 256 };

/* Writes the problem; always false, for `return plugin_complain(...)`. */
bool plugin_complain(char problem[PLUGIN_PROBLEM_MAX], const char *fmt, ...)
    PRINTF(2, 3);
/*
 * Checks plugins; the first `ncore` are auth's own parts.  False: two of them
 * claim the same name, path, column, member, claim, cookie, variable or job, or
 * the same refusal code with different texts; or one claims a name that is not
 * its own.  *ret_problem says which, in a sentence.
 */
MUST_CHECK bool plugin_check_all(const struct auth_plugin *const *all,
    size_t nall, size_t ncore, char ret_problem[PLUGIN_PROBLEM_MAX]);

#endif

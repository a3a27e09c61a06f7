/*
 * adopt_check: whether settings of a BetterAuth server mean the same to auth:
 * its address, and the fields of the application.
 */
#ifndef CLI_ADOPT_CHECK_H
#define CLI_ADOPT_CHECK_H

struct adopt_facts;
struct adopt_findings;
struct stack;

/*
 * Cuts an address to its origin, for AUTH_URL. NULL: the address cannot be
 * AUTH_URL; the findings have the reason. `name` is the option or the variable
 * that has it.
 */
const char *adopt_check_url(const struct adopt_facts *f, const char *name,
    const char *url, struct adopt_findings *found);
/*
 * Lets auth read its settings that are in the environment already, and compares
 * AUTH_ADDITIONAL_FIELDS with the columns. What is wrong is added to the
 * findings as a reason to stop.
 */
void adopt_check_settings(const struct stack *s, const struct adopt_facts *f,
    struct adopt_findings *found);
/*
 * Returns a parameter of the connection string that only Prisma knows; NULL:
 * the string has no such parameter.
 */
const char *adopt_check_prisma(const char *url);

#endif

/*
 * unknown_variables: variables that are set and have a service's prefix, but
 * which the service does not have, such as a misspelled one. They are named
 * with the one that was probably meant; it is no error, because other programs
 * may have variables with the same prefix.
 */
#ifndef CLI_UNKNOWN_VARIABLES_H
#define CLI_UNKNOWN_VARIABLES_H

#include <stdbool.h>

#include "base/attr.h"

#include "stack.h"

struct variable_list;

/* Prints those of one service. */
void unknown_variables_print(const struct stack *s,
    const struct spec_service *service, const struct variable_list *list);
/*
 * Prints those of all services. Only the binaries of services of which any
 * variable is set are asked. False: a binary cannot be asked; an error was
 * printed.
 */
MUST_CHECK bool unknown_variables_print_all(const struct stack *s);

#endif

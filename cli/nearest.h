/* nearest: finds the name that a person who misspelled it probably meant. */
#ifndef CLI_NEAREST_H
#define CLI_NEAREST_H

/*
 * Returns the name of the list that can be made from `name` with the fewest
 * inserted, removed, replaced or swapped characters; NULL when even that one
 * differs in more than a third of its characters. NULL ends the list.
 */
const char *nearest_name(const char *const *names, const char *name);

#endif

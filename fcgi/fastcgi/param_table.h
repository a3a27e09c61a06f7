/*
 * param_table: the parameters of a request, found by name.
 *
 * A request has some forty parameters, of which a handler reads up to twenty,
 * so they are in a hash table.  nginx never sends more than PARAM_TABLE_MAX; if
 * there are more, they are searched one by one.
 */
#ifndef FASTCGI_PARAM_TABLE_H
#define FASTCGI_PARAM_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;

enum {
	PARAM_TABLE_SIZE = 512, /* a power of two, twice PARAM_TABLE_MAX */
	PARAM_TABLE_MAX = 256,
};

struct param_table {
	const char **list; /* "NAME=value", ended by NULL */
	bool indexed;
	bool unique; /* no name occurs twice; false: not known */
	uint32_t name_lens[PARAM_TABLE_MAX];
	/*
	 * A hash table.  An entry is a position in the list, plus one; 0:
	 * empty.
	 */
	uint16_t index[PARAM_TABLE_SIZE];
};

/*
 * Takes a list of n strings and a NULL, which must live as long as the table.
 * Several parameters HTTP_COOKIE are joined into one; the list then refers to a
 * string in the arena.
 */
void param_table_init(
    struct param_table *t, struct arena *a, const char **list, size_t n);
/* The value of the first parameter with that name, or NULL. */
const char *param_table_find(const struct param_table *t, const char *name);
/* Replaces the parameter `name`, which must exist, by `param`, "NAME=value". */
void
param_table_replace(struct param_table *t, const char *name, const char *param);

#endif

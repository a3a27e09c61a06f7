/*
 * arena: memory for one request, freed as a whole when the request ends.
 *
 * An allocation never returns NULL: when malloc() fails, the process aborts.
 * The size of a request is limited when it is read, so malloc() fails only if
 * the machine has no memory left.
 */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"

struct arena;

struct arena *arena_new(void);
/*
 * Returns zeroed memory that is aligned for any type.  A size of 0 gives a
 * valid pointer.
 */
void *arena_alloc(struct arena *a, size_t size_bytes);
/*
 * Enlarges the allocation `p` from size_bytes to new_bytes and returns its
 * address: the same one if it is the latest allocation and its block has room,
 * otherwise that of a copy (the memory at `p` then stays readable).  The added
 * bytes are zero.  With size_bytes 0, `p` may be NULL: then this is
 * arena_alloc().
 */
void *arena_grow(struct arena *a, void *p, size_t size_bytes, size_t new_bytes);
char *arena_strdup(struct arena *a, const char *s);
/* Copies the first len bytes of `s` and appends a NUL. */
char *arena_strndup(struct arena *a, const char *s, size_t len);
enum { ARENA_JOIN_MAX = 8 };
/*
 * Concatenates `n` texts (at most ARENA_JOIN_MAX); faster than arena_printf().
 */
char *arena_join(struct arena *a, const char *const *texts, size_t n);
char *arena_printf(struct arena *a, const char *fmt, ...) PRINTF(2, 3);
char *arena_vprintf(struct arena *a, const char *fmt, va_list args)
    PRINTF(2, 0);
/* Returns n as decimal text. */
char *arena_i64(struct arena *a, int64_t n);
/*
 * Makes arena_reset() call release(obj), for an object such as a PGresult that
 * is not in the arena.  The object registered last is released first.
 */
void arena_defer(struct arena *a, void (*release)(void *), void *obj);
/*
 * Calls the registered release functions and frees all allocations.  Only the
 * first block is kept, so that an idle thread holds little memory.
 */
void arena_reset(struct arena *a);
void arena_free(struct arena *a); /* resets the arena first; NULL is allowed */

#endif

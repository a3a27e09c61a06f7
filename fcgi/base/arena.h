/*
 * arena: memory that lives exactly as long as one request.  Never NULL: input
 * is bounded at the door, so running out means the machine is; then we abort.
 */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <stddef.h>
#include <stdint.h>

#include "base/attr.h"

struct arena;

struct arena *arena_new(void);
/* Zeroed, aligned for any type.  A size of 0 gives a valid pointer. */
void *arena_alloc(struct arena *a, size_t size_bytes);
/*
 * Gives the last size_bytes allocation room for new_bytes, in place when
 * nothing was allocated since, else as a copy; the old bytes stay readable.
 * What is added is zeroed.
 */
void *arena_grow(struct arena *a, void *p, size_t size_bytes, size_t new_bytes);
char *arena_strdup(struct arena *a, const char *s);
/* Copies len bytes and adds a NUL. */
char *arena_strndup(struct arena *a, const char *s, size_t len);
enum { ARENA_JOIN_MAX = 8 };
/* At most ARENA_JOIN_MAX texts, one after the other; for where formatting would
 * take too long. */
char *arena_join(struct arena *a, const char *const *texts, size_t n);
char *arena_printf(struct arena *a, const char *fmt, ...) PRINTF(2, 3);
/* The number's decimal digits. */
char *arena_i64(struct arena *a, int64_t n);
/* Calls release(obj) at reset, newest first: PGresult, parsed JSON, ... */
void arena_defer(struct arena *a, void (*release)(void *), void *obj);
/*
 * Releases what was deferred and forgets all allocations.  Keeps its first
 * block only, so an idle thread holds little whatever its last request did.
 */
void arena_reset(struct arena *a);
void arena_free(struct arena *a); /* resets first; NULL is fine */

#endif

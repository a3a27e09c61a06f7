/* verdict: the answers of the verify pool, which nobody may keep. */
#ifndef AUTH_VERDICT_H
#define AUTH_VERDICT_H

#include "base/err.h"

struct req;

/* An answer without a body. */
enum err verdict_answer(struct req *r, int status);
/*
 * For the access line: what was refused, and why.  Only what is refused here
 * has one.
 */
void verdict_note(struct req *r, const char *reason);
/* The answer that is no yes; the log says why: `reason`, see README.md. */
enum err verdict_deny(struct req *r, int status, const char *reason);

#endif

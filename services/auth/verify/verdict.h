/* verdict: the responses of the verify pool, which must not be cached. */
#ifndef AUTH_VERDICT_H
#define AUTH_VERDICT_H

#include "base/err.h"

struct req;

/* Sends a response without a body. */
enum err verdict_answer(struct req *r, int status);
/*
 * Adds to the access line what was refused and why.  verify writes an access
 * line for refused requests only.
 */
void verdict_note(struct req *r, const char *reason);
/*
 * The response of a refusal; the log has its `reason`, see README.md, and nginx
 * has it from the header Kedge-Refusal, for the text of its answer.
 */
enum err verdict_deny(struct req *r, int status, const char *reason);

#endif

/*
 * backup_codes: codes that replace the app once each, "aB3dE-fG7hJ".  They are
 * stored as an encrypted JSON array, without those that have been used.
 */
#ifndef AUTH_BACKUP_CODES_H
#define AUTH_BACKUP_CODES_H

#include "base/attr.h"
#include "base/err.h"
#include "web/schema.h"

struct arena;
struct auth;

enum { BACKUP_CODES = 10 };

struct strings backup_codes_new(struct arena *a);
const char *backup_codes_write(
    const struct auth *auth, struct arena *a, const struct strings *codes);
/*
 * Removes a code from the stored ones: *ret_rest is what is to be stored
 * instead.  ERR_NOT_FOUND: the code is none of the stored ones.  ERR_INTERNAL:
 * the stored text cannot be read.
 */
MUST_CHECK enum err backup_codes_use(const struct auth *auth, struct arena *a,
    const char *stored, const char *code, const char **ret_rest);

#endif

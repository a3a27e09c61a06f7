/*
 * restore_secrets: the secrets of a backup: an archive that age(1) has
 * encrypted.
 *
 * It is decrypted in memory. What is put back is unpacked beside the present
 * files and takes their place by renaming; the present files stay in a
 * directory before_TIME.
 */
#ifndef CLI_RESTORE_SECRETS_H
#define CLI_RESTORE_SECRETS_H

#include <stdbool.h>

#include "base/attr.h"

#include "stack.h"

struct restore_secrets {
	const struct stack *stack;
	const char *archive; /* absolute path; NULL: the backup has none */
	const char *identity; /* file with the private key */
};

/* Decrypts the archive and counts its files. False: an error was printed. */
MUST_CHECK bool restore_secrets_check(const struct restore_secrets *r);
/*
 * Puts the files in the place of the present ones: in the stack's directory,
 * which must not be in use, or in /etc/kedge. False: an error was printed.
 */
MUST_CHECK bool restore_secrets_put_back(const struct restore_secrets *r);

#endif

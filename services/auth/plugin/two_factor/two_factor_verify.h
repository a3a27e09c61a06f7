/*
 * two_factor_verify: the handlers of the routes by which a user shows the
 * second factor: to sign in, to enable it, or once more.
 */
#ifndef AUTH_TWO_FACTOR_VERIFY_H
#define AUTH_TWO_FACTOR_VERIFY_H

#include <stdbool.h>

#include "base/err.h"
#include "web/schema.h"

struct req;

struct status_out {
	bool status;
};
struct verify_in {
	const char *code;
	struct opt_bool trust_device;
};
struct backup_in {
	const char *code;
	struct opt_bool disable_session;
	struct opt_bool trust_device;
};
struct verify_out {
	struct opt_string token;
	const void *user;
};

/* The first three get a verify_in or backup_in, and fill a verify_out. */
enum err
two_factor_verify_totp(struct req *r, const void *in_struct, void *out_struct);
enum err two_factor_verify_backup_code(
    struct req *r, const void *in_struct, void *out_struct);
enum err
two_factor_verify_otp(struct req *r, const void *in_struct, void *out_struct);
enum err
two_factor_send_otp(struct req *r, const void *in_struct, void *out_struct);

#endif

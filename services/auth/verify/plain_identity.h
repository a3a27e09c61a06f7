/*
 * plain_identity: the user in plain headers, for applications that are not
 * Kedge's and do not check the assertion: Kedge-User, Kedge-Email (only an
 * address that the user has proved to own) and Kedge-Groups (the roles).
 *
 * nginx asks for them with the parameter KEDGE_HEADERS, and passes them on as
 * Remote-User, Remote-Email and Remote-Groups.
 */
#ifndef AUTH_PLAIN_IDENTITY_H
#define AUTH_PLAIN_IDENTITY_H

struct req;
struct session_claims;

/*
 * Adds the headers. A value that is empty or that has other bytes than
 * printable ASCII, which an adopted database may contain, gets none.
 */
void plain_identity_add(struct req *r, const struct session_claims *claims);

#endif

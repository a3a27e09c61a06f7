#include "auth/verify/verdict.h"

#include <stddef.h>

#include "base/arena.h"
#include "base/log.h"
#include "web/request.h"

enum err
verdict_answer(struct req *r, int status)
{
	req_add_header(r, "Cache-Control", "no-store");
	req_answer(r, status, NULL, NULL, 0);
	return ERR_OK;
}

/*
 * Neither nginx nor the service writes an access line for a refused request:
 * this line says what was refused, and for which of the reasons in README.md.
 * It never contains the query, which may hold secrets.
 */
void
verdict_note(struct req *r, const char *reason)
{
	const char *method = req_param(r, "KEDGE_METHOD");
	struct log_field *fields =
	    arena_alloc(r->arena, (REQ_LOG_FIELDS_MAX + 1) * sizeof(*fields));

	if (method != NULL)
		r->method = method;
	fields[0] = LOG_TEXT("audience", req_param(r, "KEDGE_AUDIENCE"));
	fields[1] = LOG_TEXT("guard", req_param(r, "KEDGE_GUARD"));
	fields[2] = LOG_TEXT("reason", reason);
	fields[3] = (struct log_field){ 0 };
	r->log_fields = fields;
}

enum err
verdict_deny(struct req *r, int status, const char *reason)
{
	verdict_note(r, reason);
	req_add_header(r, "Kedge-Refusal", reason);
	return verdict_answer(r, status);
}

#include "web/access.h"

#include <assert.h>
#include <stddef.h>

#include "base/attr.h"
#include "base/fnv.h"
#include "base/log.h"
#include "base/metrics.h"
#include "web/log_events.h"
#include "web/request.h"
#include "web/user_agent.h"

enum { FIELDS_MAX = 12 + REQ_LOG_FIELDS_MAX };

static int64_t sample = 1;

void
access_set_sample(int64_t n)
{
	assert(n > 0);
	sample = n;
}

static bool
is_kept(const struct req *r, int status)
{
	/*
	 * Decide by the request's id, so that either all lines of a request are
	 * kept or none.
	 */
	return sample == 1 || status >= 400 ||
	       fnv32_text(FNV32_START, r->request_id) % sample == 0;
}

/*
 * EVENT_REQUEST is the access line.  The service does not write it when nginx
 * does: when nginx received nothing of the response, and when verify answered a
 * subrequest with neither 2xx nor 401 or 403.
 */
static struct log_event
event_of(const struct req *r, int status, struct sent sent)
{
	bool refuses = status == 401 || status == 403;

	if (r->line.is_subrequest)
		return refuses ? EVENT_REQUEST : EVENT_SUBREQUEST;
	return sent.e == ERR_OK || sent.begun ? EVENT_REQUEST
	                                      : EVENT_REQUEST_ABANDONED;
}

static enum log_level
level_of(const struct req *r, int status)
{
	if (status >= 500)
		return LOG_WARN;
	return r->line.quiet && status < 400 ? LOG_DEBUG : LOG_INFO;
}

static size_t
put_request(const struct req *r, struct log_field *fields)
{
	const char *method = r->method;
	size_t n = 0;

	if (r->line.is_subrequest)
		method = req_param(r, "KEDGE_METHOD");
	fields[n++] = LOG_TEXT("method", method);
	fields[n++] = LOG_TEXT("path", r->path);
	fields[n++] = LOG_TEXT("route", r->line.route);
	return n;
}

static size_t
put_client(const struct req *r, struct log_field *fields)
{
	const struct log_field *more = r->log_fields;
	size_t n = 0;

	fields[n++] = LOG_TEXT("ip", r->client_ip);
	fields[n++] =
	    LOG_TEXT("agent", user_agent_family(req_header(r, "USER_AGENT")));
	if (r->user_id != NULL)
		fields[n++] = LOG_TEXT("user", r->user_id);
	for (int i = 0; more != NULL && more[i].name != NULL; i++) {
		assert(i < REQ_LOG_FIELDS_MAX);
		fields[n++] = more[i];
	}
	return n;
}

static void
write_line(const struct req *r, int status, struct sent sent)
{
	struct log_field fields[FIELDS_MAX];
	size_t n = put_request(r, fields);

	fields[n++] = LOG_NUM("status", status);
	if (status != r->response.status)
		fields[n++] = LOG_NUM("sent_status", r->response.status);
	fields[n++] = LOG_NUM("bytes", sent.bytes);
	fields[n++] = LOG_NUM("us", r->line.us);
	n += put_client(r, fields + n);
	assert(n < COUNT_OF(fields));
	fields[n] = (struct log_field){ 0 };
	log_event_from(level_of(r, status), event_of(r, status, sent),
	    status >= 400 ? status : 0,
	    r->user_id != NULL ? r->user_id : r->client_ip, fields);
}

void
access_end(const struct req *r, struct sent sent)
{
	int status = r->response.status;

	/*
	 * If the response broke off, log the status of that error, and not the
	 * status that was sent at the beginning of the response.
	 */
	if (sent.e != ERR_OK && sent.begun)
		status = err_info(sent.e)->status;
	metrics_request(r->line.metric, status, r->line.us);
	if (is_kept(r, status))
		write_line(r, status, sent);
}

#include "http_client/http_client.h"

#include <arpa/inet.h>
#include <assert.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#include <curl/curl.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "http_client/address.h"
#include "http_client/http_url.h"
#include "http_client/log_events.h"

enum {
	CONNECT_TIMEOUT_MS = 2000,
	RETRY_AFTER_MAX_S = 6 * 3600,
	STATUS_FINAL = 200, /* the lowest final status: RFC 9110 section 15.2 */
};

struct call {
	const struct http_client_request *request;
	struct buf body;
	bool forbidden; /* the address of the host was not allowed */
	bool too_large;
	CURL *handle;
	int64_t
	    answered_us; /* when the response head was complete; 0: not yet */
};

/*
 * Each thread has one libcurl handle, which keeps connections and TLS sessions
 * for the thread's next call.
 */
static pthread_key_t handle_key;
static bool initialised;

static void
release_handle(void *handle)
{
	curl_easy_cleanup(handle);
}

void
http_client_init(void)
{
	if (curl_global_init(CURL_GLOBAL_ALL) != CURLE_OK ||
	    pthread_key_create(&handle_key, release_handle) != 0)
		abort();
	initialised = true;
}

static CURL *
thread_handle(void)
{
	CURL *handle;

	assert(initialised);
	handle = pthread_getspecific(handle_key);
	if (handle == NULL) {
		handle = curl_easy_init();
		if (handle == NULL ||
		    pthread_setspecific(handle_key, handle) != 0)
			abort();
	}
	curl_easy_reset(handle);
	return handle;
}

static bool
has_unix_socket(const struct http_client_request *r)
{
	return r->unix_socket != NULL && r->unix_socket[0] != '\0';
}

static bool
needs_public(const struct http_client_request *r)
{
	return !r->allow_private && !has_unix_socket(r);
}

/*
 * libcurl calls this with each address to which it is about to connect, after
 * it has looked up the host name.
 */
static curl_socket_t
open_socket(void *ctx, curlsocktype purpose, struct curl_sockaddr *address)
{
	struct call *call = ctx;

	(void)purpose;
	if (needs_public(call->request) && !address_is_public(&address->addr)) {
		call->forbidden = true;
		return CURL_SOCKET_BAD;
	}
	return socket(address->family, address->socktype | SOCK_CLOEXEC,
	    address->protocol);
}

static size_t
take_body(char *data, size_t size, size_t count, void *ctx)
{
	struct call *call = ctx;
	size_t len = size * count; /* libcurl: size is always 1 */
	size_t room = call->request->max_bytes - call->body.len;

	if (len > room && call->request->cut_body) {
		buf_put(&call->body, data, room);
		return CURL_WRITEFUNC_ERROR;
	}
	if (len > room) {
		call->too_large = true;
		return CURL_WRITEFUNC_ERROR;
	}
	buf_put(&call->body, data, len);
	return len;
}

/*
 * Called with each line of a head.  An empty line ends the head; the head of
 * "100 Continue" is followed by another head.
 */
static size_t
take_header(char *data, size_t size, size_t count, void *ctx)
{
	struct call *call = ctx;
	size_t len = size * count; /* libcurl: size is always 1 */
	long status = 0;

	if (len > 0 && (data[0] == '\r' || data[0] == '\n') &&
	    curl_easy_getinfo(call->handle, CURLINFO_RESPONSE_CODE, &status) ==
		CURLE_OK &&
	    status >= STATUS_FINAL)
		call->answered_us = clock_monotonic_us();
	return len;
}

/*
 * libcurl calls this at least once per second; a result other than 0 ends the
 * call.  Ends it when the response head has been complete for long enough.
 */
static int
check_wait(void *ctx, curl_off_t down_total, curl_off_t down,
    curl_off_t up_total, curl_off_t up)
{
	const struct call *call = ctx;

	(void)down_total;
	(void)down;
	(void)up_total;
	(void)up;
	return call->request->cut_body && call->answered_us != 0 &&
	       clock_monotonic_us() - call->answered_us >=
	           HTTP_CLIENT_BODY_WAIT_MS * 1000;
}

static bool
has_header(const struct http_client_request *r, const char *name)
{
	size_t len = strlen(name);

	for (size_t i = 0; r->headers != NULL && r->headers[i] != NULL; i++)
		if (strncasecmp(r->headers[i], name, len) == 0)
			return true;
	return false;
}

static struct curl_slist *
add_header(struct curl_slist *list, const char *header)
{
	struct curl_slist *longer = curl_slist_append(list, header);

	if (longer == NULL)
		abort();
	return longer;
}

static struct curl_slist *
make_headers(const struct http_client_request *r)
{
	/*
	 * A header without a value keeps libcurl from adding its own header of
	 * that name.
	 */
	struct curl_slist *list = add_header(NULL, "Expect:");

	if (!has_header(r, "Content-Type:"))
		list = add_header(list, "Content-Type:");
	for (size_t i = 0; r->headers != NULL && r->headers[i] != NULL; i++)
		list = add_header(list, r->headers[i]);
	return list;
}

/* Whether no header contains a line break, which would begin another header. */
static bool
headers_are_whole(const struct http_client_request *r)
{
	for (size_t i = 0; r->headers != NULL && r->headers[i] != NULL; i++)
		if (strpbrk(r->headers[i], "\r\n") != NULL)
			return false;
	return true;
}

static unsigned
set_limits(CURL *h, const struct http_client_request *r)
{
	int64_t connect_ms = r->timeout_ms < CONNECT_TIMEOUT_MS
	                         ? r->timeout_ms
	                         : CONNECT_TIMEOUT_MS;
	long fresh = needs_public(r) ? 1 : 0;
	unsigned bad = 0;

	bad |= curl_easy_setopt(h, CURLOPT_NOSIGNAL, 1L);
	bad |= curl_easy_setopt(h, CURLOPT_TIMEOUT_MS, (long)r->timeout_ms);
	bad |= curl_easy_setopt(h, CURLOPT_CONNECTTIMEOUT_MS, (long)connect_ms);
	if (!r->cut_body)
		bad |= curl_easy_setopt(
		    h, CURLOPT_MAXFILESIZE_LARGE, (curl_off_t)r->max_bytes);
	bad |= curl_easy_setopt(h, CURLOPT_FOLLOWLOCATION, 0L);
	bad |= curl_easy_setopt(h, CURLOPT_PROTOCOLS_STR, "http,https");
	bad |= curl_easy_setopt(
	    h, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	/*
	 * Ignore the proxy variables of the environment: a proxy would connect
	 * to the host itself, to an address that was not checked.
	 */
	bad |= curl_easy_setopt(h, CURLOPT_PROXY, "");
	bad |= curl_easy_setopt(h, CURLOPT_NOPROXY, "*");
	/*
	 * A connection kept by an earlier call was checked by the rules of that
	 * call, which may have differed.
	 */
	bad |= curl_easy_setopt(h, CURLOPT_FRESH_CONNECT, fresh);
	bad |= curl_easy_setopt(h, CURLOPT_FORBID_REUSE, fresh);
	return bad;
}

static unsigned
set_request(CURL *h, const struct http_client_request *r)
{
	unsigned bad = 0;

	bad |= curl_easy_setopt(h, CURLOPT_URL, r->url);
	if (has_unix_socket(r))
		bad |= curl_easy_setopt(
		    h, CURLOPT_UNIX_SOCKET_PATH, r->unix_socket);
	if (strcmp(r->method, "HEAD") == 0) {
		bad |= curl_easy_setopt(h, CURLOPT_NOBODY, 1L);
		return bad;
	}
	if (r->body != NULL) {
		bad |= curl_easy_setopt(
		    h, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)r->body_len);
		bad |= curl_easy_setopt(h, CURLOPT_POSTFIELDS, r->body);
	}
	bad |= curl_easy_setopt(h, CURLOPT_CUSTOMREQUEST, r->method);
	return bad;
}

static unsigned
set_callbacks(CURL *h, struct call *call)
{
	unsigned bad = 0;

	bad |= curl_easy_setopt(h, CURLOPT_OPENSOCKETFUNCTION, open_socket);
	bad |= curl_easy_setopt(h, CURLOPT_OPENSOCKETDATA, call);
	bad |= curl_easy_setopt(h, CURLOPT_WRITEFUNCTION, take_body);
	bad |= curl_easy_setopt(h, CURLOPT_WRITEDATA, call);
	bad |= curl_easy_setopt(h, CURLOPT_HEADERFUNCTION, take_header);
	bad |= curl_easy_setopt(h, CURLOPT_HEADERDATA, call);
	bad |= curl_easy_setopt(h, CURLOPT_XFERINFOFUNCTION, check_wait);
	bad |= curl_easy_setopt(h, CURLOPT_XFERINFODATA, call);
	bad |= curl_easy_setopt(h, CURLOPT_NOPROGRESS, 0L);
	return bad;
}

static enum err
map_failure(const struct call *call, CURLcode code)
{
	if (call->too_large || code == CURLE_FILESIZE_EXCEEDED)
		return ERR_TOO_LARGE;
	if (call->forbidden)
		return ERR_FORBIDDEN;
	if (code == CURLE_URL_MALFORMAT)
		return ERR_INVALID;
	return ERR_UNAVAILABLE;
}

/*
 * Logs the host, but not the rest of the URL: paths and queries may contain
 * secrets.
 */
static void
log_failure(const struct http_client_request *r, const char *reason, int64_t us)
{
	CURLU *url = curl_url();
	char *host = NULL;

	if (url != NULL && curl_url_set(url, CURLUPART_URL, r->url, 0) == 0)
		(void)curl_url_get(url, CURLUPART_HOST, &host, 0);
	log_event(LOG_WARN, EVENT_OUTGOING_REQUEST_FAILED,
	    LOG_TEXT("host", host), LOG_TEXT("reason", reason),
	    LOG_NUM("ms", us / 1000), LOG_NUM("timeout_ms", r->timeout_ms));
	curl_free(host);
	curl_url_cleanup(url);
}

static CURLcode
perform(CURL *h, struct call *call)
{
	struct curl_slist *headers = make_headers(call->request);
	CURLcode code = CURLE_OUT_OF_MEMORY;
	unsigned bad = 0;

	bad |= set_limits(h, call->request);
	bad |= set_request(h, call->request);
	bad |= set_callbacks(h, call);
	bad |= curl_easy_setopt(h, CURLOPT_HTTPHEADER, headers);
	if (bad == 0)
		code = curl_easy_perform(h);
	curl_slist_free_all(headers);
	return code;
}

static int64_t
bounded_wait_s(curl_off_t s)
{
	if (s < 0)
		return 0;
	return s > RETRY_AFTER_MAX_S ? RETRY_AFTER_MAX_S : s;
}

enum err
http_client_call(struct arena *a, const struct http_client_request *request,
    struct http_client_response *ret_response)
{
	CURL *h = thread_handle();
	struct call call = { .request = request, .handle = h };
	int64_t start_us = clock_monotonic_us();
	CURLcode code;
	const char *reason;
	curl_off_t retry_after_s = 0;
	long status = 0;

	assert(request->timeout_ms > 0);
	if (!http_url_scheme_is_allowed(request->url))
		return ERR_FORBIDDEN;
	if (!headers_are_whole(request))
		return ERR_INVALID;
	buf_init(&call.body, a, request->max_bytes);
	metrics_add(METRIC_REMOTE_CALLS, 1);
	metrics_gauge_add(GAUGE_REMOTE_BUSY, 1);
	code = perform(h, &call);
	metrics_gauge_add(GAUGE_REMOTE_BUSY, -1);
	metrics_observe(HISTOGRAM_REMOTE, clock_monotonic_us() - start_us);
	if (request->cut_body && call.answered_us != 0)
		code = CURLE_OK;
	if (code == CURLE_OK)
		code = curl_easy_getinfo(h, CURLINFO_RESPONSE_CODE, &status);
	if (code == CURLE_OK)
		code =
		    curl_easy_getinfo(h, CURLINFO_RETRY_AFTER, &retry_after_s);
	if (code != CURLE_OK) {
		metrics_add(METRIC_REMOTE_ERRORS, 1);
		reason = call.forbidden ? "address not allowed"
		                        : curl_easy_strerror(code);
		log_failure(request, reason, clock_monotonic_us() - start_us);
		if (request->ret_reason != NULL)
			*request->ret_reason = reason;
		return map_failure(&call, code);
	}
	*ret_response = (struct http_client_response){
		.status = (int)status,
		.body = call.body.data,
		.body_len = call.body.len,
		.retry_after_s = bounded_wait_s(retry_after_s),
	};
	return ERR_OK;
}

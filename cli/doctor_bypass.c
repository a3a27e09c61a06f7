/*
 * The paths and headers are those of t/60-security-S1.t, S2 and S3 that can be
 * checked without a session.
 */
#include "doctor.h"

#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/str.h"

#include "doctor_http.h"
#include "template.h"

enum {
	REQUEST_MAX = 16 * 1024,
	HTTP_SWITCHING_PROTOCOLS = 101,
	/* nginx's answer to a transfer coding that it does not know */
	HTTP_NOT_IMPLEMENTED = 501,
};

/*
 * Spellings of a protected path, "{{path}}": "/api/core/doctor", where
 * "{{head}}" is "/api/core" and "{{rest}}" is "api/core/doctor". nginx reads
 * each spelling as that path, or as a path of no service.
 */
static const char *const paths[] = {
	"{{path}}",
	"/{{path}}",
	"//{{path}}",
	"{{path}}/",
	"{{path}}//",
	"{{path}}/.",
	"{{path}}/x/..",
	"{{path}}%2f",
	"{{path}}%2e",
	"{{path}}%20",
	"{{path}}?",
	"{{path}}?x=/api/auth/ok",
	"{{path}}%23",
	"{{path}}%3f",
	"{{path}};",
	"{{path}};/../ok",
	"{{path}}.js",
	"{{path}}%0a",
	"{{path}}%09",
	"{{path}}\\",
	"{{path}}%5c..%5cok",
	"{{head}}//doctor",
	"{{head}}/./doctor",
	"{{head}}/x/../doctor",
	"{{head}}/%2e/doctor",
	"{{head}}/x/%2e%2e/doctor",
	"{{head}}%2fdoctor",
	"{{head}}\\doctor",
	"{{head}}%5cdoctor",
	"{{head}}/%64octor",
	"{{head}}/%c0%afdoctor",
	"/api/auth/..%2f{{rest}}",
	"/api/auth/../../{{rest}}",
	"/api/auth/ok/../../../{{rest}}",
	"/api/auth/ok;/../../../{{rest}}",
	"/app.js/..{{path}}",
	"/app.js/../{{path}}",
	"/.{{path}}",
	"/x/..{{path}}",
	"/%2e%2e{{path}}",
	"/%2f{{path}}",
	"/%252e%252e{{path}}",
	"/%2e{{path}}",
	"{{head}}/openapi.json/../doctor",
	"{{head}}/openapi.json/..;/doctor",
	"{{head}}/openapi.json%2f..%2fdoctor",
	"http://127.0.0.1{{path}}",
	"http://evil.example{{path}}",
	"/_verify/..{{path}}",
	"/health/..{{path}}",
	"/health/%2e%2e{{path}}",
	"/metrics/x/../..{{path}}",
};

/*
 * Headers by which a client could pretend to be another user, or to come from
 * another address.
 */
static const char *const headers[] = {
	"Kedge-Identity: x",
	"KEDGE-IDENTITY: x",
	"Kedge_Identity: x",
	"Remote-User: root",
	"Remote_User: root",
	"Remote-Email: root@example.com",
	"Remote-Groups: admin",
	"X-Remote-User: root",
	"X-Forwarded-User: root",
	"X-Forwarded-For: 127.0.0.1",
	"X-Real-IP: 127.0.0.1",
	"Forwarded: for=127.0.0.1",
	"X-Original-URL: /api/auth/ok",
	"X-Original-URI: /api/auth/ok",
	"X-Rewrite-URL: /api/auth/ok",
	"X-HTTP-Method-Override: OPTIONS",
	"X-Accel-Redirect: /",
	"Authorization: Bearer x",
	"Authorization: Basic cm9vdDpyb290",
	"Cookie: better-auth.session_token=x",
	"Upgrade: websocket\r\nConnection: upgrade",
	"Expect: 100-continue",
	"Transfer-Encoding: identity",
};

static const char *const hosts[] = { "localhost", "127.0.0.1", "auth.internal",
	"internal", "evil.example", "evil.example:80", "unix", "", "[::1]" };

static const char *const methods[] = { "HEAD", "POST", "PUT", "PATCH", "DELETE",
	"OPTIONS", "PROPFIND" };

struct probe {
	struct doctor *d;
	const struct spec_service *service;
	const char *path;
	const char *policy; /* the Content-Security-Policy of nginx itself */
	size_t sent;
};

/* The host name that clients use. */
static const char *
usual_host(struct doctor *d)
{
	const struct spec *spec = d->site.spec;

	return d->site.is_server && spec->nserver_names > 0
	           ? spec->server_names[0]
	           : strstr(d->url, "://") + strlen("://");
}

/*
 * Whether the response is from the service, and not a refusal. nginx's own
 * responses have a Content-Security-Policy; the responses of an application
 * that is not Kedge's do not have it. A service of Kedge answers only JSON, and
 * answers 401 without an assertion.
 */
static bool
has_passed(const struct probe *p, const struct doctor_response *r)
{
	struct doctor *d = p->d;
	const char *type = doctor_http_header(d, r, "content-type");

	/* After 101, nginx passes on whatever the client sends. */
	if (r->status == HTTP_SWITCHING_PROTOCOLS)
		return true;
	if (!spec_is_own(p->service))
		return r->status >= 200 && r->status < 300 &&
		       !str_eq(
			   doctor_http_header(d, r, "content-security-policy"),
			   p->policy) &&
		       doctor_http_header(d, r, "access-control-max-age") ==
		           NULL;
	return r->status >= 200 && r->status < 300 && type != NULL &&
	       str_has_prefix(type, "application/json");
}

static void
send_one(struct probe *p, const char *method, const char *path,
    const char *host, const char *header)
{
	struct doctor *d = p->d;
	struct doctor_response r;
	const char *text = arena_printf(d->arena,
	    "%s %s HTTP/1.1\r\nHost: %s\r\n%s%sConnection: close\r\n\r\n",
	    method, path, host, header, *header == '\0' ? "" : "\r\n");

	if (!doctor_http(d, text, &r))
		return;
	p->sent++;
	if (has_passed(p, &r))
		doctor_add(d, SEVERITY_ERROR,
		    "look for what \"kedge doctor\" says about nginx",
		    "%s answers %d without a session to: %s %s, Host: %s%s%s",
		    p->service->name, r.status, method, path, host,
		    *header == '\0' ? "" : ", ", header);
	else if (r.status >= 500 && r.status != HTTP_NOT_IMPLEMENTED)
		doctor_add(d, SEVERITY_WARNING,
		    "see the log of the service and of nginx",
		    "%s answers %d to: %s %s, Host: %s", p->service->name,
		    r.status, method, path, host);
}

static void
send_paths(struct probe *p)
{
	const char *prefix = p->service->locations[0].prefix;
	const struct template_value values[] = {
		{ "path", p->path },
		{ "head",
		    arena_strndup(p->d->arena, prefix, strlen(prefix) - 1) },
		{ "rest", p->path + 1 },
		{ NULL },
	};
	const char *unknown;
	struct buf b;
	size_t i;

	for (i = 0; i < COUNT_OF(paths); i++) {
		buf_init(&b, p->d->arena, REQUEST_MAX);
		if (template_add(&b, paths[i], values, &unknown) &&
		    !buf_failed(&b))
			send_one(p, "GET", b.data, usual_host(p->d), "");
	}
}

static void
send_others(struct probe *p)
{
	const char *host = usual_host(p->d);
	size_t i;

	for (i = 0; i < COUNT_OF(headers); i++)
		send_one(p, "GET", p->path, host, headers[i]);
	for (i = 0; i < COUNT_OF(hosts); i++)
		send_one(p, "GET", p->path, hosts[i], "");
	for (i = 0; i < COUNT_OF(methods); i++)
		send_one(p, methods[i], p->path, host, "");
}

/* Health and metrics have a listener of their own. */
static void
check_monitoring(struct doctor *d)
{
	const char *const seen[] = { "/health",
		arena_printf(
		    d->arena, "/metrics/%s", d->site.spec->verifier->name) };
	struct doctor_response r;

	for (size_t i = 0; i < COUNT_OF(seen); i++)
		if (doctor_http(d,
			arena_printf(d->arena,
			    "GET %s HTTP/1.1\r\nHost: %s\r\n"
			    "Connection: close\r\n\r\n",
			    seen[i], usual_host(d)),
			&r) &&
		    r.status == 200)
			doctor_add(d, SEVERITY_ERROR,
			    "remove the location that serves it, and run "
			    "\"kedge render\"",
			    "clients can read %s at %s", seen[i], d->url);
}

void
doctor_bypass(struct doctor *d)
{
	const struct spec *spec = d->site.spec;
	struct probe p = { .d = d };
	struct doctor_response r;
	int i, k;

	/* nginx answers this itself, whatever is at "/". */
	if (!doctor_http(d,
		arena_printf(d->arena,
		    "GET /health/doctor HTTP/1.1\r\nHost: %s\r\n"
		    "Connection: close\r\n\r\n",
		    usual_host(d)),
		&r)) {
		doctor_add(d, SEVERITY_ERROR, "start nginx",
		    "nothing answers at %s", d->url);
		return;
	}
	p.policy = doctor_http_header(d, &r, "content-security-policy");
	check_monitoring(d);
	for (i = 0; i < spec->nservices; i++) {
		p.service = &spec->services[i];
		for (k = 0; k < p.service->nlocations; k++) {
			const struct spec_location *l =
			    &p.service->locations[k];

			if (str_eq(l->guard, "none"))
				continue;
			p.path = arena_printf(d->arena, "%sdoctor", l->prefix);
			send_paths(&p);
			send_others(&p);
		}
	}
	doctor_add(d, SEVERITY_NOTE, "",
	    "%zu requests without a session were sent to protected paths",
	    p.sent);
}

#include "doctor.h"

#include "base/certificate.h"
#include "base/clock.h"

/* Renewal by certbot begins 30 days before the end. */
enum { DAY_S = 86400, SOON_DAYS = 14 };

static void
check_time(struct doctor *d, const struct certificate *c, const char *path)
{
	static const char renew[] =
	    "renew it (\"certbot renew\"), then reload nginx";
	int64_t now_s = clock_now_ms() / 1000;
	int64_t left_s = certificate_ends_s(c) - now_s;

	if (certificate_begins_s(c) > now_s)
		doctor_add(d, SEVERITY_ERROR, "check the clock of this host",
		    "the certificate %s is not valid yet", path);
	else if (left_s < 0)
		doctor_add(d, SEVERITY_ERROR, renew,
		    "the certificate %s has expired %lld days ago", path,
		    (long long)(-left_s / DAY_S));
	else if (left_s < (int64_t)SOON_DAYS * DAY_S)
		doctor_add(d, SEVERITY_WARNING, renew,
		    "the certificate %s expires in %lld days", path,
		    (long long)(left_s / DAY_S));
	else
		doctor_add(d, SEVERITY_NOTE, "",
		    "the certificate %s is valid for %lld days", path,
		    (long long)(left_s / DAY_S));
}

void
doctor_certificate(struct doctor *d)
{
	const struct spec *spec = d->site.spec;
	struct certificate *c;
	int i;

	if (spec->tls.certificate == NULL) {
		if (d->site.is_server && spec->ntrusted_proxies == 0)
			doctor_add(d, SEVERITY_WARNING,
			    "set \"tls\" in kedge.json, or \"trustedProxies\" "
			    "if a proxy has the certificate",
			    "clients connect without TLS");
		return;
	}
	c = certificate_read(spec->tls.certificate);
	if (c == NULL) {
		doctor_add(d, SEVERITY_ERROR,
		    "see \"tls.certificate\" in kedge.json; run this command "
		    "as root",
		    "%s has no certificate that can be read",
		    spec->tls.certificate);
		return;
	}
	check_time(d, c, spec->tls.certificate);
	for (i = 0; i < spec->nserver_names; i++)
		if (!certificate_is_for(c, spec->server_names[i]))
			doctor_add(d, SEVERITY_ERROR,
			    "get a certificate for all names in "
			    "\"serverNames\"",
			    "the certificate is not for the name %s",
			    spec->server_names[i]);
	if (!certificate_has_key(c, spec->tls.key))
		doctor_add(d, SEVERITY_ERROR,
		    "see \"tls.key\" in kedge.json; run this command as root",
		    "the key %s cannot be read, or does not belong to the "
		    "certificate",
		    spec->tls.key);
	certificate_free(c);
}

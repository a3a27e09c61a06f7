#include "nginx_part.h"

#include "base/str.h"

#include "nginx_text.h"

/* The directory of kedge.json that has the page of this distribution. */
#define OWN_WEB "web"

static const char *
template_of(const struct spec_web *web)
{
	if (web->upstream != NULL)
		return "web_upstream.conf";
	if (web->spa)
		return "web_spa.conf";
	return str_eq(web->directory, OWN_WEB) ? "web_kedge.conf"
	                                       : "web_files.conf";
}

bool
nginx_web_add(const struct site *site, struct file_set *files)
{
	const struct spec_web *web = &site->spec->web;
	struct nginx_text t = nginx_text_begin(site);
	const struct template_value values[] = {
		{ "upstream", web->upstream != NULL ? web->upstream : "" },
		{ NULL },
	};

	nginx_text_add(&t, template_of(web), values);
	return nginx_text_finish(&t, files, "web_root.conf");
}

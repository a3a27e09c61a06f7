/*
 * nginx_text: one file of nginx's configuration while it is made from
 * templates.
 */
#ifndef CLI_NGINX_TEXT_H
#define CLI_NGINX_TEXT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/buf.h"

#include "file_set.h"
#include "site.h"
#include "template.h"

struct nginx_text {
	const struct site *site;
	struct buf out;
	bool ok; /* false: a template is missing or wrong; an error was printed
	          */
};

struct nginx_text nginx_text_begin(const struct site *site);
/* Adds the template nginx/NAME.in. */
void nginx_text_add(struct nginx_text *t, const char *name,
    const struct template_value *values);
/* Adds the file nginx/NAME.conf... to the set, in the directory nginx/. */
MUST_CHECK bool nginx_text_finish(
    struct nginx_text *t, struct file_set *files, const char *name);
/* The number as a text of the site's arena. */
const char *nginx_number(const struct site *site, int64_t n);

#endif

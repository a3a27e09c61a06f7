/*
 * render_template: files that are one template each, filled once for the site,
 * or once for each service or pool. A new template is one row of the table in
 * render_template.c.
 */
#ifndef CLI_RENDER_TEMPLATE_H
#define CLI_RENDER_TEMPLATE_H

#include <stdbool.h>

#include "base/attr.h"

#include "file_set.h"
#include "site.h"

/*
 * Adds the files of a kind, such as "systemd". `root` is the directory below
 * which /etc/kedge/secrets is read, for the names of the credentials. False: a
 * template cannot be used; an error was printed.
 */
MUST_CHECK bool render_template_add(const struct site *site, const char *root,
    const char *kind, struct file_set *files);

#endif

/*
 * redirect_page: the HTML pages that people see at a short link that does not
 * redirect them.  They have no script and no style of their own, and a strict
 * Content-Security-Policy; each text in them is escaped.
 */
#ifndef LINKS_REDIRECT_PAGE_H
#define LINKS_REDIRECT_PAGE_H

#include <stdbool.h>

struct req;

/* Whether the client accepts HTML, as browsers say that they do. */
bool redirect_page_is_wanted(const struct req *r);
/* Answers with a message: 404, 410, 429. */
void redirect_page_say(struct req *r, int status, const char *message);
/* Asks for the password; `message` says what was wrong, or is NULL. */
void redirect_page_ask(struct req *r, int status, const char *message);
/*
 * Leads on to the target.  This is a page and not a redirect, because browsers
 * apply the form-action of the page with the form to redirects, too, and
 * would refuse to leave this host.
 */
void redirect_page_go(struct req *r, const char *target);

#endif

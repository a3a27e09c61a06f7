#include "links/redirect/redirect_page.h"

#include <stddef.h>
#include <string.h>

#include "base/buf.h"
#include "web/request.h"

enum { PAGE_MAX_BYTES = 32 * 1024 };

static const char policy[] =
    "default-src 'none'; style-src 'self'; img-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

bool
redirect_page_is_wanted(const struct req *r)
{
	const char *accept = req_header(r, "ACCEPT");

	return accept != NULL && strstr(accept, "text/html") != NULL;
}

static void
put_escaped(struct buf *b, const char *text)
{
	for (; *text != '\0'; text++) {
		switch (*text) {
		case '&':
			buf_puts(b, "&amp;");
			break;
		case '<':
			buf_puts(b, "&lt;");
			break;
		case '>':
			buf_puts(b, "&gt;");
			break;
		case '"':
			buf_puts(b, "&quot;");
			break;
		case '\'':
			buf_puts(b, "&#39;");
			break;
		default:
			buf_putc(b, *text);
		}
	}
}

static void
begin(struct req *r, struct buf *b, const char *title)
{
	buf_init(b, r->arena, PAGE_MAX_BYTES);
	buf_puts(b, "<!doctype html>\n<html lang=\"en\">\n<meta charset="
		    "\"utf-8\">\n<meta name=\"viewport\" content=\""
		    "width=device-width, initial-scale=1\">\n"
		    "<meta name=\"robots\" content=\"noindex\">\n<title>");
	put_escaped(b, title);
	buf_puts(b, "</title>\n<link rel=\"stylesheet\" href=\"/app.css\">\n");
}

static void
end(struct req *r, int status, const struct buf *b)
{
	req_add_header(r, "Content-Security-Policy", policy);
	req_add_header(r, "Cache-Control", "no-store");
	req_answer(r, status, "text/html; charset=utf-8", b->data, b->len);
}

void
redirect_page_say(struct req *r, int status, const char *message)
{
	struct buf b;

	begin(r, &b, "Short link");
	buf_puts(&b, "<main class=\"narrow\"><p class=\"card\">");
	put_escaped(&b, message);
	buf_puts(&b, "</p></main>\n</html>\n");
	end(r, status, &b);
}

/* Without an action, the form is sent to the address of the page. */
void
redirect_page_ask(struct req *r, int status, const char *message)
{
	struct buf b;

	begin(r, &b, "Password");
	buf_puts(&b, "<main class=\"narrow\">\n<form class=\"card\" "
		     "method=\"post\">\n<h1>This link has a password</h1>\n");
	if (message != NULL) {
		buf_puts(&b, "<p class=\"message\" role=\"alert\">");
		put_escaped(&b, message);
		buf_puts(&b, "</p>\n");
	}
	buf_puts(&b, "<label>Password\n<input name=\"password\" "
		     "type=\"password\" autocomplete=\"off\" required "
		     "autofocus maxlength=\"128\"></label>\n"
		     "<button type=\"submit\">Follow the link</button>\n"
		     "</form>\n</main>\n</html>\n");
	end(r, status, &b);
}

void
redirect_page_go(struct req *r, const char *target)
{
	struct buf b;

	begin(r, &b, "Short link");
	buf_puts(&b, "<meta http-equiv=\"refresh\" content=\"0; url=");
	put_escaped(&b, target);
	buf_puts(&b, "\">\n<main class=\"narrow\"><p class=\"card\">"
		     "<a rel=\"noreferrer\" href=\"");
	put_escaped(&b, target);
	buf_puts(&b, "\">Go on</a></p></main>\n</html>\n");
	end(r, 200, &b);
}

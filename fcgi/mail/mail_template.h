/*
 * mail_template: the texts of messages, in files that an operator can replace
 * and translate without building anything.
 *
 * A message is two files for each language, NAME.LANGUAGE.txt and
 * NAME.LANGUAGE.html.  The first line of the .txt is "Subject: ...", followed
 * by an empty line.  {{placeholder}} stands for a value, which is escaped in
 * HTML and stripped of control characters; there is nothing else to learn.
 *
 * Templates are read from two directories: those that Kedge ships, and the
 * operator's over them, file by file.  The shipped English text declares the
 * placeholders of a message: another template may use no others, and must use
 * those whose value is the purpose of the message (`url`, `code`).  A file
 * whose name is no message's, or without its other half, is refused as well.
 */
#ifndef MAIL_MAIL_TEMPLATE_H
#define MAIL_MAIL_TEMPLATE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"
#include "base/err.h"

struct arena;
struct mail_templates;

#define MAIL_LANGUAGE_SHIPPED "en"

enum {
	MAIL_TEMPLATE_MAX_BYTES = 64 * 1024, /* of one file */
	MAIL_TEMPLATES_MAX = 512, /* files */
	MAIL_VALUES_MAX = 16,
	MAIL_PROBLEM_SIZE = 512,
};

/* A list of these ends with a NULL name. */
struct mail_value {
	const char *name;
	const char *text;
};

/*
 * Reads and checks all templates.  `own` is the operator's directory: NULL, "",
 * or one that does not exist means that there are none.  NULL: ret_problem says
 * which file is wrong, where, and what to do.
 */
struct mail_templates *mail_templates_read(
    const char *shipped, const char *own, char ret_problem[MAIL_PROBLEM_SIZE]);
void mail_templates_free(struct mail_templates *t);

/*
 * Whether there is a message of this name, whose placeholders are all among
 * `names` (ended by NULL).  False: ret_problem says why.
 */
MUST_CHECK bool mail_templates_has(const struct mail_templates *t,
    const char *name, const char *const *names,
    char ret_problem[MAIL_PROBLEM_SIZE]);

/*
 * The language in which the message exists that fits best: the first of
 * `wanted`, a header Accept-Language (RFC 9110 section 12.5.4) or one language;
 * then `fallback`; then English.  "de" fits "de-AT".
 */
const char *mail_templates_language(const struct mail_templates *t,
    const char *name, const char *wanted, const char *fallback);

struct mail_rendered {
	const char *subject;
	const char *text;
	const char *html;
};
/*
 * Fills the templates of a message that exists in this language.  ERR_INVALID:
 * a value is missing, or longer than a message may be.
 */
MUST_CHECK enum err mail_templates_render(const struct mail_templates *t,
    struct arena *a, const char *name, const char *language,
    const struct mail_value *values, struct mail_rendered *ret_rendered);

#endif

/*
 * mail: sends messages made from templates, to a mail server or, in
 * development, into a directory.
 *
 * A service has a struct mail_config among its settings, and rows for it
 * (MAIL_VARS).  Where no URL is set, mail is off: mail_is_on() is false, and
 * the service must say so instead of promising a message.
 *
 * Sending takes as long as the server lets it (at most MAIL_TIMEOUT_MS), so it
 * belongs into a job, which is tried again after MAIL_DEFERRED.
 */
#ifndef MAIL_MAIL_H
#define MAIL_MAIL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"
#include "base/err.h"
#include "mail/mail_template.h"

struct arena;
struct mailer;

struct mail_config {
	/* smtp://HOST[:PORT], smtps://HOST[:PORT], file:DIRECTORY; empty: off
	 */
	const char *url;
	const char *from; /* ADDRESS or NAME <ADDRESS> */
	const char *user; /* empty: no authentication */
	const char *password;
	const char *tls; /* required, opportunistic or off */
	const char *ca_file; /* empty: the system's */
	int64_t timeout_ms; /* for one message */
	const char *shipped; /* directory of the templates of Kedge */
	const char *templates; /* directory of the operator's templates */
	const char *language; /* used when none of the wanted ones exists */
};

bool mail_is_on(const struct mail_config *config);

/*
 * Checks the settings, without the templates and without a connection.  False:
 * *ret_variable is the name of the wrong one, without the service's prefix, and
 * ret_problem says what it must be.  When mail is off, only what can be wrong
 * by itself is checked.
 */
MUST_CHECK bool mail_config_check(const struct mail_config *config,
    const char **ret_variable, char ret_problem[MAIL_PROBLEM_SIZE]);

/*
 * Reads the templates.  The configuration must stay valid.  NULL: a template is
 * wrong; ret_problem says which, and what to do.
 */
struct mailer *mailer_new(
    const struct mail_config *config, char ret_problem[MAIL_PROBLEM_SIZE]);
void mailer_free(struct mailer *m);
const struct mail_templates *mailer_templates(const struct mailer *m);

struct mail {
	const char *id; /* the id of the job; becomes the Message-ID (struct
	                   mail_message) */
	const char *template; /* "reset-password" */
	const char *to;
	const char *to_name; /* NULL: only the address */
	const char *language; /* wanted, as in mail_templates_language() */
	const struct mail_value *values;
	int64_t date_ms; /* the same in each attempt */
};

enum mail_outcome {
	MAIL_SENT,
	MAIL_DEFERRED, /* may work later */
	MAIL_FAILED, /* will not work */
};
struct mail_result {
	enum mail_outcome outcome;
	int code; /* the mail server's last answer; 0: none */
	const char *reason; /* why the message was not sent, in words, in the
	                       arena; "" when sent */
};
/* Sends the message, logs it (without its contents) and counts it. */
void mail_send(struct mailer *m, struct arena *a, const struct mail *mail,
    struct mail_result *ret_result);

#endif

#include "mail/mail.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/str.h"
#include "mail/log_events.h"
#include "mail/mail_address.h"
#include "mail/mail_file.h"
#include "mail/mail_message.h"
#include "mail/smtp.h"

static const char file_scheme[] = "file:";

struct mailer {
	const struct mail_config *config;
	struct arena *arena;
	struct mail_templates *templates;
	const char *from_name;
	const char *from;
	struct smtp_server server;
};

/* -- settings -- */

static bool
is_set(const char *text)
{
	return text != NULL && *text != '\0';
}

bool
mail_is_on(const struct mail_config *config)
{
	return is_set(config->url);
}

static bool
is_smtp(const char *url)
{
	return str_has_prefix(url, "smtp://") ||
	       str_has_prefix(url, "smtps://");
}

/* HOST, HOST:PORT, [ADDRESS] or [ADDRESS]:PORT, and nothing after it. */
static bool
is_host_port(const char *s)
{
	size_t len = *s == '[' ? 1 + strspn(s + 1, "0123456789abcdefABCDEF:.")
	                       : strcspn(s, ":");
	int64_t port;

	if (*s == '[') {
		if (s[len] != ']')
			return false;
		len++;
	} else {
		for (size_t i = 0; i < len; i++) {
			if (!str_is_alnum(s[i]) && s[i] != '-' && s[i] != '.')
				return false;
		}
	}
	if (len == 0 || s[0] == '-')
		return false;
	return s[len] == '\0' ||
	       (s[len] == ':' && str_i64(s + len + 1, 1, 65535, &port));
}

static bool
is_loopback(const char *url)
{
	const char *host = strstr(url, "://") + strlen("://");

	return str_has_prefix(host, "127.") || str_has_prefix(host, "[::1]") ||
	       str_eq(host, "localhost") || str_has_prefix(host, "localhost:");
}

static bool
read_tls(const char *text, enum smtp_tls *ret_tls)
{
	if (str_eq(text, "required"))
		*ret_tls = SMTP_TLS_REQUIRED;
	else if (str_eq(text, "opportunistic"))
		*ret_tls = SMTP_TLS_OPPORTUNISTIC;
	else if (str_eq(text, "off"))
		*ret_tls = SMTP_TLS_OFF;
	else
		return false;
	return true;
}

/* Returns false and says which variable is wrong. */
static bool
blame(const char *variable, const char *problem, const char **ret_variable,
    char ret_problem[MAIL_PROBLEM_SIZE])
{
	*ret_variable = variable;
	snprintf(ret_problem, MAIL_PROBLEM_SIZE, "%s", problem);
	return false;
}

static bool
is_url(const char *url)
{
	if (is_smtp(url))
		return is_host_port(strstr(url, "://") + strlen("://"));
	return str_has_prefix(url, file_scheme) &&
	       url[strlen(file_scheme)] != '\0' &&
	       !str_has_prefix(url, "file://");
}

static bool
is_sender(const char *from)
{
	struct arena *a = arena_new();
	const char *name, *address;
	bool good = mail_address_split(a, from, &name, &address) == ERR_OK &&
	            strlen(name) <= MAIL_NAME_MAX_BYTES;

	arena_free(a);
	return good;
}

bool
mail_config_check(const struct mail_config *c, const char **ret_variable,
    char ret_problem[MAIL_PROBLEM_SIZE])
{
	enum smtp_tls tls;

	if (!read_tls(c->tls, &tls))
		return blame("MAIL_TLS", "required, opportunistic or off",
		    ret_variable, ret_problem);
	if (!mail_is_on(c))
		return true;
	if (!is_url(c->url))
		return blame("MAIL_URL",
		    "smtp://HOST:PORT, smtps://HOST:PORT or file:DIRECTORY; "
		    "name and password belong into MAIL_USER and MAIL_PASSWORD",
		    ret_variable, ret_problem);
	if (!is_set(c->from) || !is_sender(c->from))
		return blame("MAIL_FROM",
		    "the sender's address, as name@example.com or Name "
		    "<name@example.com>",
		    ret_variable, ret_problem);
	if (!is_set(c->shipped))
		return blame("MAIL_SHIPPED",
		    "the directory with the templates of this release, such as "
		    "/usr/share/kedge/mail",
		    ret_variable, ret_problem);
	if (is_set(c->password) != is_set(c->user))
		return blame(is_set(c->user) ? "MAIL_PASSWORD" : "MAIL_USER",
		    "set if and only if the other of MAIL_USER and "
		    "MAIL_PASSWORD is",
		    ret_variable, ret_problem);
	/*
	 * Without a required STARTTLS, an attacker in the network could remove
	 * STARTTLS from the server's answer, and would then receive the
	 * password.
	 */
	if (is_set(c->user) && tls != SMTP_TLS_REQUIRED &&
	    str_has_prefix(c->url, "smtp://") && !is_loopback(c->url))
		return blame("MAIL_TLS",
		    "required, because a password must not be sent without TLS",
		    ret_variable, ret_problem);
	return true;
}

/* -- the mailer -- */

struct mailer *
mailer_new(
    const struct mail_config *config, char ret_problem[MAIL_PROBLEM_SIZE])
{
	struct mail_templates *templates = mail_templates_read(
	    config->shipped, config->templates, ret_problem);
	struct mailer *m;
	enum err e;

	if (templates == NULL)
		return NULL;
	m = calloc(1, sizeof(*m));
	if (m == NULL)
		abort();
	*m = (struct mailer){
		.config = config,
		.arena = arena_new(),
		.templates = templates,
		.server = {
		    .url = config->url,
		    .ca_file = config->ca_file,
		    .user = config->user,
		    .password = config->password,
		    .timeout_ms = config->timeout_ms,
		},
	};
	e = mail_address_split(m->arena, config->from, &m->from_name, &m->from);
	if (e == ERR_OK && read_tls(config->tls, &m->server.tls))
		return m;
	snprintf(ret_problem, MAIL_PROBLEM_SIZE,
	    "the settings of mail are not valid: see MAIL_FROM and MAIL_TLS");
	mailer_free(m);
	return NULL;
}

void
mailer_free(struct mailer *m)
{
	if (m == NULL)
		return;
	mail_templates_free(m->templates);
	arena_free(m->arena);
	free(m);
}

const struct mail_templates *
mailer_templates(const struct mailer *m)
{
	return m->templates;
}

static void
fail(struct mail_result *ret, const char *reason)
{
	*ret = (struct mail_result){ .outcome = MAIL_FAILED, .reason = reason };
}

static void
write_file(struct mailer *m, struct arena *a, const struct mail *mail,
    const char *text, size_t len, struct mail_result *ret)
{
	const char *reason = "";
	enum err e = mail_file_write(a, m->config->url + strlen(file_scheme),
	    mail->id, text, len, &reason);

	*ret = (struct mail_result){
		.outcome = e == ERR_OK ? MAIL_SENT : MAIL_DEFERRED,
		.reason = reason,
	};
}

static void
hand_over(struct mailer *m, struct arena *a, const struct mail *mail,
    const char *text, size_t len, struct mail_result *ret)
{
	static const enum mail_outcome outcomes[] = {
		[SMTP_SENT] = MAIL_SENT,
		[SMTP_DEFERRED] = MAIL_DEFERRED,
		[SMTP_REFUSED] = MAIL_FAILED,
	};
	struct smtp_result result;

	if (!is_smtp(m->config->url)) {
		write_file(m, a, mail, text, len, ret);
		return;
	}
	smtp_send(a, &m->server, m->from, mail->to, text, len, &result);
	*ret = (struct mail_result){
		.outcome = outcomes[result.outcome],
		.code = result.code,
		.reason = result.reason,
	};
}

static void
compose_and_send(struct mailer *m, struct arena *a, const struct mail *mail,
    struct mail_result *ret)
{
	const char *language = mail_templates_language(
	    m->templates, mail->template, mail->language, m->config->language);
	struct mail_rendered rendered = { 0 };
	const char *text = NULL, *problem = NULL;
	size_t len = 0;

	if (mail_templates_render(m->templates, a, mail->template, language,
		mail->values, &rendered) != ERR_OK) {
		fail(ret, "MAIL_TEMPLATE_UNFILLED");
		return;
	}
	if (mail_message_write(a,
		&(struct mail_message){
		    .id = mail->id,
		    .from_name = m->from_name,
		    .from = m->from,
		    .to_name = mail->to_name,
		    .to = mail->to,
		    .subject = rendered.subject,
		    .text = rendered.text,
		    .html = rendered.html,
		    .language = language,
		    .date_ms = mail->date_ms,
		},
		&text, &len, &problem) != ERR_OK) {
		fail(ret, problem);
		return;
	}
	hand_over(m, a, mail, text, len, ret);
}

/* Neither the address nor the contents are logged. */
static void
report(const struct mail *mail, const struct mail_result *r)
{
	switch (r->outcome) {
	case MAIL_SENT:
		metrics_add(METRIC_MAIL_SENT, 1);
		log_event(LOG_INFO, EVENT_MAIL_SENT, LOG_TEXT("mail", mail->id),
		    LOG_TEXT("template", mail->template));
		break;
	case MAIL_DEFERRED:
		metrics_add(METRIC_MAIL_DEFERRED, 1);
		log_event(LOG_WARN, EVENT_MAIL_DEFERRED,
		    LOG_TEXT("mail", mail->id),
		    LOG_TEXT("template", mail->template),
		    LOG_NUM("code", r->code), LOG_TEXT("reason", r->reason));
		break;
	case MAIL_FAILED:
		metrics_add(METRIC_MAIL_FAILED, 1);
		log_event(LOG_WARN, EVENT_MAIL_FAILED,
		    LOG_TEXT("mail", mail->id),
		    LOG_TEXT("template", mail->template),
		    LOG_NUM("code", r->code), LOG_TEXT("reason", r->reason));
		break;
	}
}

void
mail_send(struct mailer *m, struct arena *a, const struct mail *mail,
    struct mail_result *ret_result)
{
	compose_and_send(m, a, mail, ret_result);
	report(mail, ret_result);
}

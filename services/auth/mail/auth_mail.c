#include "auth/mail/auth_mail.h"

#include <stdio.h>
#include <string.h>

#include "auth/auth.h"
#include "auth/http/limit.h"
#include "auth/log_events.h"
#include "auth/mail/auth_mail_job.h"
#include "auth/mail/auth_mail_store.h"
#include "auth/plugin.h"
#include "auth/plugin_set.h"
#include "auth/routes.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/json.h"
#include "base/log.h"
#include "base/seal.h"
#include "base/str.h"
#include "base/uuid.h"
#include "job/job.h"
#include "mail/mail_address.h"
#include "web/query.h"
#include "web/request.h"

enum {
	VALUES_MAX_BYTES = 16 * 1024,
	LANGUAGE_MAX_BYTES = 128,
	NAMES_MAX = MAIL_VALUES_MAX,
};

/* In the place of an address that no user has. */
static const char nobody[] = "nobody@localhost";

bool
auth_mail_is_on(const struct auth *auth)
{
	return mail_is_on(&auth->config->base.mail);
}

enum err
auth_mail_charge(struct req *r, const char *to, const char *user_id)
{
	return limit_mail(r, to, user_id);
}

/* Returns the values of the message's placeholders as JSON: {"url":"..."}. */
static const char *
values_json(struct arena *a, const struct auth_mail *mail, const char *site)
{
	struct buf b;

	buf_init(&b, a, VALUES_MAX_BYTES);
	buf_puts(&b, "{\"site\":");
	json_write_string(&b, site);
	buf_puts(&b, ",\"lifetime\":");
	json_write_string(&b, arena_i64(a, (mail->ttl_s + 59) / 60));
	for (const struct mail_value *v = mail->values;
	     v != NULL && v->name != NULL; v++) {
		buf_putc(&b, ',');
		json_write_string(&b, v->name);
		buf_putc(&b, ':');
		json_write_string(&b, v->text);
	}
	buf_putc(&b, '}');
	return buf_failed(&b) ? NULL : b.data;
}

static const char *
site_of(const struct auth *auth)
{
	const char *host = strstr(auth->config->url, "://");

	return host != NULL ? host + strlen("://") : auth->config->url;
}

/* The header, if it is short and plain; it only chooses a language. */
static const char *
language_of(const struct req *r)
{
	const char *header = req_header(r, "ACCEPT_LANGUAGE");

	if (header == NULL || strlen(header) > LANGUAGE_MAX_BYTES)
		return "";
	for (const char *s = header; *s != '\0'; s++) {
		if (!str_is_alnum(*s) && strchr("-,;=.* ", *s) == NULL)
			return "";
	}
	return header;
}

enum err
auth_mail_enqueue(
    struct req *r, struct db *tx, struct arena *a, const struct auth_mail *mail)
{
	const struct auth *auth = auth_of(r);
	const char *to = mail->to != NULL ? mail->to : nobody;
	const char *problem = mail_address_problem(to), *values;
	unsigned char key[SEAL_KEY_SIZE];
	struct mail_row row = {
		.kind = mail->to != NULL ? mail->kind->name : AUTH_MAIL_NOBODY,
		.recipient = to,
		.language = language_of(r),
	};
	char id[UUID_TEXT_SIZE];
	enum err e;

	if (!auth_mail_is_on(auth))
		return ERR_OK;
	if (problem != NULL) {
		log_event(LOG_WARN, EVENT_MAIL_UNREACHABLE,
		    LOG_TEXT("template", mail->kind->name),
		    LOG_TEXT("problem", problem));
		return ERR_OK;
	}
	values = values_json(a, mail, site_of(auth));
	if (values == NULL)
		return ERR_TOO_LARGE;
	uuid_v7(id);
	row.id = id;
	auth_mail_key(auth->secret, auth->secret_len, key);
	row.sealed = seal_text(a, key, id, values);
	explicit_bzero(key, sizeof(key));
	e = auth_mail_insert(tx, a, &row, mail->ttl_s);
	if (e != ERR_OK)
		return e;
	return job_enqueue(tx, a, auth_mail_jobs,
	    arena_printf(a, "{\"mail\":\"%s\"}", id),
	    &(struct job_options){ .req = r }, NULL);
}

const char *
auth_mail_link(struct req *r, const char *path, const char *callback_url)
{
	return arena_printf(r->arena, "%s%s%scallbackURL=%s",
	    auth_of(r)->config->url, auth_prefix, path,
	    percent_encode(r->arena, callback_url));
}

static bool
check_kind(
    const struct mail_templates *templates, const struct auth_mail_kind *kind)
{
	const char *names[NAMES_MAX + 1] = { "site", "lifetime" };
	char problem[MAIL_PROBLEM_SIZE] = "";
	size_t n = 2;

	for (size_t i = 0; kind->values[i] != NULL && n < NAMES_MAX; i++)
		names[n++] = kind->values[i];
	if (mail_templates_has(templates, kind->name, names, problem))
		return true;
	log_event(LOG_ERROR, EVENT_MAIL_TEMPLATES_INVALID,
	    LOG_TEXT("problem", problem));
	return false;
}

bool
auth_mail_check(const struct mail_config *config, const struct plugin_set *set)
{
	char problem[MAIL_PROBLEM_SIZE] = "";
	struct mailer *mailer;
	bool good = true;

	if (!mail_is_on(config))
		return true;
	mailer = mailer_new(config, problem);
	if (mailer == NULL) {
		log_event(LOG_ERROR, EVENT_MAIL_TEMPLATES_INVALID,
		    LOG_TEXT("problem", problem));
		return false;
	}
	for (size_t i = 0; i < set->non; i++) {
		const struct auth_mail_kind *k = set->on[i]->mails;

		for (; k != NULL && k->name != NULL; k++)
			good = check_kind(mailer_templates(mailer), k) && good;
	}
	mailer_free(mailer);
	return good;
}

const struct auth_plugin auth_mail_part = {
	.name = "mail",
	.jobs = auth_mail_jobs,
	.schedules = auth_mail_schedules,
};

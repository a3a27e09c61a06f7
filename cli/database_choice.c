#include "database_choice.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/str.h"
#include "db/db_url.h"

#include "environment.h"
#include "file.h"
#include "message.h"
#include "settings.h"

/* Each line is the name of a service, a blank, and its database. */
#define CHOICE_FILE "env/databases"
#define PRIVATE "the stack's private one"

struct place {
	struct arena *arena;
	const char *hosts;
	const char *port;
	const char *database;
	const char *user;
};

static void
note_part(void *ctx, const char *name, const char *value)
{
	struct place *p = ctx;

	value = arena_strdup(p->arena, value);
	if (str_eq(name, "PGHOST") || str_eq(name, "PGHOSTADDR"))
		p->hosts = value;
	else if (str_eq(name, "PGPORT"))
		p->port = value;
	else if (str_eq(name, "PGDATABASE"))
		p->database = value;
	else if (str_eq(name, "PGUSER"))
		p->user = value;
}

/* Describes the database of a connection string, without its password. */
static const char *
describe(struct arena *a, const char *url)
{
	struct place p = { .arena = a, .hosts = "", .port = "" };

	if (db_url_problem(url) != NULL)
		return "given"; /* the service will report it */
	db_url_each_variable(url, note_part, &p);
	if (p.database == NULL)
		p.database = p.user != NULL ? p.user : "";
	return arena_printf(a, "%s on %s%s%s", p.database,
	    p.hosts[0] != '\0' ? p.hosts : "this host",
	    p.port[0] != '\0' ? ":" : "", p.port);
}

static const char *
choice(const struct stack *s, const struct spec_service *service)
{
	struct arena *a = s->arena;
	const char *name =
	    arena_printf(a, "%s_DATABASE_URL", service->variable);
	const char *url = getenv(name);
	const char *file = getenv(arena_printf(a, "%s_FILE", name));

	if (url != NULL)
		return describe(a, url);
	if (file != NULL)
		return arena_printf(a, "the one named in %s", file);
	return PRIVATE;
}

/* The choice of the last start; NULL: the service had none. */
static const char *
last_choice(struct arena *a, const char *service)
{
	char *at = file_find(a, CHOICE_FILE, /* ret_len= */ NULL);
	size_t len = strlen(service);
	char *line;

	while (at != NULL && (line = strsep(&at, "\n")) != NULL)
		if (strncmp(line, service, len) == 0 && line[len] == ' ')
			return line + len + 1;
	return NULL;
}

/* Whether the word of --database is what the service needs to change. */
static bool
is_for(
    const struct stack *s, const struct spec_service *service, const char *word)
{
	const char *last = last_choice(s->arena, service->name);
	const char *now = choice(s, service);

	return last != NULL && !str_eq(last, now) &&
	       str_eq(word, str_eq(now, PRIVATE) ? "private" : "given");
}

/*
 * The word does not set a database, a variable does. So "private" that nothing
 * follows, while a variable names a database, would start another one than the
 * person has in mind.
 */
static bool
check_word(const struct stack *s, const char *word)
{
	const struct spec_service *service, *given = NULL;
	struct arena *a = s->arena;
	const char *name;

	if (word == NULL || !str_eq(word, "private"))
		return true;
	for (int i = 0; i < s->spec.nservices; i++) {
		service = &s->spec.services[i];
		if (!service->needs_postgres)
			continue;
		if (is_for(s, service, word))
			return true;
		if (!str_eq(choice(s, service), PRIVATE))
			given = service;
	}
	if (given == NULL)
		return true;
	name = arena_printf(a, "%s_DATABASE_URL", given->variable);
	if (getenv(name) == NULL)
		name = arena_printf(a, "%s_FILE", name);
	print_error("--database private: %s names a database for %s (%s). "
		    "Remove it and %s_MIGRATION_URL from %s, and say "
		    "--database private again",
	    name, given->name, choice(s, given), given->variable,
	    settings_has(name) ? settings_full_path(a, s->dir)
			       : "the environment");
	return false;
}

static bool
check_service(
    const struct stack *s, const struct spec_service *service, const char *word)
{
	const char *last = last_choice(s->arena, service->name);
	const char *now = choice(s, service);
	const char *needed = str_eq(now, PRIVATE) ? "private" : "given";

	if (last == NULL || str_eq(last, now) ||
	    (word != NULL && str_eq(word, needed)))
		return true;
	print_error("%s used another database at the last start: %s, and now "
		    "%s. Set %s_DATABASE_URL in %s/kedge.env as it was, or, if "
		    "this is meant, start with --database %s",
	    service->name, last, now, service->variable, s->dir, needed);
	return false;
}

bool
database_choice_check(const struct stack *s, const char *word)
{
	if (word != NULL && !str_eq(word, "private") &&
	    !str_eq(word, "given")) {
		print_error(
		    "--database %s: it is \"private\" or \"given\"", word);
		return false;
	}
	if (!check_word(s, word))
		return false;
	for (int i = 0; i < s->spec.nservices; i++)
		if (s->spec.services[i].needs_postgres &&
		    !check_service(s, &s->spec.services[i], word))
			return false;
	return true;
}

bool
database_choice_note(const struct stack *s)
{
	struct buf b;

	buf_init(&b, s->arena, FILE_MAX_BYTES);
	for (int i = 0; i < s->spec.nservices; i++)
		if (s->spec.services[i].needs_postgres)
			buf_printf(&b, "%s %s\n", s->spec.services[i].name,
			    choice(s, &s->spec.services[i]));
	return file_update(s->arena, CHOICE_FILE, 0600, b.data);
}

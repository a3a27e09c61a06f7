#include "database_url.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "db/db_login.h"
#include "db/db_url.h"

#include "connections.h"
#include "file.h"
#include "message.h"

/* Returns the URL; NULL: libpq would read it in another way than a person. */
static const char *
checked(const char *name, const char *url)
{
	const char *problem = db_url_problem(url);

	if (problem == NULL)
		return url;
	print_error("%s: %s", name, problem);
	return NULL;
}

const char *
database_owner_url(const struct stack *s, const struct spec_service *service)
{
	struct arena *a = s->arena;
	const char *name =
	    arena_printf(a, "%s_MIGRATION_URL", service->variable);
	const char *url = getenv(name);
	char *text;

	if (url != NULL)
		return checked(name, url);
	if (s->is_system) {
		text = file_read(a,
		    arena_printf(a, SYSTEM_MIGRATION_DIR "/%s", name),
		    /* ret_len= */ NULL);
		if (text == NULL)
			return NULL;
		text[strcspn(text, "\n")] = '\0';
		return checked(name, text);
	}
	if (!file_exists(POSTGRES_SOCKET)) {
		print_error("PostgreSQL does not run in %s; \"kedge up\" "
			    "starts it",
		    s->dir);
		return NULL;
	}
	return connections_url(s, arena_printf(a, "%s_owner", service->name),
	    /* password= */ NULL, service->name);
}

const char *
database_admin_url(const struct stack *s, const struct spec_service *service,
    const char *database)
{
	struct db_login login = { .database = database };
	const char *name =
	    arena_printf(s->arena, "KEDGE_ADMIN_URL_%s", service->variable);
	const char *url = getenv(name);

	if (url == NULL) {
		name = "KEDGE_ADMIN_URL";
		url = getenv(name);
	}

	if (url == NULL && !s->is_system) {
		if (database_owner_url(s, service) == NULL)
			return NULL;
		return connections_url(s, POSTGRES_SUPERUSER,
		    /* password= */ NULL,
		    database != NULL ? database : "postgres");
	}
	if (url == NULL) {
		url = database_owner_url(s, service);
		login.user = "postgres";
		if (database == NULL)
			login.database = "postgres";
	} else {
		url = checked(name, url);
	}
	return url == NULL ? NULL : db_login_replace(s->arena, url, &login);
}

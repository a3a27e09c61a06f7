#include "core/profile/profile_routes.h"

#include "app/service_main.h"
#include "base/timezone.h"
#include "core/profile/locale.h"
#include "core/profile/profile.h"

enum { DISPLAY_NAME_MAX = 100, LOCALE_MAX = 64 };

/* clang-format off */
static const struct field patch_fields[] = {
	{ FIELD(struct profile_patch, display_name, "displayName"),
	  .nullable = true, .min = 1, .max = DISPLAY_NAME_MAX,
	  .format = FMT_LINE, .doc = "The name by which to address the user; "
	    "null: unknown." },
	{ FIELD(struct profile_patch, timezone, "timezone"),
	  .min = 1, .max = TIMEZONE_NAME_MAX,
	  .doc = "A name of the IANA time zone database: Europe/Berlin. Links "
	    "(Asia/Calcutta) are allowed, and stored as given." },
	{ FIELD(struct profile_patch, locale, "locale"),
	  .min = 2, .max = LOCALE_MAX,
	  .doc = "A BCP 47 language tag; stored in its canonical case." },
	{ 0 },
};
static const struct field profile_fields[] = {
	{ FIELD(struct profile, user_id, "userId"), .required = true },
	{ FIELD(struct profile, display_name, "displayName"),
	  .required = true, .nullable = true },
	{ FIELD(struct profile, timezone, "timezone"), .required = true },
	{ FIELD(struct profile, locale, "locale"), .required = true },
	{ FIELD(struct profile, created_at, "createdAt"), .required = true,
	  .format = FMT_DATE_TIME },
	{ FIELD(struct profile, updated_at, "updatedAt"), .required = true,
	  .format = FMT_DATE_TIME },
	{ 0 },
};
/* clang-format on */

enum err
profile_create(struct req *r)
{
	struct service_process *core = r->app;

	return profile_ensure(core->db, r->arena, r->identity->user_id);
}

static enum err
me_get(struct req *r, const void *in_struct UNUSED, void *out_struct)
{
	struct service_process *core = r->app;

	return profile_get(
	    core->db, r->arena, r->identity->user_id, out_struct);
}

static enum err
me_patch(struct req *r, const void *in_struct, void *out_struct)
{
	struct service_process *core = r->app;
	struct profile_patch patch = *(const struct profile_patch *)in_struct;

	if (patch.timezone != NULL &&
	    !timezone_valid(TIMEZONE_DIR, patch.timezone))
		return req_invalid(r, "timezone", "is not an IANA time zone");
	if (patch.locale != NULL) {
		patch.locale = locale_canonical(r->arena, patch.locale);
		if (patch.locale == NULL)
			return req_invalid(
			    r, "locale", "is not a BCP 47 language tag");
	}
	return profile_change(
	    core->db, r->arena, r->identity->user_id, &patch, out_struct);
}

/* clang-format off */
const struct route profile_routes[] = {
	{ "GET", "/me", me_get,
	  .summary = "The profile of the signed-in user",
	  .out = SCHEMA_NAMED("Profile", struct profile, profile_fields) },
	{ "PATCH", "/me", me_patch,
	  .summary = "Change the profile of the signed-in user",
	  .in = { .name = "ProfilePatch", .size = sizeof(struct profile_patch),
	    .fields = patch_fields, .refuse_unknown = true },
	  .out = SCHEMA_NAMED("Profile", struct profile, profile_fields),
	  .idempotent = true,
	  .errors = BIT(ERR_INVALID) | BIT(ERR_RATE_LIMITED) },
	{ 0 },
};
/* clang-format on */

#include "core/profile/profile.h"

#include "core/profile/profile_store.h"

enum err
profile_ensure(struct db *db, struct arena *a, const char *user_id)
{
	return profile_insert(db, a, user_id);
}

enum err
profile_get(struct db *db, struct arena *a, const char *user_id,
    struct profile *ret_profile)
{
	enum err e;

	e = profile_find(db, a, user_id, ret_profile);
	if (e != ERR_NOT_FOUND)
		return e;
	e = profile_insert(db, a, user_id);
	if (e != ERR_OK)
		return e;
	return profile_find(db, a, user_id, ret_profile);
}

enum err
profile_change(struct db *db, struct arena *a, const char *user_id,
    const struct profile_patch *patch, struct profile *ret_profile)
{
	enum err e;

	if (!patch->display_name.set && patch->timezone == NULL &&
	    patch->locale == NULL)
		return profile_get(db, a, user_id, ret_profile);

	e = profile_update(db, a, user_id, patch, ret_profile);
	if (e != ERR_NOT_FOUND)
		return e;
	e = profile_insert(db, a, user_id);
	if (e != ERR_OK)
		return e;
	return profile_update(db, a, user_id, patch, ret_profile);
}

enum err
profile_get_lock(struct db *tx, struct arena *a, const char *user_id)
{
	enum err e;

	e = profile_lock(tx, a, user_id);
	if (e != ERR_NOT_FOUND)
		return e;
	e = profile_insert(tx, a, user_id);
	if (e != ERR_OK)
		return e;
	return profile_lock(tx, a, user_id);
}

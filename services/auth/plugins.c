#include "auth/plugins.h"

#include "auth/plugin/accounts/accounts.h"
#include "auth/plugin/admin/admin.h"
#include "auth/plugin/bearer/bearer.h"
#include "auth/plugin/delete_user/delete_user.h"
#include "auth/plugin/email_password/email_password.h"
#include "auth/plugin/email_verification/email_verification.h"
#include "auth/plugin/password_reset/password_reset.h"
#include "auth/plugin/two_factor/two_factor.h"
#include "auth/plugin/username/username.h"

const struct auth_plugin *const plugins_all[] = {
	&email_password_plugin,
	&password_reset_plugin,
	&email_verification_plugin,
	&delete_user_plugin,
	&accounts_plugin,
	&admin_plugin,
	&username_plugin,
	&two_factor_plugin,
	&bearer_plugin,
	NULL,
};
